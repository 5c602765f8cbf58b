"""What a panel said, as sections of a report: in words, in tables, in pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from auricle.core.ratings import MeanRating
from auricle.core.spec import Scale
from auricle.evaluation.page.blocks import (
    Bar,
    Block,
    Box,
    Boxes,
    Cell,
    Intervals,
    Section,
    Table,
    Text,
)
from auricle.evaluation.page.markdown import read_cell
from auricle.evaluation.panel_results import (
    CONFIDENCE,
    PanelResult,
    Plan,
    estimate_mean,
    estimate_means,
)
from auricle.stats.intervals import Estimate
from auricle.stats.mixed_effects import Contrast
from auricle.stats.opinion import Opinion

_LEVEL = 1.0 - CONFIDENCE
# Of more pairs those are shown first that stand side by side in rank.
_MOST_PAIRS = 15


def describe_panel(one: PanelResult) -> list[Section]:
    """Return the sections of one question: the answer first, every stimulus last."""
    sections = [
        *_describe_contrasts(one),
        *_describe_systems(one),
        *_describe_screening(one),
        *_describe_agreement(one),
        *_describe_plan(one),
        *_describe_stimuli(one),
    ]
    if one.notes:
        sections.append(Section("What is missing", list(map(Text, _sentences(one.notes)))))
    return sections


def _describe_contrasts(one: PanelResult) -> list[Section]:
    if one.model is None:
        return []
    count = len(one.contrasts)
    explained = Text(
        f"P-values are corrected for {_count(count, 'comparison')}. Brackets behind a"
        " difference are for that pair alone; 'all at once' holds together with all others"
        " (Bonferroni). Mixed-effects model of listeners and items, Student's t with"
        " Satterthwaite's degrees of freedom (df)."
    )
    pairs: list[Block] = [_tabulate_contrasts(one), explained]
    title = "Which is better?"
    if count <= _MOST_PAIRS or one.against is not None:
        return [Section(title, [*pairs, _draw_averages(one), _tabulate_components(one)])]
    ranks: list[Block] = [_tabulate_ranks(one), _draw_averages(one), _tabulate_components(one)]
    return [
        Section(title, ranks),
        Section(f"All {count} pairs", pairs, folded=True),
    ]


def _tabulate_contrasts(one: PanelResult) -> Table:
    rows = [
        (
            tell_contrast(found, one.scale),
            _show(_magnitude(_put_better_first(found, one.scale).simultaneous), one.scale),
            f"{found.freedom:.1f}",
            Cell(_tell_p(found.p), order=found.p),
        )
        for found in one.contrasts
    ]
    return Table(("comparison, corrected p", "all at once", "df", "uncorrected"), rows)


def _tabulate_ranks(one: PanelResult) -> Table:
    """Return for each system, the best first, those from which it is told apart."""
    better: dict[str, list[str]] = {found.system: [] for found in one.averages}
    for contrast in one.contrasts:
        if contrast.corrected < _LEVEL:
            found = _put_better_first(contrast, one.scale)
            better[found.first].append(found.second)
    ranked = sorted(
        one.averages, key=lambda found: found.mean.value, reverse=one.scale.higher_is_better
    )
    rows = [
        (
            found.system,
            Cell(_show(found.mean, one.scale), order=found.mean.value),
            ", ".join(other.system for other in ranked if other.system in better[found.system])
            or "none",
        )
        for found in ranked
    ]
    told = sum(len(others) for others in better.values())
    caption = (
        f"Of {len(one.contrasts)} pairs {told} are told apart at p < {_LEVEL:.2g}, corrected for"
        " all of them. `--against NAME` compares all others with one."
    )
    return Table(("system", "model mean", "is better than"), rows, caption)


def _put_better_first(one: Contrast, scale: Scale) -> Contrast:
    if (one.difference.value >= 0.0) == scale.higher_is_better:
        return one
    return replace(
        one,
        first=one.second,
        second=one.first,
        difference=_negate(one.difference),
        simultaneous=_negate(one.simultaneous),
    )


def _magnitude(found: Estimate) -> Estimate:
    return _negate(found) if found.value < 0.0 else found


def _negate(found: Estimate) -> Estimate:
    return Estimate(-found.value, -found.high, -found.low, found.confidence)


def _tabulate_components(one: PanelResult) -> Table:
    components = one.model.components if one.model else ()
    rows = [
        (found.name, f"{math.sqrt(found.variance):.2f}", Cell(f"{found.share:.0%}", found.share))
        for found in components
    ]
    warnings = one.model.warnings if one.model else ()
    caption = "Where the variance between ratings of a system comes from."
    return Table(
        ("source", "standard deviation", "share"), rows, " ".join([caption, *_sentences(warnings)])
    )


def _describe_systems(one: PanelResult) -> list[Section]:
    if not one.systems:
        return [Section("Systems", [_tabulate_means(one)])] if one.means else []
    averages = {found.system: found for found in one.averages}
    rows = []
    for found in _order(one.systems, one.scale):
        average = averages.get(found.system)
        rows.append(
            (
                _label(found.system, found.role),
                Cell(_show(found.t, one.scale), order=found.mean),
                _ends(found.bootstrap, one.scale),
                Cell(_show(average.mean, one.scale), average.mean.value) if average else "",
                Cell(_number(found.box.median, one.scale), order=found.box.median),
                _number(found.deviation, one.scale),
                str(found.listeners),
                str(found.ratings),
            )
        )
    header = (
        *("system", "mean, t interval", "bootstrap", "model mean", "median", "SD"),
        *("listeners", "ratings"),
    )
    return [Section("Systems", [_drop_empty(header, rows), _draw_boxes(one)])]


def _draw_boxes(one: PanelResult) -> Boxes:
    boxes = [
        Box(
            _label(found.system),
            found.box.low_whisker,
            found.box.lower,
            found.box.median,
            found.box.upper,
            found.box.high_whisker,
            found.box.outliers,
            found.mean,
            f"{_count(found.ratings, 'rating')} by {_count(found.listeners, 'listener')}",
        )
        for found in _order(one.systems, one.scale)
    ]
    ends = (one.scale.low, one.scale.high)
    return Boxes("Ratings", one.attribute, boxes, ends)


def _tabulate_means(one: PanelResult) -> Table:
    by_system: dict[str, list[MeanRating]] = {}
    for found in one.means:
        by_system.setdefault(_label(found.system, found.role), []).append(found)
    values = {
        name: math.fsum(found.mean for found in means) / len(means)
        for name, means in by_system.items()
    }
    rows, several = [], False
    for name in sorted(values, key=values.__getitem__, reverse=one.scale.higher_is_better):
        interval = estimate_means(by_system[name])
        several |= interval is not None and len(by_system[name]) > 1
        shown = _show(interval, one.scale) if interval else _number(values[name], one.scale)
        rows.append((name, Cell(shown, order=values[name]), str(len(by_system[name]))))
    caption = (
        "An interval of several stimuli is as wide as theirs are on average, and so rather too"
        " wide: nothing tells whether the same listeners rated them."
    )
    return Table(("system", "mean of means", "stimuli"), rows, caption if several else "")


def _describe_screening(one: PanelResult) -> list[Section]:
    if one.screening is None:
        return []
    found = one.screening
    going = len(found.excluded)
    head = (
        f"{', '.join(found.methods)}: {len(found.kept)} of"
        f" {_count(len(found.listeners), 'listener')} stay"
        + (f", {going} go{'es' * (going == 1)}." if going else ".")
    )
    blocks: list[Block] = [Text(head)]
    if found.reasons:
        rows = [(reason.listener, reason.sentence) for reason in found.reasons]
        blocks.append(Table(("who goes", "why"), rows))
    sections = [Section("Screening", [*blocks, *map(Text, _sentences(found.notes))])]
    if found.remarks:
        rows = [(reason.listener, reason.sentence) for reason in found.remarks]
        remarks = Table(("listener", "what is remarkable; nobody goes for it"), rows)
        sections.append(Section("Remarkable listeners", [remarks], folded=True))
    return sections


def _describe_agreement(one: PanelResult) -> list[Section]:
    rows: list[tuple[str, str, str]] = []
    if one.ceiling:
        rows += [
            (
                "reliability of the panel",
                str(one.ceiling.lcc.panel),
                f"how a panel like it would correlate with it; about {one.ceiling.raters:.0f}"
                " listeners a stimulus",
            ),
            ("noise ceiling of PCC", str(one.ceiling.lcc.ceiling), "what a perfect metric reaches"),
            ("noise ceiling of SRCC", str(one.ceiling.srcc.ceiling), "the same for ranks"),
        ]
    if one.deviation:
        told = "0: all agree, 1: only ends are used"
        if math.isfinite(one.deviation.explained):
            told += f"; R2 {one.deviation.explained:.2f}"
        rows.append(("SOS parameter a", str(one.deviation.a), told))
    if not rows:
        return []
    table = Table(
        ("measure", "value", "which is"),
        rows,
        "Reliability comes from halves of the panel, a ceiling is its square root. Both leave out"
        " hidden references and what only one listener rated.",
    )
    return [Section("How far listeners agree", [table])]


def _describe_plan(one: PanelResult) -> list[Section]:
    found = one.precision
    if found is None:
        return []
    rows = [
        ("half-width of a system's mean, for these items", _number(found.half_width, one.scale)),
        ("the same, items stand for others", _number(found.half_width_items, one.scale)),
        ("difference found with power 0.8", _number(found.detectable, one.scale)),
    ]
    if one.plan:
        wanted = f"for a half-width of {one.plan.wanted:g}"
        rows += [
            (f"{wanted}, these items", _tell_number(one.plan.listeners, "listener")),
            (f"{wanted}, items stand for others", _tell_either(one.plan)),
        ]
    items = f"{found.items:.3g} item{'s' * (found.items != 1)}"
    now = f"with {_count(found.listeners, 'listener')} x {items}"
    return [Section("Planning", [Table((now, "value"), rows)])]


def _describe_stimuli(one: PanelResult) -> list[Section]:
    rows: list[tuple[str | Cell, ...]] = [
        (
            found.item,
            found.system,
            Cell(_show(found.t, one.scale), order=found.mean),
            _ends(found.bootstrap, one.scale),
            Cell(_number(found.box.median, one.scale), order=found.box.median),
            str(found.listeners),
        )
        for found in one.stimuli
    ]
    for mean in one.means:
        interval = estimate_mean(mean)
        shown = _show(interval, one.scale) if interval else _number(mean.mean, one.scale)
        listeners = str(mean.listeners) if mean.listeners else "?"
        told = Cell(shown, order=mean.mean)
        rows.append((mean.item, mean.system, told, "", "", listeners))
    header = ("item", "system", "mean, t interval", "bootstrap", "median", "listeners")
    return [Section("Items and systems", [_drop_empty(header, rows)], folded=True)]


def _drop_empty(header: Sequence[str], rows: Sequence[Sequence[str | Cell]]) -> Table:
    """Return a table of the columns that have anything."""
    full = [place for place in range(len(header)) if any(read_cell(row[place]) for row in rows)]
    return Table(
        [header[place] for place in full], [[row[place] for place in full] for row in rows]
    )


def _draw_averages(one: PanelResult) -> Intervals:
    bars = [
        Bar(found.system, found.mean.value, found.mean.low, found.mean.high)
        for found in one.averages
    ]
    return Intervals("Model means, for other listeners and items", one.attribute, bars)


def tell_contrast(one: Contrast, scale: Scale) -> str:
    """Say in words which of two systems is better, and by how much.

    >>> gap = Estimate(7.3, 4.1, 10.5, 0.95)
    >>> tell_contrast(Contrast("a", "b", gap, gap, 20.0, 0.0001, 0.0002), Scale(0.0, 100.0))
    'a is better than b by 7.3 [4.1, 10.5], p < 0.001'
    """
    found = _put_better_first(one, scale)
    told = f"{_show(_magnitude(found.difference), scale)}, {_tell_p(found.corrected)}"
    if found.corrected < _LEVEL:
        return f"{found.first} is better than {found.second} by {told}"
    return f"{found.first} and {found.second} are not told apart: {told}"


def _label(system: str, role: str = "") -> str:
    told = f" ({role.replace('_', ' ')})" if role else ""
    return (system or "(no system named)") + told


def _order(opinions: Sequence[Opinion], scale: Scale) -> list[Opinion]:
    """Return the best first."""
    return sorted(opinions, key=lambda one: one.mean, reverse=scale.higher_is_better)


def _sentences(texts: Sequence[str]) -> list[str]:
    return [f"{text[:1].upper()}{text[1:]}." for text in texts]


def _show(found: Estimate, scale: Scale) -> str:
    return f"{_number(found.value, scale)} {_ends(found, scale)}".rstrip()


def _ends(found: Estimate, scale: Scale) -> str:
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return ""  # as of one listener
    return f"[{_number(found.low, scale)}, {_number(found.high, scale)}]"


def _number(value: float, scale: Scale) -> str:
    """As many digits as the scale bears: one of 100, two of 5."""
    if not math.isfinite(value):
        return "-"
    return f"{value:.1f}" if scale.span > 20.0 else f"{value:.2f}"


def _tell_p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _tell_number(number: int | None, what: str) -> str:
    return f"no number of {what}s" if number is None else _count(number, what)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _tell_either(plan: Plan) -> str:
    if plan.listeners_other_items is None and plan.items is None:
        return "only more listeners and more items together"
    return (
        f"{_tell_number(plan.listeners_other_items, 'listener')} with as many items, or"
        f" {_tell_number(plan.items, 'item')} with as many listeners"
    )
