"""Which metric to trust, told of values and ratings from a table: in words, tables and charts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

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
from auricle.evaluation.rated_results import Difference, RatedBenchmark, SetResult
from auricle.evaluation.rated_sheet import Measure
from auricle.evaluation.rated_words import (
    count,
    is_blind,
    join,
    say_blind,
    say_undecided,
    say_without_errors,
)
from auricle.stats.correlation import rmse
from auricle.stats.cross_mapping import map_by_item
from auricle.stats.intervals import Estimate
from auricle.stats.multiplicity import Correction

_TITLE = "Metrics against ratings"
_NAMES: dict[Measure, str] = {
    "srcc": "SRCC",
    "pcc": "PCC",
    "ktau": "KTAU",
    "mapped": "mapped PCC",
    "rmse": "RMSE",
    "epsilon_rmse": "RMSE*",
    "outlier_ratio": "outliers",
    "mse": "MSE",
    "mae": "MAE",
    "bias": "bias",
}
_CORRECTIONS: dict[Correction, str] = {
    "holm": "Holm's",
    "bonferroni": "Bonferroni's",
    "benjamini-hochberg": "Benjamini and Hochberg's",
}
_LOWER_IS_BETTER = {"rmse", "epsilon_rmse", "outlier_ratio", "mse", "mae"}
_LEVEL = 0.05
# With fewer units a bootstrap's intervals are known to be too narrow (auricle.stats.intervals).
_FEW = 20


def summary_sections(found: RatedBenchmark, notes: Sequence[str] = ()) -> list[Section]:
    """Return per test which metric to trust, in words, and all measures; then what to know."""
    sections = []
    for test in _tests(found):
        results = _rank(found.results, test)
        blocks: list[Block] = [*map(Text, _advise(found, test, results))]
        blocks += [
            _tabulate(ranked)
            for ranked in (results, _rank(found.systems, test))
            if any(map(_measures, ranked))
        ]
        sections.append(Section(_title(found, test), blocks))
    if found.means and len(found.means[0].tests) > 1:
        sections.append(Section("Mean over tests", [_tabulate_means(found)]))
    return [*sections, Section("Notes", [*map(Text, notes)])]


def summarise(found: RatedBenchmark, notes: Sequence[str] = ()) -> Page:
    """Return what is to be read first, as the terminal shows it."""
    return Page(_TITLE, _explain(found), summary_sections(found, notes))


def to_page(found: RatedBenchmark, notes: Sequence[str] = ()) -> Page:
    """Return the report as a page: the summary, charts, and every pair of metrics."""
    *summary, last = summary_sections(found, notes)
    for place, test in enumerate(_tests(found)):
        section = summary[place]
        summary[place] = Section(section.title, [*section.blocks, _draw(found, test)])
    details = [
        section
        for test in _tests(found)
        for section in (
            Section(f"Every pair of metrics: {test}", [_tabulate_pairs(found, test)], folded=True),
            Section(f"Every clip: {test}", _scatter(found, test), folded=True),
        )
    ]
    facts = [("Auricle", version("auricle"))]
    return Page(_TITLE, _explain(found), [*summary, *details, last], facts)


def to_json(found: RatedBenchmark, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Return everything but single values as plain data, None for what is undefined."""
    return {
        "notes": list(notes),
        "mapping": found.mapping,
        "correction": found.correction,
        "metrics": [{"name": one.name, "sign": one.sign} for one in found.contenders],
        "results": [asdict(one) for one in found.results],
        "systems": [asdict(one) for one in found.systems],
        "means": [asdict(one) for one in found.means],
        "differences": [asdict(one) for one in found.differences],
    }


def write_judgement(found: RatedBenchmark, notes: Sequence[str], folder: Path) -> list[str]:
    """Write `report.md`, `report.json` and `report.html`; return in words what is left out."""
    return write_report(to_page(found, notes), to_json(found, notes), folder)


def _tests(found: RatedBenchmark) -> list[str]:
    return list(dict.fromkeys(one.test for one in found.results))


def _title(found: RatedBenchmark, test: str) -> str:
    one = next(one for one in found.results if one.test == test)
    grouped = one.drawn == "items" and one.items < one.of
    items = f" of {count(one.items, 'item')}" if grouped else ""
    return f"{test}: {count(one.of, 'clip')}{items}"


def _rank(results: Sequence[SetResult], test: str) -> list[SetResult]:
    """Return the results of a test, the highest SRCC first and what has none last."""
    own = [one for one in results if one.test == test]
    return sorted(own, key=lambda one: -one.srcc.value if one.srcc else math.inf)


