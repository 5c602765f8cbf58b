"""What the page of a benchmark says, for metrics whose rank is known."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from auricle.core.spec import Scale
from auricle.data.listening_sets import RatedPair
from auricle.evaluation.benchmark_page import advise, summarise, to_page
from auricle.evaluation.benchmark_run import BenchmarkRun, find_references
from auricle.evaluation.footprint import Footprint
from auricle.evaluation.page.blocks import Cell, Chart, Intervals, Page, Section, Table
from auricle.evaluation.rated_benchmark import judge
from auricle.evaluation.rated_metrics import Contender
from auricle.evaluation.rated_scores import RatedValue

ITEMS, SYSTEMS = 12, 5
GOOD = Contender("good", "good.v1", 1.0, "a", domain="music")
TWIN = Contender("twin", "twin.v1", -1.0, "b")
BLIND = Contender("blind", "blind.v1", 1.0, "c", "speech", needs_reference=False)


@cache
def make_run(domain: str = "music") -> BenchmarkRun:
    """Twelve songs by five systems, heard by six; one metric knows, one nearly, one nothing."""
    rng = np.random.default_rng(5)
    pairs, values = [], {"good": [], "twin": [], "blind": []}
    for item in range(ITEMS):
        for system in range(SYSTEMS):
            quality = 10.0 + 18.0 * system + rng.normal(0.0, 3.0)
            votes = np.clip(quality + rng.normal(0.0, 8.0, 6), 0.0, 100.0)
            pairs.append(
                RatedPair(
                    "demo", "quality", f"song{item}", f"s{system}", Path("r.wav"),
                    Path(f"{item}-{system}.wav"), float(votes.mean()), "0-100", 6,
                    listeners={f"L{n}": float(vote) for n, vote in enumerate(votes)},
                )
            )  # fmt: skip
            for name, value in (
                ("good", quality), ("twin", -quality + rng.normal()), ("blind", 50 * rng.random())
            ):  # fmt: skip
                known = {"low": value - 100.0, "high": value + 100.0} if name == "good" else {}
                one = RatedValue(f"{item}-{system}", value, "", 0.5, 2.0, **known)
                values[name].append(one)
    values["blind"][3] = RatedValue("0-3", error="it broke")
    contenders = (BLIND, TWIN, GOOD)
    found = judge(pairs, contenders, values, resamples=200)
    return BenchmarkRun(
        found,
        notes=("haaqi is left out: it is not there",),
        footprints={
            "good": Footprint(1.0, 0.5, 0.1, 0.2, 2**27, 2**28, 0.4),
            "twin": Footprint(error="gone"),
        },
        machine="a machine",
        domains={"demo": domain},
        command="auricle benchmark demo",
    )


def section(page: Page, title: str) -> Section:
    return next(one for one in page.sections if one.title == title)


def table(found: Section) -> Table:
    return next(block for block in found.blocks if isinstance(block, Table))


def texts(row: object) -> list[str]:
    assert isinstance(row, list | tuple)
    return [cell.text if isinstance(cell, Cell) else cell for cell in row]


def test_the_best_comes_first_and_the_blind_one_is_worse() -> None:
    run = make_run()
    said = " ".join(advise(run))
    best, same = (one.name for one in run.rank(None)[:2])
    assert {best, same} == {"good", "twin"}
    assert f"`{best}` orders clips most like listeners do" in said
    assert f"too small to tell apart from it: `{same}` 0.9" in said
    assert "Not shown to agree with listeners at all, as the interval of SRCC includes 0" in said
    assert "mean SRCC" not in said
    assert "It is better than `blind` by more than chance explains" in said
    assert "Of those that need no reference `blind` is the best" in said
    leaderboard = table(section(to_page(run), "Leaderboard"))
    assert [texts(row)[0] for row in leaderboard.rows] == [
        best, same, "blind", "(a perfect metric)",
    ]  # fmt: skip
    # One overall question per set: its name is enough.
    assert leaderboard.header[-1] == "demo"


def test_what_lies_outside_a_domain_is_marked() -> None:
    for domain, outside in (("music", {"blind"}), ("speech", {"good"}), ("any", set())):
        run = make_run(domain)
        rows = [texts(row) for row in table(section(to_page(run), "Leaderboard")).rows]
        assert {row[0] for row in rows if row[-1].endswith("°")} == outside


def test_every_clip_can_be_hovered() -> None:
    page = to_page(make_run())
    charts = section(page, "demo/quality: every clip").blocks
    assert [chart.title for chart in charts if isinstance(chart, Chart)] == [
        "blind",
        "twin",
        "good",
    ]
    blind, _, good = (chart.series[0].marks for chart in charts if isinstance(chart, Chart))
    assert (len(blind), len(good)) == (ITEMS * SYSTEMS - 1, ITEMS * SYSTEMS)
    assert good[0].hint.startswith("0-0.wav\nsong0, s0\nrated ")
    assert "±" in good[0].hint
    assert good[0].low is not None
    assert good[0].low < good[0].y
    (bars,) = (one for one in section(page, "demo/quality").blocks if isinstance(one, Intervals))
    assert bars.at is not None
    assert 0.9 < bars.at <= 1.0


def test_intervals_are_judged_only_on_the_scale_of_the_ratings() -> None:
    run = make_run()
    title = "Reliability of the metrics' own intervals"
    (row,) = (texts(row) for row in table(section(to_page(run), title)).rows)
    assert row[:2] == ["demo/quality", "good"]
    assert row[2].startswith("1.00")
    assert row[3:] == ["200", "inside"]
    other = tuple(replace(one, scale=Scale(1.0, 5.0)) for one in run.found.contenders)
    page = to_page(replace(run, found=replace(run.found, contenders=other)))
    assert not any(isinstance(one, Table) for one in section(page, title).blocks)


def test_costs_failures_and_notes() -> None:
    page = to_page(make_run())
    costs = {texts(row)[0]: texts(row)[1:] for row in table(section(page, "Speed and memory")).rows}
    assert costs["good"] == ["0.250", "100", "0.020", "1.5", "256", "128"]
    assert costs["blind"] == ["0.250", *["-"] * 5]
    assert [texts(row) for row in table(section(page, "Failures")).rows] == [
        ["blind", "1", "it broke"]
    ]
    titles = [one.title for one in summarise(make_run()).sections]
    assert titles == ["Leaderboard", "Which metric to trust", "Failures", "Notes"]
    assert ("Command", "auricle benchmark demo") in page.facts


def test_references_for_ladders_are_there_and_come_once(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        (tmp_path / name).touch()
    pairs = [
        RatedPair(test, "quality", "i", "s", tmp_path / name, Path("d.wav"), 50.0)
        for test, name in (
            ("one", "gone.wav"), ("one", "a.wav"), ("one", "a.wav"), ("one", "b.wav"),
            ("two", "a.wav"), ("two", "c.wav"),
        )
    ]  # fmt: skip
    assert [path.name for path in find_references(pairs, 1)] == ["a.wav"]
    assert [path.name for path in find_references(pairs, 2)] == ["a.wav", "b.wav", "c.wav"]
    assert find_references(pairs, 0) == []


@pytest.mark.parametrize("names", [(), ("blind",)])
def test_without_differences_nothing_is_claimed(names: tuple[str, ...]) -> None:
    run = make_run()
    found = replace(
        run.found,
        contenders=tuple(one for one in run.found.contenders if one.name in names),
        means=tuple(one for one in run.found.means if one.metric in names),
        differences=(),
    )
    said = advise(replace(run, found=found))
    assert not any("better than" in text for text in said)
    assert len(said) >= 1
