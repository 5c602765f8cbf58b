"""Metrics against listening tests: correlations with intervals, per test and over tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from auricle.core.errors import DataError
from auricle.data.listening_sets import RatedPair
from auricle.evaluation.rated_metrics import Contender
from auricle.evaluation.rated_scores import RatedValue
from auricle.stats.correlation import pearson, rmse, spearman
from auricle.stats.intervals import Estimate
from auricle.stats.mapping import fit_cubic

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]
Replicates = tuple[float, Vector]
Measure = Literal["srcc", "pcc", "mapped", "rmse"]

# Questions about the sound as a whole; others ask about one side of it (noise, interferers).
OVERALL = ("quality", "overall", "similarity_to_target")
# With fewer, whole items tell nothing of how others would do, and clips are drawn instead.
FEWEST_ITEMS = 5
# Two clips always correlate perfectly.
_FEWEST_CLIPS = 3
_CONFIDENCE = 0.95
_MOST_UNDEFINED = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class SetResult:
    """How well a metric agrees with one test, on the `clips` of `of` that it gave a value for.

    `items` is how many items those clips are of, `drawn` what was resampled. `srcc` is Spearman's,
    `pcc` Pearson's correlation of the values, negated for distances, with the mean ratings;
    `mapped` Pearson's after a rising cubic fitted without the item it is applied to, and `rmse` the
    root mean square error after it, on the ratings' scale. None is undefined. For `constant_folds`
    of the items no rising cubic was better than a constant, which then is what the item is given.
    """

    test: str
    metric: str
    clips: int
    of: int
    items: int
    drawn: str
    srcc: Estimate | None
    pcc: Estimate | None
    mapped: Estimate | None
    rmse: Estimate | None
    constant_folds: int


@dataclass(frozen=True, slots=True)
class MeanResult:
    """A metric's means over `tests`; those of `pcc` and `mapped` are plain, without intervals.

    None is undefined, because a part of it is.
    """

    metric: str
    tests: tuple[str, ...]
    srcc: Estimate | None
    pcc: float | None
    mapped: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Measures of `first` less those of `second`, on clips that both gave a value for.

    They are those of `SetResult`; `test` is None for the mean SRCC over tests of overall quality.
    None is undefined.
    """

    test: str | None
    first: str
    second: str
    srcc: Estimate | None
    pcc: Estimate | None = None
    rmse: Estimate | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RatedBenchmark:
    """All that came out: results per test and metric, means over the overall tests, differences.

    `values` are those of `pairs`, by metric.
    """

    pairs: tuple[RatedPair, ...]
    contenders: tuple[Contender, ...]
    values: Mapping[str, Sequence[RatedValue]]
    results: tuple[SetResult, ...]
    means: tuple[MeanResult, ...]
    differences: tuple[Difference, ...]