def _advise(found: RatedBenchmark, test: str, ranked: Sequence[SetResult]) -> list[str]:
    """Say which metric orders clips best, which it beats, and what speaks against trusting it."""
    best, without = ranked[0], say_without_errors(ranked, found.mapping)
    if best.srcc is None:
        return [
            "No metric has a correlation here: too few clips, or values that are all equal.",
            *without,
        ]
    said = [f"`{best.metric}` orders the clips most like the ratings do: SRCC {_show(best.srcc)}."]
    correlated = {one.metric: one.srcc for one in ranked if one.srcc is not None}
    ps = {name: _p_value(found, test, best.metric, name) for name in correlated}
    better = [f"`{name}`" for name, p in ps.items() if p is not None and p < _LEVEL]
    if better:
        said.append(
            f"It is better than {join(better)} by more than chance explains (paired bootstrap, p"
            f" below {_LEVEL:g} after {_CORRECTIONS[found.correction]} correction for all pairs)."
        )
    blind = {name: one for name, one in correlated.items() if is_blind(one)}
    said += say_undecided(
        {
            name: one
            for name, one in correlated.items()
            if name not in (best.metric, *blind) and f"`{name}`" not in better
        }
    )
    said += say_blind(blind)
    if flat := [f"`{one.metric}`" for one in ranked if one.srcc is None]:
        said.append(f"Without a correlation, as values are all equal or too few: {join(flat)}.")
    said += [*_tell_errors(found, best, ranked), *without]
    said += [
        f"`{one.metric}` orders them backwards (SRCC {_show(one.srcc)}). If less of it is better,"
        f" say --lower-is-better {one.metric}."
        for one in ranked
        if one.srcc is not None and one.srcc.high < 0.0
    ]
    units = best.items if best.drawn == "items" else best.clips
    if units < _FEW:
        said.append(
            f"There {'is' if units == 1 else 'are'} {count(units, best.drawn[:-1])} only: read the"
            " intervals as too narrow, and a winner with care."
        )
    return said


def _tell_errors(found: RatedBenchmark, best: SetResult, ranked: Sequence[SetResult]) -> list[str]:
    """Say whose errors are the smallest, if that is not the best in order, and they are small."""
    known = [(one.rmse, one) for one in ranked if one.rmse is not None]
    if not known:
        return []
    useful = [(error, one) for error, one in known if error.value < _mean_error(found, one)]
    if not useful:
        return [
            "No metric predicts ratings better than their mean does, whose RMSE is"
            f" {_mean_error(found, best):.3g}."
        ]
    error, closest = min(useful, key=lambda pair: pair[0].value)
    if closest is best:
        return []
    after = "" if found.mapping == "none" else f"After the {found.mapping} mapping "
    return [f"{after}`{closest.metric}` has the smallest errors: RMSE {_show(error)}."]


def _mean_error(found: RatedBenchmark, one: SetResult) -> float:
    """Return the RMSE of the mean rating of all other items, on the clips that a metric judged."""
    pairs = [
        pair
        for pair, value in zip(found.pairs, found.values[one.metric], strict=True)
        if pair.test == one.test and value.value is not None
    ]
    ratings = [pair.score for pair in pairs]
    # Equal values say nothing: all that is left to predict is the mean.
    mean = map_by_item(np.zeros(len(pairs)), ratings, [pair.item for pair in pairs]).predicted
    # A metric that is the mean shall not win by rounding.
    return rmse(mean, ratings) * (1.0 - 1e-9)


def _measures(one: SetResult) -> list[Measure]:
    """Return the measures that are known."""
    return [name for name in _NAMES if getattr(one, name) is not None]


def _p_value(found: RatedBenchmark, test: str | None, first: str, second: str) -> float | None:
    for one in found.differences:
        if one.test == test and {one.first, one.second} == {first, second}:
            significance = one.find("srcc")
            return None if significance is None else significance.adjusted
    return None


def _tabulate(ranked: Sequence[SetResult]) -> Table:
    """Return a row per metric with every measure that one of them has."""
    shown = [name for name in _NAMES if any(name in _measures(one) for one in ranked)]
    best = {name: _best(name, ranked) for name in shown}
    rows: list[list[str | Cell]] = []
    for one in ranked:
        cells = [_cell(getattr(one, name), best[name]) for name in shown]
        partial = f" ({one.clips} of {one.of})" if one.clips < one.of else ""
        rows.append([one.metric + partial, *cells])
    level = "Clips" if ranked[0].level == "clip" else f"Means of {ranked[0].of} systems"
    caption = f"{level}: value [95% interval], drawn over {ranked[0].drawn}."
    return Table(("metric", *(_NAMES[name] for name in shown)), rows, caption)


