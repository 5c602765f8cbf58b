"""How far numbers of a benchmark can be trusted: the ratings', and the metrics' own intervals."""

from __future__ import annotations

from auricle.evaluation.benchmark_run import BenchmarkRun, pairs_of
from auricle.evaluation.benchmark_sets import show_estimate
from auricle.evaluation.page.blocks import Block, Cell, Section, Table, Text
from auricle.evaluation.rated_metrics import Contender
from auricle.stats.intervals import coverage

_NONE = "-"


def reliability_sections(run: BenchmarkRun) -> list[Section]:
    """Return how reliable mean ratings are, and how often metrics' own intervals hold them."""
    return [
        Section("Reliability of the ratings", [_tabulate_ratings(run)]),
        Section("Reliability of the metrics' own intervals", [_tabulate_coverage(run)]),
    ]


def _tabulate_ratings(run: BenchmarkRun) -> Block:
    ceilings = {one.test: one.ceiling for one in run.found.ceilings}
    if not ceilings:
        return Text("Single listeners are not known.")
    rows: list[list[str | Cell]] = []
    for test in run.tests:
        if test not in ceilings:
            rows.append([test, _NONE, _NONE, _NONE, _NONE])
            continue
        found = ceilings[test]
        rows.append([
            test,
            Cell(f"{found.raters:.3g}", order=found.raters),
            show_estimate(found.srcc.halves),
            show_estimate(found.lcc.panel),
            show_estimate(found.srcc.ceiling),
        ])  # fmt: skip
    header = ("test", "listeners", "SRCC of halves", "reliability", "ceiling of SRCC")
    caption = (
        "Halves: two random halves of the listeners. Reliability: the share of the variance of mean"
        " ratings that other listeners would confirm. The ceiling is what follows for a perfect"
        f" metric. {_NONE} where single listeners are not known."
    )
    return Table(header, rows, caption)


def _tabulate_coverage(run: BenchmarkRun) -> Block:
    rows = []
    for test in run.tests:
        pairs = pairs_of(run.found.pairs, test)
        for one in run.found.contenders:
            if _ends(pairs[0][1].scale) != (one.scale.low, one.scale.high):
                continue
            row = _cover(run, one, test)
            if row is not None:
                rows.append(row)
    if not rows:
        return Text("No metric tells an interval on the scale of a test.")
    header = ("test", "metric", "mean ratings inside", "mean width", "domain")
    caption = (
        "How often a metric's own 90% interval holds the mean rating, where both are on the same"
        " scale. No metric was made to predict the ratings of these tests, whose listeners use the"
        " scale in their own way: far below 0.90 an interval says too little about these ratings."
    )
    return Table(header, rows, caption)


def _cover(run: BenchmarkRun, contender: Contender, test: str) -> list[str | Cell] | None:
    ends = []
    for place, pair in pairs_of(run.found.pairs, test):
        value = run.found.values[contender.name][place]
        if value.low is not None and value.high is not None:
            ends.append((value.low, value.high, pair.score))
    if not ends:
        return None
    low, high, truth = zip(*ends, strict=True)
    inside = coverage(low, high, truth)
    width = sum(high) / len(high) - sum(low) / len(low)
    domain = f"outside ({contender.domain})" if run.is_outside(contender, test) else "inside"
    return [test, contender.name, show_estimate(inside), Cell(f"{width:.3g}", order=width), domain]


def _ends(scale: str) -> tuple[float, float] | None:
    """Return the ends of a scale as the test's authors write it, "1-5".

    >>> _ends("1-5"), _ends("")
    ((1.0, 5.0), None)
    """
    low, dash, high = scale.partition("-")
    try:
        return (float(low), float(high)) if dash else None
    except ValueError:
        return None
