"""`auricle ratings` as a user meets it: tables in, words and files out."""

from __future__ import annotations

import csv
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.test_cli import auricle
from typer.testing import CliRunner

from auricle.cli.exits import exit_of
from auricle.cli.main import app
from auricle.core.errors import AuricleError

GOLDEN = Path(__file__).parents[1] / "golden" / "statistics" / "mixed_effects.csv"
SYSTEMS = {"reference": 100, "good": 80, "fair": 72, "poor": 40, "lp35": 15}
COLUMNS = ("listener", "item", "system", "score")


@pytest.fixture(scope="module")
def mushra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten items, eight listeners; L1 misses one hidden reference, L2 misses two."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("mushra") / "codecs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for listener in range(1, 9):
            for item in range(10):
                for system, mean in SYSTEMS.items():
                    missed = system == "reference" and item < listener <= 2
                    noise = 0 if system == "reference" else rng.normal(0, 6) + 2 * (listener - 4)
                    score = 70 if missed else min(max(round(mean + noise), 0), 100)
                    writer.writerow((f"L{listener}", f"song {item}", system, score))
    return path


@dataclass(frozen=True)
class Ran:
    """What a run printed, and the folder that it wrote."""

    text: str
    folder: Path

    @property
    def question(self) -> dict[str, Any]:
        [found] = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))["questions"]
        return dict(found)


def _run(source: Path, *options: object) -> str:
    """Run in this process, which saves the imports, and return what is printed."""
    found = CliRunner().invoke(app, ["ratings", str(source), *map(str, options)])
    assert found.exception is None, found.exception
    assert found.stderr == ""
    return found.stdout


@pytest.fixture(scope="module")
def ran(mushra: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("ran") / "out"
    return Ran(_run(mushra, "--interval", 2, "--output", folder), folder)


def test_the_command_is_there(mushra: Path) -> None:
    run = auricle("ratings", mushra, "--attribute", "loudness")
    assert (run.returncode, run.stdout) == (5, "")
    assert run.stderr == ("auricle: no such test or attribute: the ratings have codecs / quality\n")


def test_says_who_goes_and_which_is_better(ran: Ran) -> None:
    assert "bs1534: 7 of 8 listeners stay, 1 goes." in ran.text
    assert "rated the hidden reference below 90 in 2 of 10 items" in ran.text
    assert "good is better than fair by " in ran.text
    assert "fair is better than poor by " in ran.text
    assert "for a half-width of 2, these items" in ran.text
    assert "--output DIR" not in ran.text
    assert "report.html" in ran.text
    assert ran.question["screening"]["excluded"] == ["L2"]
    first = ran.question["contrasts"][0]
    assert (first["first"], first["second"]) == ("good", "fair")
    assert first["difference"]["low"] < 8 < first["difference"]["high"]
    assert {one["system"] for one in ran.question["averages"]} == {"good", "fair", "poor"}
    markdown = (ran.folder / "report.md").read_text(encoding="utf-8")
    assert "## Which is better?" in markdown
    assert "song 9" in markdown


def test_the_table_of_kept_ratings_is_read_again(ran: Ran, tmp_path: Path) -> None:
    kept = ran.folder / "screened.csv"
    with kept.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["listener"] for row in rows} == {f"L{n}" for n in (1, 3, 4, 5, 6, 7, 8)}
    assert {(row["system"], row["role"]) for row in rows if row["role"]} == {
        ("reference", "reference"),
        ("lp35", "low_anchor"),
    }
    _run(kept, "--output", tmp_path)
    again = Ran("", tmp_path).question
    assert again["contrasts"] == ran.question["contrasts"]
    assert again["screening"]["excluded"] == []


def test_roles_that_were_named_once_are_kept(mushra: Path, tmp_path: Path) -> None:
    """Systems that names tell nothing of, and one of a usual name that is none."""
    renamed = tmp_path / "renamed.csv"
    text = mushra.read_text(encoding="utf-8").replace("reference", "original")
    renamed.write_text(text.replace("poor", "ref"), encoding="utf-8")
    _run(renamed, "--reference", "original", "--output", tmp_path / "out")
    kept = _run(tmp_path / "out" / "screened.csv", "--screen", "bs1534")
    assert "original (reference)" in kept
    assert "bs1534: 7 of 7 listeners stay." in kept
    assert "fair is better than ref by " in kept


def test_the_page_shows_boxes(ran: Ran) -> None:
    pytest.importorskip("jinja2", reason="needs auricle[report]")
    page = (ran.folder / "report.html").read_text(encoding="utf-8")
    assert "Which is better?" in page
    assert "<svg" in page


