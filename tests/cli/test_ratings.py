"""`auricle ratings` as a user meets it: tables in, words and files out."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

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


def test_says_who_goes_and_which_is_better(mushra: Path, tmp_path: Path) -> None:
    run = auricle("ratings", mushra, "--interval", 2, "--output", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    assert "bs1534: 7 of 8 listeners stay, 1 goes." in run.stdout
    assert "rated the hidden reference below 90 in 2 of 10 items" in run.stdout
    assert "good is better than fair by " in run.stdout
    assert "fair is better than poor by " in run.stdout
    assert "for a half-width of 2, these items" in run.stdout
    found = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    [question] = found["questions"]
    assert question["screening"]["excluded"] == ["L2"]
    first = question["contrasts"][0]
    assert (first["first"], first["second"]) == ("good", "fair")
    assert first["difference"]["low"] < 8 < first["difference"]["high"]
    assert {one["system"] for one in question["averages"]} == {"good", "fair", "poor"}
    markdown = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "## Which is better?" in markdown
    assert "song 9" in markdown


def test_the_table_of_kept_ratings_is_read_again(mushra: Path, tmp_path: Path) -> None:
    auricle("ratings", mushra, "--output", tmp_path / "first")
    kept = tmp_path / "first" / "screened.csv"
    with kept.open(encoding="utf-8", newline="") as file:
        assert {row["listener"] for row in csv.DictReader(file)} == {
            f"L{number}" for number in (1, 3, 4, 5, 6, 7, 8)
        }
    auricle("ratings", kept, "--output", tmp_path / "second")
    one, other = (
        json.loads((tmp_path / name / "report.json").read_text(encoding="utf-8"))["questions"][0]
        for name in ("first", "second")
    )
    assert one["contrasts"] == other["contrasts"]
    assert other["screening"]["excluded"] == []


def test_the_page_shows_boxes(mushra: Path, tmp_path: Path) -> None:
    pytest.importorskip("jinja2", reason="needs auricle[report]")
    run = auricle("ratings", mushra, "--output", tmp_path)
    assert run.stderr == ""
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Which is better?" in page
    assert "<svg" in page


def test_nobody_goes_without_screening(mushra: Path) -> None:
    run = auricle("ratings", mushra, "--screen", "none", "--against", "reference")
    assert "listeners stay" not in run.stdout
    assert "reference is better than good by " in run.stdout
    assert "good is better than fair" not in run.stdout


def test_systems_alike_are_not_told_apart(mushra: Path) -> None:
    run = auricle("ratings", GOLDEN)
    assert "C and B are not told apart: 2.7 [-6.0, 11.5], p = 0.527" in run.stdout
    assert "D is better than C by 17.6 [8.9, 26.4], p < 0.001" in run.stdout


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
    run = auricle("ratings", table, *options, "--scale", "1-5")
    assert run.returncode == 0, run.stderr
    assert "b is better than a by 2.00" in run.stdout


def test_means_only_say_what_is_missing(tmp_path: Path) -> None:
    table = tmp_path / "means.csv"
    table.write_text(
        "item,system,mos,std,count\na,x,3.5,1,25\na,y,2.5,1,25\nb,x,4,1,25\nb,y,2,,\n",
        encoding="utf-8",
    )
    run = auricle("ratings", table, "--scale", "1-5", "--output", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    assert "Only means are known" in run.stdout
    assert "3.75" in run.stdout
    markdown = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "3.50 [3.09, 3.91]" in markdown


def test_a_panel_of_one_gets_what_can_be_told(tmp_path: Path) -> None:
    table = tmp_path / "one.csv"
    lines = [f"L1,{item},{system},{20 + 5 * item}" for item in range(3) for system in "ab"]
    table.write_text("\n".join([",".join(COLUMNS), *lines]), encoding="utf-8")
    run = auricle("ratings", table)
    assert run.returncode == 0, run.stderr
    assert "No mixed-effects model: a mixed-effects model needs two systems" in run.stdout
    assert "No planning" in run.stdout


def _refuse(source: Path, *options: str, message: str) -> int:
    """Return the exit code of an error that says `message`, without the cost of a process."""
    found = CliRunner().invoke(app, ["ratings", str(source), *options])
    assert isinstance(found.exception, AuricleError)
    assert message in str(found.exception)
    return exit_of(found.exception)


def test_wrong_usage_is_told(mushra: Path, tmp_path: Path) -> None:
    for code, options, message in (
        (2, ["--screen", "nobody"], "Choose from bs1534"),
        (2, ["--screen", "none", "--screen", "bs1534"], "does not go with"),
        (2, ["--column", "score"], "write FIELD=NAME"),
        (2, ["--scale", "high"], "write both ends"),
        (2, ["--against", "nothing"], "no system 'nothing' to compare with"),
        (5, ["--attribute", "loudness"], "the ratings have codecs / quality"),
        (5, ["--reference", "", "--scale", "0-50"], "lies off the scale"),
    ):
        assert _refuse(mushra, *options, message=message) == code
    assert _refuse(tmp_path / "nothing.csv", message="there is no folder or file") == 5
    without = tmp_path / "without.csv"
    without.write_text("listener,item,system,score\nL1,a,x,50\nL2,a,y,60\n", encoding="utf-8")
    assert _refuse(without, "--screen", "bs1534", message="hidden reference") == 5


def test_real_panels(data_folder: Path, tmp_path: Path) -> None:
    """Variances of R's lme4 1.1-31 for the same ratings, as golden/statistics/mixed_effects.R."""
    source = data_folder / "listening_tests" / "ratings_long.csv"
    if not source.is_file():
        pytest.skip("AURICLE_DATA has no listening_tests")
    start = time.monotonic()
    run = auricle("ratings", source, "--screen", "none", "--output", tmp_path)
    assert run.returncode == 0, run.stderr
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
