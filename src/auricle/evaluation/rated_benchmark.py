"""Metrics against listening tests: performance with intervals, per test and over tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations
from statistics import fmean, stdev

import numpy as np
from scipy import stats

from auricle.core.errors import DataError
from auricle.data.listening_sets import RatedPair
from auricle.evaluation.rated_metrics import Contender
from auricle.evaluation.rated_results import (
    Ceiling,
    Difference,
    Level,
    MeanResult,
    RatedBenchmark,
    SetResult,
    Significance,
)
from auricle.evaluation.rated_scores import RatedValue
from auricle.evaluation.rated_sheet import MEASURES, Measure, Replicates, Sheet
from auricle.evaluation.rated_significance import bootstrap_p, correct, find_significance
from auricle.stats.intervals import Estimate
from auricle.stats.mappings import MappingKind
from auricle.stats.multiplicity import Correction
from auricle.stats.reliability import noise_ceiling
from auricle.stats.resamples import to_estimate
from auricle.stats.vectors import Vector

# Two points always correlate perfectly.
_FEWEST = 3
# Resamples of the noise ceiling, each of which looks at all splits of the listeners.
_CEILING_RESAMPLES = 200


def judge(
    pairs: Sequence[RatedPair],
    contenders: Sequence[Contender],
    values: Mapping[str, Sequence[RatedValue]],
    *,
    mapping: MappingKind = "cubic",
    intervals: Sequence[float] | None = None,
    correction: Correction = "holm",
    resamples: int = 2000,
    seed: int = 0,
) -> RatedBenchmark:
    """Compare values, by `Contender.name` one for each pair, with the ratings.

    Intervals are 95% percentile bootstraps over whole items (a
    clip's song or sentence) of a test, or over clips where it has fewer than five items, and over
    systems for the means of systems; every metric sees the same resamples. The mean over tests
    resamples each of them independently. What follows from the mapping resamples fixed
    cross-validated predictions: the mapping is not fitted anew.

    `intervals` are half the widths of the 95% intervals of the ratings, one for each pair, NaN
    where it is not known; by default what `rating_interval` finds.

    Raises `DataError` without pairs. Hidden references are for the caller to leave out
    (`ListeningTests.rated`).
    """
    if not pairs:
        raise DataError("there are no rated pairs")
    widths = np.array([rating_interval(p) for p in pairs] if intervals is None else intervals)
    distances = frozenset(one.name for one in contenders if one.sign < 0.0)
    sheets = []
    # Another seed for each, or tests of equal sizes would draw the same.
    for number, test in enumerate(dict.fromkeys(pair.test for pair in pairs)):
        rows = [row for row, pair in enumerate(pairs) if pair.test == test]
        signed = {one.name: one.sign * _column(values[one.name], rows) for one in contenders}
        sheets.append(
            Sheet(
                [pairs[row] for row in rows],
                signed,
                distances,
                widths[rows],
                mapping=mapping,
                resamples=resamples,
                seed=seed + number,
            )
        )
    results = tuple(_result(sheet, one.name) for sheet in sheets for one in contenders)
    overall = [sheet for sheet in sheets if sheet.pairs[0].overall]
    return RatedBenchmark(
        pairs=tuple(pairs),
        contenders=tuple(contenders),
        values=values,
        mapping=mapping,
        correction=correction,
        results=results,
        systems=tuple(
            _system_result(sheet, one.name)
            for sheet in sheets
            if _has_systems(sheet)
            for one in contenders
        ),
        means=tuple(_mean(one.name, overall, results) for one in contenders),
        differences=tuple(correct(_differences(contenders, sheets, overall), correction)),
        ceilings=tuple(found for sheet in sheets if (found := _ceiling(sheet)) is not None),
    )


def rating_interval(pair: RatedPair) -> float:
    """Return half the width of the 95% t interval of a mean rating, on its scale; NaN if unknown.

    Of single listeners, or of the published standard deviation and number of listeners. Source:
    ITU-T P.1401, clause 7.4.

    >>> from pathlib import Path
    >>> pair = RatedPair("demo", "quality", "song", "mp3", Path("a.wav"), Path("b.wav"), 50.0)
    >>> rating_interval(pair)
    nan
    """
    if len(pair.listeners) > 1:
        deviation, votes = stdev(pair.listeners.values()), len(pair.listeners)
    else:
        deviation, votes = pair.deviation, pair.raters
    if votes < 2 or not math.isfinite(deviation):
        return math.nan
    return _quantile(votes - 1) * deviation / math.sqrt(votes)


@cache
def _quantile(degrees: int) -> float:
    return float(stats.t.ppf(0.975, degrees))


def _column(values: Sequence[RatedValue], rows: Sequence[int]) -> Vector:
    return np.array([values[row].value for row in rows], dtype=np.float64)


def _result(sheet: Sheet, metric: str) -> SetResult:
    found = {measure: sheet.replicate(metric, measure) for measure in MEASURES}
    drawn = "items" if sheet.grouped else "clips"
    clips = int(sheet.there(metric).sum())
    return _set_result(sheet, metric, "clip", (clips, len(sheet.pairs)), drawn, found)


def _system_result(sheet: Sheet, metric: str) -> SetResult:
    points = sheet.systems(metric)
    found = {measure: points.replicate(measure) for measure in MEASURES}
    counts = points.rating.size, len({pair.system for pair in sheet.pairs})
    return _set_result(sheet, metric, "system", counts, "systems", found)


def _set_result(
    sheet: Sheet,
    metric: str,
    level: Level,
    counts: tuple[int, int],
    drawn: str,
    found: Mapping[Measure, Replicates],
) -> SetResult:
    folds = sheet.folds[metric]
    estimates = {measure: to_estimate(*parts) for measure, parts in found.items()}
    if folds.constant == folds.count:
        estimates["mapped"] = None
    return SetResult(
        test=sheet.test,
        metric=metric,
        level=level,
        clips=counts[0],
        of=counts[1],
        items=folds.count,
        drawn=drawn,
        constant_folds=folds.constant,
        **estimates,
    )


def _has_systems(sheet: Sheet) -> bool:
    """Whether there are systems to average over: three or more, and not one for each clip."""
    systems = {pair.system for pair in sheet.pairs}
    return _FEWEST <= len(systems) < len(sheet.pairs)


def _differences(
    contenders: Sequence[Contender], sheets: Sequence[Sheet], overall: Sequence[Sheet]
) -> list[Difference]:
    return [
        difference
        for a, b in combinations(contenders, 2)
        for difference in (
            _mean_difference(a.name, b.name, overall),
            *(_difference(sheet, a.name, b.name) for sheet in sheets),
        )
    ]


def _difference(sheet: Sheet, first: str, second: str) -> Difference:
    def subtract(measure: Measure) -> Estimate | None:
        return to_estimate(*sheet.subtract(first, second, measure))

    return Difference(
        sheet.test,
        first,
        second,
        subtract("srcc"),
        subtract("pcc"),
        subtract("rmse"),
        find_significance(sheet, first, second),
    )


def _mean_difference(first: str, second: str, sheets: Sequence[Sheet]) -> Difference:
    if not sheets:
        return Difference(None, first, second, None)
    parts = _average([sheet.subtract(first, second, "srcc") for sheet in sheets])
    p = bootstrap_p(parts, sum(sheet.drawn - 1 for sheet in sheets))
    tests = () if p is None else (Significance("srcc", "bootstrap", p, p),)
    return Difference(None, first, second, to_estimate(*parts), tests=tests)


def _mean(metric: str, sheets: Sequence[Sheet], results: Sequence[SetResult]) -> MeanResult:
    own = [one for one in results if one.metric == metric and one.test in {s.test for s in sheets}]
    parts = [sheet.replicate(metric, "srcc") for sheet in sheets]
    return MeanResult(
        metric=metric,
        tests=tuple(one.test for one in own),
        srcc=to_estimate(*_average(parts)) if parts else None,
        pcc=_plain_mean([one.pcc for one in own]),
        mapped=_plain_mean([one.mapped for one in own]),
    )


def _plain_mean(estimates: Sequence[Estimate | None]) -> float | None:
    known = [one.value for one in estimates if one is not None]
    return fmean(known) if known and len(known) == len(estimates) else None


def _average(parts: Sequence[Replicates]) -> Replicates:
    values, replicates = zip(*parts, strict=True)
    return fmean(values), np.mean(replicates, axis=0)


def _ceiling(sheet: Sheet) -> Ceiling | None:
    """Return what the listeners of a test leave to reach, where they are known."""
    rated = [pair.listeners for pair in sheet.pairs if len(pair.listeners) > 1]
    scores, names = [list(one.values()) for one in rated], [list(one) for one in rated]
    try:
        found = noise_ceiling(scores, listeners=names, resamples=_CEILING_RESAMPLES)
        return Ceiling(sheet.test, found)
    except DataError:
        # Too few clips, or listeners who all say the same: no ceiling is known.
        return None