def test_nobody_goes_without_screening(mushra: Path) -> None:
    text = _run(mushra, "--screen", "none", "--against", "reference")
    assert "--output DIR writes more: Items and systems" in text
    assert "listeners stay" not in text
    assert "reference is better than good by " in text
    assert "good is better than fair" not in text


def test_systems_alike_are_not_told_apart() -> None:
    text = _run(GOLDEN)
    assert "C and B are not told apart: 2.7 [-6.0, 11.5], p = 0.527" in text
    assert "D is better than C by 17.6 [8.9, 26.4], p < 0.001" in text


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    table = tmp_path / "votes.csv"
    rows = [
        f"{who},{what},{how},{min(5, 1 + (who + what) % 3 + 2 * (how == 'b'))}"
        for who in range(6)
        for what in range(4)
        for how in "ab"
    ]
    table.write_text("\n".join(["person,sentence,codec,points", *rows]), encoding="utf-8")
    columns = ("listener=person", "item=sentence", "system=codec", "score=points")
    options = [part for column in columns for part in ("--column", column)]
    assert "b is better than a by 2.00" in _run(table, *options, "--scale", "1-5")


def test_a_crowd_with_traps_and_replicates(tmp_path: Path) -> None:
    """L1 always votes 3, L2 falls for a trap, L3 contradicts itself, L4 is nearly right."""
    clips = [1, 2, 3, 4, 5, 4, 2, 1]
    votes = {f"L{who}": [*clips[: who - 1], 3, *clips[who:], 2, 5] for who in range(2, 9)}
    votes["L1"] = [3] * 8 + [2, 5]
    votes["L2"][8] = 5
    votes["L4"][9] = 4
    names = [*(f"clip {item}" for item in range(8)), "trap.wav", "gold=x.wav"]
    lines = [
        f"{who},{name},codec,{score}"
        for who, scores in votes.items()
        for name, score in zip(names, scores, strict=True)
    ]
    lines += ["L3,clip 0,codec,4", "L5,clip 0,codec,1"]
    table = tmp_path / "votes.csv"
    table.write_text("\n".join([",".join(COLUMNS), *lines]), encoding="utf-8")
    traps = ("--trap", "trap.wav=2", "--trap", "gold=x.wav=5+-1", "--scale", "1-5")
    text = _run(table, "--screen", "p808", "--screen", "replicates", *traps)
    assert "p808, replicates, traps: 5 of 8 listeners stay, 3 go." in text
    assert "L1        hardly varied: 8 scores from 3 to 3" in text
    assert "L2        answered 1 of 2 traps wrongly" in text
    assert "L3        scored replicates of a stimulus 75 % of the scale apart" in text
    assert "16 ratings are of traps, and left out of all but screening" in text
    assert "traps: 7 of 8 listeners stay, 1 goes." in _run(table, *traps)
    assert _refuse(table, "--trap", "trip.wav=2", message="is called that") == 2
    assert _refuse(table, "--trap", "trap.wav=two", message="write NAME=SCORE") == 2
    assert _refuse(table, "--trap", "trap.wav=9", message="lies off the scale 1-5") == 2


def test_means_only_say_what_is_missing(tmp_path: Path) -> None:
    table = tmp_path / "means.csv"
    table.write_text(
        "item,system,mos,std,count\na,x,3.5,1,25\na,ref,2.5,1,25\nb,x,4,1,25\nb,ref,2,,\n",
        encoding="utf-8",
    )
    text = _run(table, "--scale", "1-5", "--output", tmp_path / "out")
    assert "Only means are known" in text
    # 0.41: the quantile of t with 24 degrees of freedom, 2.0639, times 1 / 5.
    assert "Brackets hold 95% intervals." in text
    assert "3.75 [3.34, 4.16]" in text
    assert re.search(r"ref \(reference\) +2.25 +2", text)
    assert "means.csv: 4 means\n" in text
    markdown = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "3.50 [3.09, 3.91]" in markdown


def test_means_without_deviations_have_no_intervals(tmp_path: Path) -> None:
    table = tmp_path / "means.csv"
    table.write_text("system,mos\nx,3.5\ny,2.5\n", encoding="utf-8")
    text = _run(table)
    assert "Means as they were told. Nothing tells how sure they are." in text
    assert "[" not in text


def test_without_systems_nothing_is_compared(mushra: Path, tmp_path: Path) -> None:
    table = tmp_path / "unnamed.csv"
    with mushra.open(encoding="utf-8", newline="") as file:
        lines = [",".join(row[:2] + row[3:]) for row in csv.reader(file)]
    table.write_text("\n".join(lines), encoding="utf-8")
    text = _run(table)
    assert "No column says which system a rating is of (name it by system=COLUMN)" in text
    assert "(no system named)" in text
    assert "half-width" not in text
    assert _refuse(table, "--against", "good", message="there are none") == 2


