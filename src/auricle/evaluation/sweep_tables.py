"""What a sweep found as sections of a report: tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from auricle.evaluation.page.blocks import (
    Bar,
    Block,
    Cell,
    Chart,
    Intervals,
    Mark,
    Section,
    Series,
    Table,
    Text,
)
from auricle.evaluation.rated_metrics import Contender
from auricle.evaluation.sweep import Sweep
from auricle.evaluation.sweep_curves import Comparison, Curve, CurvePoint, Findings, Loss
from auricle.evaluation.sweep_gate import Verdict
from auricle.evaluation.sweep_grid import Finding
from auricle.stats.bjontegaard import Interpolation

_NONE = "-"
_ALL = "all"
# Overlaps below this share get a remark.
_LITTLE = 0.25
_NO_REFERENCE = (
    " This metric does not hear the original, and coded audio may score above it: compare versions"
    " of one recording by it, not recordings with each other (docs/sweep.md)."
)
INTERPOLATIONS: Mapping[Interpolation, str] = {
    "pchip": "piecewise cubic Hermite interpolation (PCHIP)",
    "akima": "Akima's interpolation",
    "cubic": "polynomials of third degree (VCEG-M33)",
}


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a report is about: a sweep, what it tells, how, and against which baseline."""

    sweep: Sweep
    findings: Findings
    interpolation: Interpolation = "pchip"
    verdict: Verdict | None = None


def sweep_sections(report: SweepReport) -> list[Section]:
    """Return what a terminal shows, too: curves, differences, targets, losses, failures."""
    found, metrics = report.findings, report.sweep.plan.contenders
    sections = []
    if report.verdict is not None:
        sections.append(Section("Against the baseline", _show_verdict(report.verdict)))
    for one in metrics:
        curves = [curve for curve in found.curves if curve.metric == one.name]
        blocks = _show_curves(one, curves, found) if curves else [Text(_incomplete(report))]
        sections.append(Section(f"Quality by bitrate: {one.full_name}", blocks))
    if found.comparisons:
        sections.append(Section("Codecs compared", _compare(report)))
    if found.targets:
        sections.append(Section("Bitrate for a wanted score", [_show_targets(found)]))
    lowest = [one for one in found.losses if one.nominal == _lowest(found.losses, one)]
    if lowest:
        sections.append(
            Section("Clips that suffer most, at each codec's lowest bitrate", [show_losses(lowest)])
        )
    if report.sweep.failures:
        sections.append(Section("Failures", [_show_failures(report.sweep)]))
    return sections


def count_clips(count: int) -> str:
    """Return how many clips there are in words."""
    return f"{count} clip{'s' * (count != 1)}"


def _show_curves(metric: Contender, curves: Sequence[Curve], found: Findings) -> list[Block]:
    original = found.originals[metric.name]
    count = found.complete[metric.name]
    told = f"{count_clips(count)}; the mean score uncoded is {_show(original)}."
    if not metric.needs_reference:
        told += _NO_REFERENCE
    same = [
        f"{curve.codec} at {_join([_rate(one) for one in point.same])} as at {_rate(point.nominal)}"
        for curve in curves
        for point in curve.points
        if point.same
    ]
    if same:
        told += f" Where a codec lacks a bitrate, two come to the same (kb/s): {'; '.join(same)}."
    chart = Chart(
        f"{metric.full_name} by bitrate",
        "kb/s",
        metric.full_name,
        [Series(curve.codec, [_mark(one) for one in curve.points], line=True) for curve in curves],
        logarithmic=True,
    )
    return [Text(told), chart, _tabulate(curves)]


def _tabulate(curves: Sequence[Curve]) -> Table:
    points = {(curve.codec, one.nominal): one for curve in curves for one in curve.points}
    rows: list[list[str | Cell]] = []
    for nominal in sorted({nominal for _, nominal in points}):
        here = {curve.codec: points.get((curve.codec, nominal)) for curve in curves}
        rows.append(
            [
                _rate(nominal),
                *(_NONE if one is None else _score_cell(one) for one in here.values()),
            ]
        )
    return Table(
        ("asked, kb/s", *(curve.codec for curve in curves)),
        rows,
        caption="Mean score, its interval, and the bitrate spent.",
    )


def _score_cell(point: CurvePoint) -> Cell:
    # None is marked as the best of its row: what was spent differs.
    return Cell(f"{_show(point.score)} at {_rate(point.bitrate)}", order=point.score.value)


def _mark(point: CurvePoint) -> Mark:
    hint = f"{_show(point.score)} at {_rate(point.bitrate)} kb/s ({_rate(point.nominal)} asked for)"
    value = point.score.value or 0.0
    return Mark(point.bitrate / 1000.0, value, hint, point.score.low, point.score.high)


def _compare(report: SweepReport) -> list[Block]:
    found = report.findings
    rows: list[list[str | Cell]] = [
        [
            f"{one.codec} against {one.anchor}",
            one.metric,
            Cell(_show(one.rate, "%", signed=True), one.rate.value),
            _share(one.rate_overlap),
            Cell(_show(one.quality, signed=True), one.quality.value),
            _share(one.quality_overlap),
            "; ".join(_remark(one)),
        ]
        for one in found.comparisons
    ]
    header = ("codec", "metric", "bitrate", "overlap", "quality", "overlap", "remarks")
    text = (
        "Bjontegaard deltas of the mean curves: how much more bitrate a codec takes for equal"
        " quality (negative: less), and how much better it is at equal bitrate; by"
        f" {INTERPOLATIONS[report.interpolation]} over the logarithm of bitrate. The overlap is"
        " what both curves cover of what either does: a small one says little."
    )
    return [Text(text), Table(header, rows), *_draw_rates(report)]