def judge(
    pairs: Sequence[RatedPair],
    contenders: Sequence[Contender],
    values: Mapping[str, Sequence[RatedValue]],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> RatedBenchmark:
    """Compare values, by `Contender.name` one for each pair, with the ratings.

    Intervals are 95% percentile bootstraps over whole items (a
    clip's song or sentence) of a test, or over clips where it has fewer than five items; every
    metric sees the same resamples. The mean over tests resamples each of them independently.
    `mapped` resamples fixed cross-validated predictions: the mapping is not fitted anew.

    Raises `DataError` without pairs. Hidden references are for the caller to leave out
    (`ListeningTests.rated`).
    """
    if not pairs:
        raise DataError("there are no rated pairs")
    tests = dict.fromkeys(pair.test for pair in pairs)
    # Another seed for each, or tests of equal sizes would draw the same.
    sheets = [
        _Sheet(test, pairs, contenders, values, resamples, seed + number)
        for number, test in enumerate(tests)
    ]
    results = tuple(sheet.result(one.name) for sheet in sheets for one in contenders)
    overall = [sheet for sheet in sheets if sheet.attribute in OVERALL]
    return RatedBenchmark(
        pairs=tuple(pairs),
        contenders=tuple(contenders),
        values=values,
        results=results,
        means=tuple(_mean(one.name, overall, results) for one in contenders),
        differences=tuple(
            difference
            for a, b in combinations(contenders, 2)
            for difference in (
                _mean_difference(a.name, b.name, overall),
                *(sheet.difference(a.name, b.name) for sheet in sheets),
            )
        ),
    )


class _Sheet:
    """The ratings of one test `[clip]` with every metric's values, and resamples of its clips."""

    def __init__(
        self,
        test: str,
        pairs: Sequence[RatedPair],
        contenders: Sequence[Contender],
        values: Mapping[str, Sequence[RatedValue]],
        resamples: int,
        seed: int,
    ) -> None:
        rows = [row for row, pair in enumerate(pairs) if pair.test == test]
        self.test = test
        self.attribute = pairs[rows[0]].attribute
        self.rating = np.array([pairs[row].score for row in rows])
        self.items = [pairs[row].item for row in rows]
        self.signed = {
            one.name: one.sign
            * np.array([values[one.name][row].value for row in rows], dtype=np.float64)
            for one in contenders
        }
        self.folds = {
            name: map_by_item(values, self.rating, self.items)
            for name, values in self.signed.items()
        }
        self.grouped = len(set(self.items)) >= FEWEST_ITEMS
        self._draws = _draw(self.items, self.grouped, resamples, seed)
        self._known: dict[tuple[str, Measure, bytes], Replicates] = {}

    def result(self, metric: str) -> SetResult:
        """Return a metric's agreement with the test."""
        there, folds = np.isfinite(self.signed[metric]), self.folds[metric]
        useful = folds.constant < folds.count
        return SetResult(
            test=self.test,
            metric=metric,
            clips=int(there.sum()),
            of=there.size,
            items=folds.count,
            drawn="items" if self.grouped else "clips",
            srcc=_estimate(*self.replicate(metric, "srcc")),
            pcc=_estimate(*self.replicate(metric, "pcc")),
            mapped=_estimate(*self.replicate(metric, "mapped")) if useful else None,
            rmse=_estimate(*self.replicate(metric, "rmse")),
            constant_folds=folds.constant,
        )

    def difference(self, first: str, second: str) -> Difference:
        """Return how far two metrics are apart in this test."""

        def subtract(measure: Measure) -> Estimate | None:
            return _estimate(*self.subtract(first, second, measure))

        return Difference(
            self.test, first, second, subtract("srcc"), subtract("pcc"), subtract("rmse")
        )

    def subtract(self, first: str, second: str, measure: Measure) -> Replicates:
        """Return a measure of one metric less that of another, on clips that both have."""
        a, b = (
            self.replicate(one, measure, two) for one, two in ((first, second), (second, first))
        )
        return a[0] - b[0], a[1] - b[1]

    def replicate(self, metric: str, measure: Measure, beside: str | None = None) -> Replicates:
        """Return a measure of a metric, on clips that the metric `beside` has a value for, too."""
        there = np.isfinite(self.signed[metric]) & np.isfinite(self.signed[beside or metric])
        key = metric, measure, there.tobytes()
        if key not in self._known:
            mapped = measure in ("mapped", "rmse")
            values = self.folds[metric].predicted if mapped else self.signed[metric]
            self._known[key] = self._replicate(values, there, measure)
        return self._known[key]

    def _replicate(self, values: Vector, there: Mask, measure: Measure) -> Replicates:
        """Return a measure of the values that are there, and of those in each resample."""
        statistic = {"srcc": spearman, "rmse": rmse}.get(measure, pearson)
        try:
            whole = statistic(values[there], self.rating[there])
        except DataError:
            whole = math.nan
        draws = [rows[there[rows]] for rows in self._draws]
        lengths = np.array([rows.size for rows in draws])
        found = np.full(lengths.size, math.nan)
        # All resamples of one length at once: one by one takes a hundred times as long.
        for length in np.unique(lengths[lengths >= _FEWEST_CLIPS]):
            rows = np.stack([draws[place] for place in np.flatnonzero(lengths == length)])
            found[lengths == length] = _measure(values[rows], self.rating[rows], measure)
        return whole, found


def _measure(x: Matrix, y: Matrix, measure: Measure) -> Vector:
    """Return the measure of each row of `[resample, clip]`."""
    if measure == "rmse":
        error: Vector = np.sqrt(np.square(x - y).mean(axis=1))
        return error
    return _correlate(x, y, ranked=measure == "srcc")


def _correlate(x: Matrix, y: Matrix, ranked: bool) -> Vector:
    """Return the correlation of each row of `[resample, clip]`; NaN where one is constant."""
    if ranked:
        x, y = rankdata(x, axis=1), rankdata(y, axis=1)
    x, y = (values - values.mean(axis=1, keepdims=True) for values in (x, y))
    varied = (np.ptp(x, axis=1) > 0.0) & (np.ptp(y, axis=1) > 0.0)
    size = np.sqrt(np.square(x).sum(axis=1) * np.square(y).sum(axis=1))
    shared: Vector = (x * y).sum(axis=1)
    found: Vector = np.divide(shared, size, out=np.full(size.size, math.nan), where=varied)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Ratings predicted for `[clip]` by mappings fitted without its item, and how many those were.

    `constant` of the `count` mappings were the mean of the other items' ratings.
    """

    count: int
    constant: int
    predicted: Vector


def map_by_item(values: ArrayLike, rating: ArrayLike, items: Sequence[str]) -> Folds:
    """Map each item's values `[clip]` by a rising cubic that was fitted on all the others.

    Where no rising cubic is closer to the others' ratings than their mean, or they have fewer than
    four different values, that mean is the prediction. Values that are NaN stay so.

    >>> rating = np.arange(12.0)
    >>> folds = map_by_item(np.sqrt(rating), rating, list("aaabbbcccddd"))
    >>> folds.count, folds.constant, folds.predicted[3:9].round(1).tolist()
    (4, 0, [3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    """
    x, y = np.asarray(values, dtype=np.float64), np.asarray(rating, dtype=np.float64)
    names = np.asarray(items)
    there = np.isfinite(x)
    predicted = np.full(x.size, math.nan)
    folds = dict.fromkeys(names[there].tolist())
    constant = 0
    for name in folds:
        others = there & (names != name)
        own = there & (names == name)
        try:
            predicted[own] = fit_cubic(x[others], y[others]).apply(x[own])
        except DataError:
            predicted[own] = y[others].mean() if others.any() else y[own].mean()
            constant += 1
    return Folds(len(folds), constant, predicted)


def _mean(metric: str, sheets: Sequence[_Sheet], results: Sequence[SetResult]) -> MeanResult:
    own = [one for one in results if one.metric == metric and one.test in {s.test for s in sheets}]
    return MeanResult(
        metric=metric,
        tests=tuple(one.test for one in own),
        srcc=_average([sheet.replicate(metric, "srcc") for sheet in sheets]),
        pcc=_plain_mean([one.pcc for one in own]),
        mapped=_plain_mean([one.mapped for one in own]),
    )


def _mean_difference(first: str, second: str, sheets: Sequence[_Sheet]) -> Difference:
    srcc = _average([sheet.subtract(first, second, "srcc") for sheet in sheets])
    return Difference(None, first, second, srcc)


def _plain_mean(estimates: Sequence[Estimate | None]) -> float | None:
    known = [one.value for one in estimates if one is not None]
    return fmean(known) if known and len(known) == len(estimates) else None


def _average(parts: Sequence[Replicates]) -> Estimate | None:
    if not parts:
        return None
    values, replicates = zip(*parts, strict=True)
    return _estimate(fmean(values), np.mean(replicates, axis=0))


def _estimate(value: float, replicates: Vector) -> Estimate | None:
    """Return the percentile interval, as `bootstrap_interval` does; None where it would raise."""
    known = replicates[np.isfinite(replicates)]
    if not math.isfinite(value) or known.size < (1.0 - _MOST_UNDEFINED) * replicates.size:
        return None
    tail = (1.0 - _CONFIDENCE) / 2.0
    low, high = np.quantile(known, [tail, 1.0 - tail])
    return Estimate(value, min(float(low), value), max(float(high), value), _CONFIDENCE)


def _draw(items: Sequence[str], grouped: bool, resamples: int, seed: int) -> list[Rows]:
    """Draw clips with replacement, or whole items with all their clips."""
    generator = np.random.default_rng(seed)
    if not grouped:
        return list(generator.integers(0, len(items), (resamples, len(items))))
    members = [np.flatnonzero(np.equal(items, name)) for name in dict.fromkeys(items)]
    drawn = generator.integers(0, len(members), (resamples, len(members)))
    return [np.concatenate([members[place] for place in places]) for places in drawn]