def _best(measure: Measure, results: Sequence[SetResult]) -> float | None:
    if measure in _LOWER_IS_BETTER:
        # Nobody wins by saying the mean of the ratings.
        results = [one for one in results if one.constant_folds < one.items]
    found: list[Estimate | None] = [getattr(one, measure) for one in results]
    values = [one.value for one in found if one is not None]
    if measure == "bias" or len(values) < 2:
        return None
    return min(values) if measure in _LOWER_IS_BETTER else max(values)


def _tabulate_means(found: RatedBenchmark) -> Table:
    ranked = sorted(found.means, key=lambda one: -one.srcc.value if one.srcc else math.inf)
    best = next((one.srcc.value for one in ranked if one.srcc), None)
    rows: list[list[str | Cell]] = [[one.metric, _cell(one.srcc, best)] for one in ranked]
    tests = ", ".join(found.means[0].tests)
    return Table(("metric", "mean SRCC"), rows, f"Tests of overall quality: {tests}.")


def _tabulate_pairs(found: RatedBenchmark, test: str) -> Table:
    own = [one for one in found.differences if one.test == test]
    rows: list[list[str | Cell]] = []
    for one in own:
        cells = [
            cell
            for name in ("srcc", "pcc", "rmse")
            for cell in (_cell(getattr(one, name)), *_p_cells(one, name))
        ]
        rows.append([f"{one.first} - {one.second}", *cells])
    header = [
        part
        for name in ("SRCC", "PCC", "RMSE")
        for part in (f"difference of {name}", "p", "p of the formula")
    ]
    caption = (
        f"p after {_CORRECTIONS[found.correction]} correction for all pairs of metrics. The first"
        " comes from the paired bootstrap and honours items; the second takes clips for"
        " independent: Williams' t of PCC, the same of ranks (an approximation), P.1401's F-test of"
        " RMSE."
    )
    return Table(("", *header), rows, caption)


def _p_cells(one: Difference, measure: Measure) -> list[Cell]:
    tests = one.find(measure), one.find(measure, "formula")
    return [
        Cell("-") if test is None else Cell(_show_p(test.adjusted), order=test.adjusted)
        for test in tests
    ]


def _draw(found: RatedBenchmark, test: str) -> Intervals:
    bars = [
        Bar(one.metric, one.srcc.value, one.srcc.low, one.srcc.high)
        for one in _rank(found.results, test)
        if one.srcc is not None
    ]
    return Intervals(f"Rank correlation with the ratings: {test}", "SRCC", bars)


def _scatter(found: RatedBenchmark, test: str) -> list[Chart]:
    """Return a chart for each metric: its values and the ratings of all clips, by system."""
    charts = []
    for contender in found.contenders:
        marks: dict[str, list[Mark]] = {}
        for pair, value in zip(found.pairs, found.values[contender.name], strict=True):
            if pair.test == test and value.value is not None:
                hint = " ".join(part for part in (pair.item, pair.system) if part)
                marks.setdefault(pair.system, []).append(Mark(value.value, pair.score, hint))
        # Colours and shapes run out: then all are one.
        if len(marks) > 8:
            marks = {"": [mark for each in marks.values() for mark in each]}
        series = [Series(name or "clips", each) for name, each in marks.items()]
        charts.append(Chart(f"{contender.name}, {test}", contender.name, "rating", series))
    return charts


def _explain(found: RatedBenchmark) -> str:
    distances = [f"`{one.name}`" for one in found.contenders if one.sign < 0.0]
    turned = f" Values of {join(distances)} are negated: less is better." if distances else ""
    if found.mapping == "none":
        mapped = "Errors are those of the values as they are."
    else:
        mapped = (
            f"Errors and mapped PCC come after a rising {found.mapping} mapping from values to"
            " ratings, fitted without the item it is applied to."
        )
    return (
        "SRCC is Spearman's, PCC Pearson's, KTAU Kendall's correlation with the ratings."
        f"{turned} {mapped} RMSE* counts what of an error lies beyond the 95% interval of the"
        " rating, outliers are the share of clips whose error leaves it (ITU-T P.1401); both need"
        " to know these intervals."
    )


def _cell(found: Estimate | None, best: float | None = None) -> Cell:
    if found is None:
        return Cell("-")
    return Cell(_show(found), order=found.value, best=found.value == best)


def _show(found: Estimate | None) -> str:
    if found is None:
        return "-"
    # Three digits that count: errors on 0 to 100 need no hundredths.
    largest = max(abs(found.low), abs(found.high))
    digits = 2 if largest < 10.0 else 1 if largest < 100.0 else 0
    return f"{found.value:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"


def _show_p(p: float) -> str:
    return "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")