def _draw_rates(report: SweepReport) -> list[Block]:
    blocks: list[Block] = []
    for metric in report.sweep.plan.contenders:
        bars = [
            Bar(f"{one.codec} against {one.anchor}", one.rate.value, one.rate.low, one.rate.high)
            for one in report.findings.comparisons
            if one.metric == metric.name
            and one.rate.value is not None
            and one.rate.low is not None
            and one.rate.high is not None
        ]
        # A lone row would say no more than the table.
        if len(bars) > 1:
            title = f"Bitrate at equal {metric.full_name}"
            blocks.append(Intervals(title, "% more than the other codec", bars, at=0.0))
    return blocks


def _remark(one: Comparison) -> list[str]:
    remarks = [one.rate.note or one.quality.note]
    if one.rate_overlap is not None and one.rate_overlap < _LITTLE:
        remarks.append("the curves hardly share a quality")
    if one.left_out:
        remarks.append(f"no better than lower bitrates: {', '.join(one.left_out)} kb/s")
    return list(filter(None, remarks))


def _show_targets(found: Findings) -> Table:
    rows = []
    for one in found.targets:
        rate = one.bitrate
        ends = [_NONE if end is None else _rate(end) for end in (rate.low, rate.high)]
        if rate.value is None:
            told = "not reached"
        else:
            told = ("at most " if one.at_most else "") + _rate(rate.value)
            if rate.low is not None:
                told += f" [{ends[0]}, {'not reached' if rate.high is None else ends[1]}]"
        rows.append((one.codec, one.metric, f"{one.wanted:g}", told, rate.note))
    return Table(("codec", "metric", "wanted score", "kb/s", "remarks"), rows)


def _lowest(losses: Sequence[Loss], loss: Loss) -> int:
    return min(
        one.nominal for one in losses if (one.metric, one.codec) == (loss.metric, loss.codec)
    )


def show_losses(losses: Sequence[Loss]) -> Table:
    """Return a table of clips that a codec hurts."""
    rows = [
        (
            *(Path(one.clip).name, one.codec, _rate(one.nominal), one.metric),
            *(f"{one.score:.4g}", f"{one.drop:+.3g}", f"{one.beyond:+.3g}"),
        )
        for one in losses
    ]
    header = ("clip", "codec", "kb/s", "metric", "score", "lost", "beyond mean")
    caption = "Lost against itself uncoded, and how much more than the mean clip loses there."
    return Table(header, rows, caption)


def _show_verdict(verdict: Verdict) -> list[Block]:
    rows: list[list[str | Cell]] = [
        [
            f"{one.codec}, {one.metric}",
            "worse" if one.worse else "not worse",
            f"{one.before:.4g}",
            f"{one.after:.4g}",
            Cell(_show(one.change, signed=True), one.change.value),
            f"{one.limit:.3g}",
            f"{one.points} ({count_clips(one.clips)})",
            f"{one.worst_change:+.3g} at {_rate(one.worst)} kb/s",
            f"{one.bitrate:+.1f}%",
        ]
        for one in verdict.changes
    ]
    header = (
        *("codec, metric", "verdict", "before", "after", "change", "tolerated"),
        *("points", "worst bitrate", "bits spent"),
    )
    told = (*verdict.missing, *verdict.notes)
    text = "Changes of the mean score at the same clips and bitrates; positive is better."
    return [Text(text), Table(header, rows), *(Text(f"{one}.") for one in told)]


def _show_failures(sweep: Sweep) -> Table:
    """Return a row per clip and reason: one that ends all encodings would come as often."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for one in sweep.failures:
        step = f"{one.codec} {_rate(one.nominal)} kb/s".strip() if one.codec else ""
        told = " ".join(filter(None, (step, one.metric)))
        reasons.setdefault((one.clip, one.message), []).append(told or _ALL)
    rows = [
        (clip, found[0] if len(found) == 1 else f"{found[0]} and {len(found) - 1} more", message)
        for (clip, message), found in reasons.items()
    ]
    return Table(("clip", "of", "because"), rows)


def _incomplete(report: SweepReport) -> str:
    return (
        f"None of {count_clips(len(report.sweep.clips))} has a score from every codec at every"
        " bitrate: there is nothing to compare. The failures say why."
    )


def _show(found: Finding, unit: str = "", signed: bool = False) -> str:
    """Return a value with its interval; undefined where there is none."""
    if found.value is None:
        return "undefined"
    text = _number(found.value, signed) + unit
    if found.low is None or found.high is None:
        return text
    return f"{text} [{_number(found.low, signed)}, {_number(found.high, signed)}]"


def _number(value: float, signed: bool) -> str:
    digits = 1 if abs(value) >= 10.0 else 2
    return f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"


def _rate(bitrate: float) -> str:
    kilobits = bitrate / 1000.0
    return f"{kilobits:.3g}" if kilobits < 1000.0 else f"{kilobits:.0f}"


def _share(overlap: float | None) -> str:
    return _NONE if overlap is None else f"{overlap:.0%}"


def _join(names: Sequence[str]) -> str:
    return ", ".join(names)