@pytest.mark.parametrize(
    ("listeners", "items", "systems", "words"),
    [
        (1, 3, "ab", "No mixed-effects model: a mixed-effects model needs two systems"),
        (4, 3, "a", "needs two systems and two listeners at least: there are 1 and 4"),
        (4, 2, "ab", "b is better than a by 30.0"),
        (1, 1, "a", "No planning"),
    ],
)
def test_small_panels_get_what_can_be_told(
    tmp_path: Path, listeners: int, items: int, systems: str, words: str
) -> None:
    table = tmp_path / "small.csv"
    lines = [
        f"L{who},{item},{system},{20 + 5 * item + 30 * (system == 'b') + (who * item) % 3}"
        for who in range(listeners)
        for item in range(items)
        for system in systems
    ]
    table.write_text("\n".join([",".join(COLUMNS), *lines]), encoding="utf-8")
    assert words in _run(table)


def _refuse(source: Path, *options: str, message: str) -> int:
    """Return the exit code of an error that says `message`, without the cost of a process."""
    found = CliRunner().invoke(app, ["ratings", str(source), *options])
    assert isinstance(found.exception, AuricleError)
    assert message in str(found.exception)
    return exit_of(found.exception)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "own.csv is empty: a table of ratings has a first line"),
        ("listener,item,system,score\n", "own.csv: it holds no ratings"),
        ("foo,bar\n1,2\n", "line 1: there is no column of scores"),
        ("listener,score\nA,3\n", "line 1: no column says what was rated"),
        ("listener,item,score\nA,a,good\n", "line 2, column score: 'good' is no score; write"),
        ("listener,item,score\nA,a,50\nA,b,140\n", "nothing says which scale"),
        ("listener,item,score,scale\nA,a,140,0-100\n", "line 2, column score: 140 lies off"),
        ("listener,item,score,role\nA,a,1,expert\n", "line 2, column role: 'expert' is no role"),
        ("listener,age,a/x,a/y\nA,30,1,2\n", "line 1: column 'age' is no ITEM/SYSTEM"),
    ],
)
def test_broken_tables_are_told(tmp_path: Path, text: str, message: str) -> None:
    table = tmp_path / "own.csv"
    table.write_text(text, encoding="utf-8")
    assert _refuse(table, message=message) == 5


def test_wrong_usage_is_told(mushra: Path, tmp_path: Path) -> None:
    for code, options, message in (
        (2, ["--screen", "nobody"], "Choose from bs1534"),
        (2, ["--screen", "none", "--screen", "bs1534"], "does not go with"),
        (2, ["--column", "score"], "write FIELD=NAME"),
        (2, ["--scale", "high"], "write both ends"),
        (2, ["--against", "nothing"], "no system 'nothing' to compare with"),
        (2, ["--reference", "Foo"], "no system is called 'Foo': there are reference, good, fair"),
        (2, ["--low-anchor", "Foo"], "low anchor: no system is called 'Foo'"),
        (2, ["--mid-anchor", "Foo"], "mid anchor: no system is called 'Foo'"),
        (2, ["--interval", "-1"], "more than 0 to each side, not by -1"),
        (2, ["--interval", "0"], "more than 0 to each side, not by 0"),
        (5, ["--attribute", "loudness"], "the ratings have codecs / quality"),
        (5, ["--reference", "", "--scale", "0-50"], "lies off the scale"),
    ):
        assert _refuse(mushra, *options, message=message) == code
    assert _refuse(tmp_path / "nothing.csv", message="there is no folder or file") == 5
    empty = tmp_path / "empty"
    empty.mkdir()
    assert _refuse(empty, message="holds no ratings: expected") == 5
    without = tmp_path / "without.csv"
    without.write_text("listener,item,system,score\nL1,a,x,50\nL2,a,y,60\n", encoding="utf-8")
    assert _refuse(without, "--screen", "bs1534", message="hidden reference") == 5


def test_real_panels(data_folder: Path, tmp_path: Path) -> None:
    """Variances of R's lme4 1.1-31 for the same ratings, as golden/statistics/mixed_effects.R."""
    source = data_folder / "listening_tests" / "ratings_long.csv"
    if not source.is_file():
        pytest.skip("AURICLE_DATA has no listening_tests")
    start = time.monotonic()
    _run(source, "--screen", "none", "--output", tmp_path)
    assert time.monotonic() - start < 30.0
    found = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["questions"]
    tests = {(one["test"], one["attribute"]): one for one in found}
    variances = {
        one["name"]: one["variance"] for one in tests["se_mushra", "quality"]["model"]["components"]
    }
    assert variances == pytest.approx(
        {
            "listener": 269.9209,
            "item": 18.7739,
            "listener x system": 10.2300,
            "item x system": 0.0,
            "rest": 112.3333,
        },
        rel=1e-4,
    )
