"""Metrics on ladders as a page, as JSON, and as a table of all scores."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from auricle.degrade.base import parse_cascade, unit_of
from auricle.evaluation.ladder_results import LadderResult, LadderResults, Mean, Step
from auricle.evaluation.ladder_table import ALL, Ladder
from auricle.evaluation.page.blocks import (
    Bar,
    Block,
    Cell,
    Chart,
    Intervals,
    Mark,
    Page,
    Section,
    Series,
    Table,
    Text,
)
from auricle.evaluation.page.report import write_report
from auricle.evaluation.rated_metrics import Contender

_SUMMARY = (
    "Clean clips are degraded step by step, and every step is scored. Two steps are in order when"
    " the harder one has the worse score; exactly equal scores are ties, and ties are not in order."
    " Brackets hold 95% bootstrap intervals over clips."
)
_SCORES = "The mean score of every rung, on the metric's own scale."
_NONE = "-"

# Below any share of pairs.
_WITHOUT = -1.0

_Rows = list[list[str | Cell]]


def write_ladders(found: LadderResults, notes: Sequence[str], folder: Path) -> list[str]:
    """Write `report.md`, `report.json`, `report.html` and `scores.csv`; return what is left out.

    Without Jinja2 there is no page.
    """
    left_out = write_report(to_page(found, notes), to_json(found, notes), folder)
    _write_scores(found, folder / "scores.csv")
    return left_out


def to_json(found: LadderResults, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Return everything but single scores as plain data, None for what is undefined."""
    return {
        "notes": list(notes),
        "clips": list(found.clips),
        "metrics": [asdict(one) for one in found.contenders],
        "ladders": {one.name: list(one.rungs) for one in found.ladders},
        "results": [asdict(one) for one in found.results],
        "left_out": [asdict(one) for one in found.left_out],
        "failures": [asdict(one) for one in found.failures],
    }


def to_page(found: LadderResults, notes: Sequence[str] = ()) -> Page:
    """Return the report as a page."""
    facts = [
        ("Auricle", version("auricle")),
        ("Clips", str(len(found.clips))),
        *(("Note", note) for note in notes),
    ]
    return Page("Metrics on ladders of degradation", _SUMMARY, ladder_sections(found), facts)


def ladder_sections(found: LadderResults) -> list[Section]:
    """Return the sections of a page: orders, a chart of each ladder, scores, what is missing."""
    return [
        Section("Pairs in order", [_tabulate_shares(found), _draw_shares(found)]),
        Section("Curves", [_draw_ladder(found, ladder) for ladder in found.ladders]),
        Section("How pairs are ordered", [_tabulate_orders(found)], folded=True),
        Section(
            "Mean scores",
            [Text(_SCORES), *(_tabulate_ladder(found, ladder) for ladder in found.ladders)],
            folded=True,
        ),
        Section("Left out", [_tabulate_left_out(found)], folded=True),
        Section("Failures", [_tabulate_failures(found)], folded=not found.failures),
    ]


def _tabulate_shares(found: LadderResults) -> Table:
    """Return the share of ordered pairs, metric by ladder; the best of each ladder is marked."""
    names = [ALL, *(ladder.name for ladder in found.ladders)]
    columns = [[found.find(one.name, name) for one in found.contenders] for name in names]
    best = [max(map(_share, column), default=_WITHOUT) for column in columns]
    rows: _Rows = [
        [
            contender.name,
            *(
                Cell(
                    _percent(one.every.share),
                    order=_share(one),
                    hint=_tell_order(one),
                    best=len(found.contenders) > 1 and _WITHOUT < _share(one) == top,
                )
                for one, top in zip(row, best, strict=True)
            ),
        ]
        for contender, row in zip(found.contenders, zip(*columns, strict=True), strict=True)
    ]
    return Table(["metric", *names], rows, caption="All pairs of a clip's rungs in order, in %.")


def _draw_shares(found: LadderResults) -> Intervals:
    bars = []
    for one in sorted(found.contenders, key=lambda one: -_share(found.find(one.name))):
        result = found.find(one.name)
        if result.every.share is not None:
            low, value, high = (100.0 * end for end in _ends(result.every.share))
            bars.append(Bar(one.name, value, low, high, _tell_order(result)))
    return Intervals("All ladders", "pairs in order, %", bars)


def _tabulate_orders(found: LadderResults) -> Table:
    header = (
        "metric", "ladder", "clips", "pairs", "ordered", "tied", "inverted",
        "neighbours ordered, %", "tau-b", "beyond the interval",
    )  # fmt: skip
    rows: _Rows = []
    for one in found.results:
        counts = (one.clips, *(getattr(one.every, name) for name in header[3:7]))
        rows.append([
            one.metric,
            one.ladder,
            *(Cell(str(count), order=count) for count in counts),
            _percent(one.adjacent.share),
            _show(one.tau),
            _NONE if one.beyond is None else Cell(str(one.beyond), order=one.beyond),
        ])  # fmt: skip
    caption = (
        "tau-b: Kendall's, mean over clips. Beyond the interval: inverted pairs whose scores lie"
        f" apart by more than half the width of the metric's own interval; {_NONE} without one."
    )
    return Table(header, rows, caption)


