"""Metrics on ladders as Markdown, as JSON, as sections of a page, and as a table of all scores."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from auricle.core.errors import MissingDependencyError
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
from auricle.evaluation.page.write import write_page
from auricle.evaluation.rated_metrics import Contender

_SUMMARY = (
    "Clean clips are degraded step by step, and every step is scored. Two steps are in order when"
    " the harder one has the worse score; exactly equal scores are ties, and ties are not in order."
    " Brackets hold 95% bootstrap intervals over clips."
)
_NONE = "-"

_Rows = list[list[str | Cell]]


def write_ladders(found: LadderResults, notes: Sequence[str], folder: Path) -> list[str]:
    """Write `report.md`, `report.json`, `scores.csv` and `report.html`; return what to add to it.

    Without Jinja2 there is no page, which the returned text says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(to_markdown(found, notes), encoding="utf-8")
    text = json.dumps(to_json(found, notes), indent=2) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")
    _write_scores(found, folder / "scores.csv")
    try:
        write_page(to_page(found, notes), folder / "report.html")
    except MissingDependencyError as error:
        return [f"report.html is left out: {error}"]
    return []


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


def to_markdown(found: LadderResults, notes: Sequence[str] = ()) -> str:
    """Return the tables of the report; charts are those of the page only."""
    parts = [_SUMMARY, *notes]
    for section in ladder_sections(found):
        parts.append(f"## {section.title}")
        parts += [text for text in map(_show_block, section.blocks) if text]
    return "\n\n".join(parts) + "\n"


def ladder_sections(found: LadderResults) -> list[Section]:
    """Return the sections of a page: orders, each ladder with its chart, and what is missing."""
    return [
        Section("Pairs in order", [_tabulate_shares(found), _draw_shares(found)]),
        Section("How pairs are ordered", [_tabulate_orders(found)]),
        *(
            Section(
                f"Ladder: {ladder.name}",
                [_draw_ladder(found, ladder), _tabulate_ladder(found, ladder)],
                folded=True,
            )
            for ladder in found.ladders
        ),
        Section("Left out", [_tabulate_left_out(found)], folded=True),
        Section("Failures", [_tabulate_failures(found)], folded=not found.failures),
    ]


def _tabulate_shares(found: LadderResults) -> Table:
    """Return the share of ordered pairs, metric by ladder; the best of each ladder is marked."""
    names = [ALL, *(ladder.name for ladder in found.ladders)]
    columns = [[found.find(one.name, name) for one in found.contenders] for name in names]
    best = [max((_share(one) for one in column), default=0.0) for column in columns]
    rows: _Rows = [
        [
            contender.name,
            *(
                Cell(
                    _percent(one.every.share),
                    order=_share(one),
                    hint=_tell_order(one),
                    best=_share(one) == top,
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
        x="rung, 0 is the clean clip",
        y="mean change, % of the metric's largest loss on any ladder",
        series=[one for one in series if one.marks],
    )


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
    hint = f"{step.process or 'clean'}: {_show(step.mean)}, {step.clips} clips"
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
    caption = "Mean score of each rung, on the metric's own scale."
    return Table(["metric", "clean", *ladder.rungs], rows, caption)


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


def _show_block(block: Block) -> str:
    if isinstance(block, Text):
        return block.text
    if not isinstance(block, Table):
        return ""
    rows = [[one.text if isinstance(one, Cell) else one for one in row] for row in block.rows]
    # A bar in a file's name or a message would begin another cell.
    lines = [block.header, ["---"] * len(block.header), *rows]
    table = "\n".join(
        f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines
    )
    return f"{block.caption}\n\n{table}" if block.caption else table


def _tell_order(one: LadderResult) -> str:
    every = one.every
    return (
        f"{every.pairs} pairs of {one.clips} clips: {every.ordered} ordered, {every.tied} tied,"
        f" {every.inverted} inverted"
    )


def _share(one: LadderResult) -> float:
    return -1.0 if one.every.share is None else one.every.share.value


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
