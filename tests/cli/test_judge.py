"""Metrics judged by a table: what is read, what is said, and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from auricle.cli.main import app
from auricle.core.errors import AuricleError, ConfigError, DataError
from auricle.evaluation.score_table import TableOptions, read_scores

HEADER = ("set", "attribute", "item", "system", "score", "raters", "good", "noise", "distance")


def rows() -> list[tuple[object, ...]]:
    """Ten items through four systems; one metric knows them, one does not, one turns them round."""
    rng = np.random.default_rng(5)
    made: list[tuple[object, ...]] = []
    for item in range(10):
        for system in range(4):
            score = 80.0 - 18.0 * system + rng.normal(0.0, 4.0)
            values = score / 25.0 + rng.normal(0.0, 0.1), rng.normal(), -score + rng.normal(0, 3)
            told = [f"{number:.4f}" for number in (score, *values)]
            made.append(("demo", "quality", f"i{item}", f"c{system}", told[0], 12, *told[1:]))
    return made


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write(tmp_path / "clips.csv", HEADER, rows())


def write(path: Path, header: tuple[str, ...], lines: list[tuple[object, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *lines])
    return path


def judge(*arguments: str) -> str:
    run = CliRunner().invoke(app, ["judge", *arguments])
    if isinstance(run.exception, AuricleError):
        raise run.exception
    assert run.exit_code == 0, run.output
    return run.stdout


def table_of(text: str) -> str:
    """Return what is printed from the first table on."""
    return text[text.index("\nmetric ") :]


def test_the_winner_and_whether_that_is_chance(table: Path) -> None:
    text = judge(str(table), "--lower-is-better", "distance")
    assert "demo/quality: 40 clips of 10 items" in text
    assert "`good` orders the clips most like the ratings do: SRCC 0.9" in text
    assert "It is better than `noise` by more than chance explains" in text
    assert "The test is too small to tell apart from it: `distance` 0.9" in text
    blind = "Not shown to agree with listeners at all, as the interval of SRCC includes 0: `noise` "
    assert blind in text
    assert "There are 10 items only" in text
    assert "Means of 4 systems" in text
    # Neither votes alone nor their number make an interval of a rating.
    assert "outliers" not in table_of(text)


def test_a_distance_that_nobody_turned_is_noticed(table: Path) -> None:
    text = judge(str(table), "--metric", "good", "--metric", "distance")
    assert "`distance` orders them backwards (SRCC -0.9" in text
    assert "say --lower-is-better distance." in text
    assert "noise" not in text


def test_a_constant_has_no_correlation_and_no_smallest_errors(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    lines: list[tuple[object, ...]] = []
    for item in range(10):
        for system in range(4):
            score = 20.0 * system + rng.normal(0.0, 4.0)
            lines.append((f"i{item}", score, -score + rng.normal(), 7.0))
    header = ("item", "score", "distance", "constant")
    path = write(tmp_path / "t.csv", header, lines)
    text = judge(str(path))
    assert "Without a correlation, as values are all equal or too few: `constant`." in text
    assert "No metric predicts ratings better than their mean does, whose RMSE is" in text
    assert "smallest errors" not in text
    turned = judge(str(path), "--lower-is-better", "distance")
    assert "too small" not in turned
    assert "No metric predicts" not in turned


@pytest.mark.parametrize(
    "lines",
    [
        [("i0", 50.0, 1.0)],
        [("i0", 50.0, 1.0), ("i0", 60.0, 2.0), ("i0", 70.0, 3.0), ("i0", 80.0, 4.0)],
        [("i0", 50.0, 1.0), ("i1", 60.0, 2.0)],
        [(f"i{n}", 50.0, float(n)) for n in range(20)],
    ],
    ids=["one clip", "one item", "two items", "constant ratings"],
)
def test_errors_that_cannot_be_known(tmp_path: Path, lines: list[tuple[object, ...]]) -> None:
    text = judge(str(write(tmp_path / "t.csv", ("item", "score", "m"), lines)))
    assert "Errors are not known" in text
    assert "0.00 [0.00, 0.00]" not in text
    assert " RMSE " not in text.partition("quality:")[2]
    assert "1 clips" not in text


def test_reports_hold_it_all(table: Path, tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    output = tmp_path / "out"
    options = "--lower-is-better", "distance", "--mapping", "isotonic"
    judge(str(table), *options, "--output", str(output))
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert (report["mapping"], report["correction"]) == ("isotonic", "holm")
    assert [one["metric"] for one in report["results"]] == ["good", "noise", "distance"]
    assert report["results"][0]["srcc"]["value"] > 0.9
    assert {"good - noise", "good - distance", "noise - distance"} == {
        f"{one['first']} - {one['second']}" for one in report["differences"]
    }
    assert "Every pair of metrics: demo/quality" in (output / "report.md").read_text("utf-8")
    html = (output / "report.html").read_text(encoding="utf-8")
    assert "<svg" in html
    assert "http://" not in html.replace("http://www.w3.org", "")


@pytest.mark.parametrize("column", ["interval", "deviation"])
def test_errors_within_the_interval_of_a_rating(tmp_path: Path, column: str) -> None:
    lines = [(*row, 500.0 if column == "interval" else 9.0) for row in rows()]
    path = write(tmp_path / "t.csv", (*HEADER, "spread"), lines)
    text = judge(str(path), f"--{column}", "spread", "--metric", "good")
    assert "RMSE*" in table_of(text)
    assert "outliers" in table_of(text)
    if column == "interval":
        assert "0.00 [0.00, 0.00]" in text


def test_a_plain_table_without_items(tmp_path: Path) -> None:
    lines = [("a;b", n, n**2) for n in range(12)] + [("c", "", 5)]
    path = tmp_path / "plain.tsv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t").writerows([("file", "MOS", "m"), *lines])
    found = read_scores(path)
    assert [one.name for one in found.contenders] == ["m"]
    assert len(found.pairs) == 12
    assert len({pair.item for pair in found.pairs}) == 12
    assert found.notes[1] == "Rows without a rating, left out: 1."
    assert "SRCC 1.00 [1.00, 1.00]" in judge(str(path))


def test_directions_that_auricle_knows(tmp_path: Path) -> None:
    lines = [(n, -n, -n, n) for n in range(12)]
    path = write(tmp_path / "t.csv", ("score", "log-spectral", "fad-mel", "stoi"), lines)
    assert [one.sign for one in read_scores(path).contenders] == [-1.0, -1.0, 1.0]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        (TableOptions(rating="stars"), DataError, "--rating stars: there is no such column"),
        (TableOptions(metrics=("system",)), DataError, "line 2, column system: 'c0' is no"),
        (TableOptions(rating="item"), DataError, "line 2, column item: 'i0' is no"),
        (TableOptions(lower_is_better=("pesq",)), ConfigError, "no such metric is judged"),
        (TableOptions(interval="distance"), DataError, "line 2, column distance: half the width"),
    ],
)
def test_what_is_refused(
    table: Path, options: TableOptions, error: type[AuricleError], said: str
) -> None:
    with pytest.raises(error, match=said):
        read_scores(table, options)


def test_tables_that_hold_nothing_to_judge(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="name the one of the ratings by --rating: there is a, b"):
        read_scores(write(tmp_path / "a.csv", ("a", "b"), [(1, 2)]))
    with pytest.raises(DataError, match="besides score no column holds numbers"):
        read_scores(write(tmp_path / "b.csv", ("score", "b"), [(1, "x")]))
    with pytest.raises(DataError, match="column score holds no rating"):
        read_scores(write(tmp_path / "c.csv", ("score", "b"), [("", 1)]))
    path = write(tmp_path / "d.csv", ("score", "b", "sd"), [(1, 2, 3)])
    with pytest.raises(ConfigError, match="name their column by --votes"):
        read_scores(path, TableOptions(deviation="sd"))