def _draw_ladder(found: LadderResults, ladder: Ladder) -> Chart:
    series = []
    for contender in found.contenders:
        unit = _find_unit(found, contender)
        curve = found.find(contender.name, ladder.name).curve
        marks = [_mark(place, step, step.change, unit)
                 for place, step in enumerate(curve) if step.change is not None]  # fmt: skip
        series.append(Series(contender.name, marks, line=True))
    return Chart(
        title=ladder.name,
        x=_name_rungs(ladder),
        y="mean change, % of the metric's largest loss on any ladder",
        series=[one for one in series if one.marks],
        ticks=list(enumerate(("clean", *_read_values(ladder)))),
    )


def _name_rungs(ladder: Ladder) -> str:
    kind = _find_kind(ladder)
    return f"{kind}, {unit_of(kind)}" if kind else "rung"


def _read_values(ladder: Ladder) -> list[str]:
    """Return how rungs are called below a chart: by their value, or else by their number."""
    if not _find_kind(ladder):
        return [str(place) for place in range(1, len(ladder.rungs) + 1)]
    return [text.partition(":")[2] for text in ladder.rungs]


def _find_kind(ladder: Ladder) -> str:
    """Return what all rungs do more or less of; "" where they are of several kinds."""
    cascades = [parse_cascade(text) for text in ladder.rungs]
    kinds = {"+".join(process.kind for process in cascade) for cascade in cascades}
    return kinds.pop() if len(kinds) == 1 and len(cascades[0]) == 1 else ""


def _find_unit(found: LadderResults, contender: Contender) -> float:
    """Return what of a metric's scale is a loss of 1%: a hundredth of its largest mean loss."""
    changes = [
        contender.sign * step.change.value
        for one in found.results
        if one.metric == contender.name
        for step in one.curve
        if step.change is not None
    ]
    largest = -min(changes, default=0.0)
    return contender.sign * (largest / 100.0 if largest > 0.0 else 1.0)


def _mark(place: int, step: Step, change: Mean, unit: float) -> Mark:
    low, value, high = (end / unit for end in _ends(change))
    hint = f"{step.process or 'clean'}: {_show(step.mean)}, {_count(step.clips, 'clip')}"
    return Mark(float(place), value, hint, min(low, high), max(low, high))


def _tabulate_ladder(found: LadderResults, ladder: Ladder) -> Table:
    rows: _Rows = [
        [
            contender.name,
            *(
                Cell(_show(step.mean), order=step.mean.value if step.mean else None)
                for step in found.find(contender.name, ladder.name).curve
            ),
        ]
        for contender in found.contenders
    ]
    # Values alone are short enough for a sheet of paper.
    kind = _find_kind(ladder)
    names = _read_values(ladder) if kind else ladder.rungs
    caption = f"{ladder.name}: {_name_rungs(ladder)}" if kind else ladder.name
    return Table(["metric", "clean", *names], rows, caption)


def _tabulate_left_out(found: LadderResults) -> Block:
    if not found.left_out:
        return Text("None: every clip feels every rung.")
    counts = Counter((one.ladder, one.process, one.reason) for one in found.left_out)
    rows: _Rows = [[*words, Cell(str(count), order=count)] for words, count in counts.items()]
    caption = "Rungs that a clip cannot feel; they make no pairs."
    return Table(["ladder", "rung", "because", "clips"], rows, caption)


def _tabulate_failures(found: LadderResults) -> Block:
    if not found.failures:
        return Text("None.")
    rows = [
        [one.clip, one.metric or "(the clip itself)", str(len(one.processes)), one.message]
        for one in found.failures
    ]
    return Table(["clip", "metric", "rungs", "because"], rows)


def _write_scores(found: LadderResults, path: Path) -> None:
    """Write a row per clip, process and metric, on the metric's own scale."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("clip", "process", "metric", "score", "margin"))
        for one in found.scores:
            numbers = ("" if n is None else f"{n:.6g}" for n in (one.value, one.margin))
            writer.writerow((one.clip, one.process, one.metric, *numbers))


def _tell_order(one: LadderResult) -> str:
    every = one.every
    return (
        f"{_count(every.pairs, 'pair')} of {_count(one.clips, 'clip')}: {every.ordered} ordered,"
        f" {every.tied} tied, {every.inverted} inverted"
    )


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _share(one: LadderResult) -> float:
    return _WITHOUT if one.every.share is None else one.every.share.value


def _percent(mean: Mean | None) -> str:
    if mean is None:
        return _NONE
    low, value, high = map(_round_share, _ends(mean))
    return value if mean.interval is None else f"{value} [{low}, {high}]"


def _round_share(share: float) -> str:
    # One inversion in two thousand pairs is not none: short of all is never rounded to all.
    return "100" if share == 1.0 else f"{min(100.0 * share, 99.9):.1f}"


def _show(mean: Mean | None) -> str:
    if mean is None:
        return _NONE
    low, value, high = (f"{end:.3g}" for end in _ends(mean))
    return value if mean.interval is None else f"{value} [{low}, {high}]"


def _ends(mean: Mean) -> tuple[float, float, float]:
    """Return low end, value and high end; all the same where there is no interval."""
    if mean.interval is None:
        return mean.value, mean.value, mean.value
    return mean.interval.low, mean.value, mean.interval.high
