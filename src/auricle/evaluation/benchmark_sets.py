"""Each test of a benchmark on its page: every measure of every metric, and every clip."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import fmean

from auricle.data.listening_sets import RatedPair
from auricle.evaluation.benchmark_run import BenchmarkRun, pairs_of
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
from auricle.evaluation.rated_benchmark import rating_interval
from auricle.evaluation.rated_metrics import Contender
from auricle.evaluation.rated_results import SetResult
from auricle.evaluation.rated_words import count, say_without_errors
from auricle.stats.intervals import Estimate

_NONE = "-"
_MEASURES = {
    "srcc": "SRCC",
    "pcc": "PCC",
    "ktau": "tau-b",
    "mapped": "mapped PCC",
    "rmse": "RMSE",
    "epsilon_rmse": "RMSE beyond intervals",
    "outlier_ratio": "outliers",
    "bias": "bias",
}
# Of the others the higher is the better.
_ERRORS = ("rmse", "epsilon_rmse", "outlier_ratio")


def show_estimate(found: Estimate | None) -> str:
    """Return a value with its interval as text, "-" where it is undefined.

    >>> show_estimate(Estimate(0.5, 0.25, 0.75, 0.95))
    '0.50 [0.25, 0.75]'
    """
    return _NONE if found is None else f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def set_sections(run: BenchmarkRun) -> list[Section]:
    """Return for each test its measures, then folded its differences and a chart per metric."""
    return [section for test in run.tests for section in _show_test(run, test)]


def _show_test(run: BenchmarkRun, test: str) -> list[Section]:
    pairs = [pair for _, pair in pairs_of(run.found.pairs, test)]
    systems = [one for one in run.found.systems if one.test == test]
    results = [run.result(one.name, test) for one in run.found.contenders]
    blocks: list[Block] = [Text(_describe(run, test, pairs)), _draw_srcc(run, test)]
    blocks += map(Text, say_without_errors(results, run.found.mapping))
    blocks.append(_tabulate(run, results))
    if systems:
        blocks.append(_tabulate(run, systems))
    sections = [Section(test, blocks, folded=not pairs[0].overall)]
    if len(run.found.contenders) > 1:
        sections.append(Section(f"{test}: differences", [_tabulate_differences(run, test)], True))
    charts = [_scatter(run, one, test) for one in run.found.contenders]
    return [*sections, Section(f"{test}: every clip", charts, folded=True)]


def _describe(run: BenchmarkRun, test: str, pairs: Sequence[RatedPair]) -> str:
    items = len({pair.item for pair in pairs})
    systems = len({pair.system for pair in pairs})
    # A mean that came alone counts as one rater, and one system as nobody's word.
    raters = [pair.raters for pair in pairs if pair.raters > 1]
    told = f"{count(len(pairs), 'clip')} of {count(items, 'item')}"
    if systems > 1:
        told += f" by {count(systems, 'system')}"
    if pairs[0].scale:
        told += f", rated on {pairs[0].scale}"
    if raters:
        told += f" by {fmean(raters):.0f} listeners each"
    domain = run.domains.get(pairs[0].set)
    if domain and domain != "any":
        told += f". Domain: {domain}"
    ceiling = run.ceiling(test)
    if ceiling is not None:
        told += f". A perfect metric is expected to reach an SRCC of {show_estimate(ceiling)}"
    return f"{told}."


def _draw_srcc(run: BenchmarkRun, test: str) -> Intervals:
    bars = []
    for one in run.rank(test):
        found = run.srcc(one.name, test)
        assert found is not None
        outside = run.is_outside(one, test)
        hint = f"{one.full_name}, {count(run.result(one.name, test).clips, 'clip')}"
        hint += f"; outside its domain, {one.domain}" if outside else ""
        bars.append(Bar(one.name + " °" * outside, found.value, found.low, found.high, hint))
    ceiling = run.ceiling(test)
    return Intervals(f"SRCC: {test}", "SRCC", bars, at=ceiling.value if ceiling else None)


def _tabulate(run: BenchmarkRun, results: Sequence[SetResult]) -> Table:
    level = results[0].level
    known = [name for name in _MEASURES if any(getattr(one, name) for one in results)]
    columns = [_measure_cells(results, name) for name in known]
    rows = [
        [one.metric, Cell(f"{one.clips} of {one.of}", order=one.clips), *cells]
        for one, *cells in zip(results, *columns, strict=True)
    ]
    caption = (
        "Clip by clip. Mapped PCC and errors are after a"
        f" {run.found.mapping} mapping, fitted without the item that it is applied to, on the"
        f" ratings' scale. Intervals resample {results[0].drawn}."
        if level == "clip"
        else f"Means of systems. Intervals resample {results[0].drawn}."
    )
    return Table(("metric", f"{level}s", *(_MEASURES[name] for name in known)), rows, caption)


def _measure_cells(results: Sequence[SetResult], measure: str) -> list[Cell]:
    found: list[Estimate | None] = [getattr(one, measure) for one in results]
    values = [
        estimate.value
        for one, estimate in zip(results, found, strict=True)
        # Nobody wins by saying the mean of the ratings.
        if estimate is not None and not (measure in _ERRORS and one.constant_folds == one.items)
    ]
    pick = min if measure in _ERRORS else max
    best = pick(values, default=None) if measure != "bias" else None
    return [
        Cell(
            show_estimate(one),
            order=None if one is None else one.value,
            best=one is not None and one.value == best,
        )
        for one in found
    ]


def _tabulate_differences(run: BenchmarkRun, test: str) -> Table:
    rows: list[list[str | Cell]] = []
    known = {
        frozenset((one.first, one.second)): one for one in run.found.differences if one.test == test
    }
    for first, second in combinations(run.rank(test), 2):
        one = known.get(frozenset((first.name, second.name)))
        if one is None or one.srcc is None:
            continue
        # Of each pair the better one stands first.
        sign = 1.0 if one.first == first.name else -1.0
        ends = sorted((sign * one.srcc.low, sign * one.srcc.high))
        value = sign * one.srcc.value
        p = run.p_value(first.name, second.name, test)
        rows.append([
            f"{first.name} - {second.name}",
            Cell(f"{value:.2f} [{ends[0]:.2f}, {ends[1]:.2f}]", order=value),
            _NONE if p is None else Cell(_show_p(p), order=p),
        ])  # fmt: skip
    caption = (
        "Differences of SRCC on clips that both metrics gave a value for, by paired bootstrap; p is"
        f" after {run.correction} correction for all pairs of metrics."
    )
    return Table(("better - worse", "difference", "p"), rows, caption)


def _show_p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _scatter(run: BenchmarkRun, contender: Contender, test: str) -> Chart:
    marks = []
    for place, pair in pairs_of(run.found.pairs, test):
        value = run.found.values[contender.name][place].value
        if value is not None:
            half = rating_interval(pair)
            known = math.isfinite(half)
            low, high = (pair.score - half, pair.score + half) if known else (None, None)
            spread = f" ± {half:.3g}" if known else ""
            hint = (
                f"{pair.degraded.name}\n{pair.item}, {pair.system}\n"
                f"rated {pair.score:.4g}{spread}, {contender.name} {value:.4g}"
            )
            marks.append(Mark(value, pair.score, hint, low, high))
    scale = run.found.pairs[pairs_of(run.found.pairs, test)[0][0]].scale
    y = f"mean rating, {scale}" if scale else "mean rating"
    return Chart(contender.name, contender.full_name, y, [Series("", marks)])
