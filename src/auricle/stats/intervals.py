"""How far to trust a number: bootstrap intervals, paired differences, coverage.

Bootstrap intervals are percentile intervals (B. Efron and R. Tibshirani, "An Introduction to the
Bootstrap", 1993, section 13.3). Compared with bias-corrected ones (BCa, chapter 14) they stay in
the range of the statistic, need no jackknife, and are defined where BCa is not: for few groups, or
a statistic at the end of its range. In 800 simulations each of 20 / 50 / 150 recordings with 5
correlated clips, a nominal 95 % interval over recordings covered the true correlation in
92 / 94 / 93 % (BCa: 90 / 92 / 93 %). So read intervals from 20 recordings or fewer as too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from auricle.core.errors import ConfigError, DataError
from auricle.stats.vectors import Labels, Vector, matched_vectors, number_groups

Statistic = Callable[..., float]
Rows = NDArray[np.intp]

# Dropping resamples conditions the interval on the rest: a tenth is as much as that may bend it.
_MOST_UNDEFINED = 0.1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the interval `low <= value <= high` that holds the truth with `confidence`.

    >>> print(Estimate(0.9, 0.85, 0.934, confidence=0.95))
    0.900 [0.850, 0.934]
    """

    value: float
    low: float
    high: float
    confidence: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap_interval(
    statistic: Statistic,
    *arrays: ArrayLike,
    groups: Labels | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Return a statistic of `[item]` arrays with its percentile bootstrap interval.

    Items are drawn with replacement, the same ones from every array. With `groups` (a label per
    item, such as its recording) whole groups are drawn, because items of one group resemble each
    other and would make the interval too narrow. Equal seeds draw equal resamples.

    Resamples on which `statistic` raises `DataError` or is not finite (constant input to a
    correlation) are left out. An interval that misses the value is widened to reach it.

    Raises `DataError` when the statistic is undefined on all the items or on more than a tenth of
    the resamples, when there are fewer than two items or groups, or arrays do not match;
    `ConfigError` for a confidence outside 0..1 or too few resamples to see its tails.

    >>> estimate = bootstrap_interval(np.mean, np.arange(100.0))
    >>> estimate.value, 40 < estimate.low < 46, 53 < estimate.high < 59
    (49.5, True, True)
    """
    _check_tails(confidence, resamples)
    columns = matched_vectors(*arrays, least=2)
    value = float(statistic(*columns))
    if not np.isfinite(value):
        raise DataError(f"the statistic is {value} on the whole sample")
    draws = _draw_rows(columns[0].size, groups, resamples, seed)
    replicates = _replicate(statistic, columns, draws)
    return percentile_interval(value, replicates, resamples, confidence=confidence)


def percentile_interval(
    value: float, replicates: ArrayLike, resamples: int, *, confidence: float = 0.95
) -> Estimate:
    """Return a value with the percentile interval of its bootstrap replicates.

    `replicates` are the finite values `[resample]` on resamples, of which there were `resamples`:
    on the rest the statistic is undefined. An interval that misses the value is widened to reach
    it. For statistics whose replicates are computed all at once; `bootstrap_interval` draws them.

    Raises `DataError` when more than a tenth of the resamples are undefined, `ConfigError` for a
    confidence outside 0..1 or too few resamples to see its tails.

    >>> print(percentile_interval(50.0, np.arange(101.0), 101, confidence=0.9))
    50.000 [5.000, 95.000]
    """
    _check_tails(confidence, resamples)
    replicates = np.asarray(replicates, dtype=np.float64)
    undefined = 1.0 - replicates.size / resamples
    if undefined > _MOST_UNDEFINED:
        raise DataError(
            f"the statistic is undefined on {undefined:.0%} of the resamples: "
            "there are too few different items or groups for an interval"
        )
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(replicates, [tail, 1.0 - tail])
    return Estimate(value, min(float(low), value), max(float(high), value), confidence)


def paired_bootstrap_difference(
    statistic: Statistic,
    truth: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    *,
    groups: Labels | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Return `statistic(a, truth) - statistic(b, truth)` with its bootstrap interval.

    All arrays are `[item]`. Both models are judged on the same resamples, so that what makes a
    resample hard for both cancels out. An interval above 0 says that `a` has the higher statistic:
    the better correlation, but the worse error. Raises what `bootstrap_interval` raises.

    >>> from auricle.stats.correlation import mae
    >>> truth = np.arange(50.0)
    >>> print(paired_bootstrap_difference(mae, truth, truth + 1, truth - 3))
    -2.000 [-2.000, -2.000]
    """

    def difference(truth: Vector, a: Vector, b: Vector) -> float:
        return statistic(a, truth) - statistic(b, truth)

    return bootstrap_interval(
        difference,
        truth,
        a,
        b,
        groups=groups,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )


def coverage(
    low: ArrayLike, high: ArrayLike, truth: ArrayLike, *, confidence: float = 0.95
) -> Estimate:
    """Return the share of `[item]` truths inside their intervals, ends included.

    The estimate's own interval is Wilson's, for independent items. Raises `DataError` when arrays
    do not match or an interval is upside down, `ConfigError` for a confidence outside 0..1.

    >>> print(coverage([0, 0, 0, 0], [1, 1, 1, 1], [0.5, 1.0, 0.2, 1.1]))
    0.750 [0.301, 0.954]
    """
    lows, highs, truths = matched_vectors(low, high, truth)
    if (lows > highs).any():
        place = int(np.flatnonzero(lows > highs)[0])
        raise DataError(f"interval {place} is upside down: {lows[place]:g} to {highs[place]:g}")
    inside = np.count_nonzero((lows <= truths) & (truths <= highs))
    return wilson_interval(int(inside), truths.size, confidence=confidence)


def wilson_interval(successes: int, trials: int, *, confidence: float = 0.95) -> Estimate:
    """Return a proportion with its score interval, without continuity correction.

    Raises `DataError` unless 0 <= successes <= trials and trials > 0, `ConfigError` for a
    confidence outside 0..1. Source: E. B. Wilson, JASA 22 (1927); R. G. Newcombe, "Two-sided
    confidence intervals for the single proportion", Statistics in Medicine 17 (1998), method 3.

    >>> print(wilson_interval(23, 60))
    0.383 [0.271, 0.510]
    """
    check_confidence(confidence)
    if trials < 1 or not 0 <= successes <= trials:
        raise DataError(f"{successes} of {trials} is not a proportion")
    bounds = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    share = successes / trials
    # At 0 and 1 one end equals the share, but for rounding.
    return Estimate(
        share, min(float(bounds.low), share), max(float(bounds.high), share), confidence
    )


def check_confidence(confidence: float) -> None:
    """Raise `ConfigError` for a confidence outside 0..1.

    >>> check_confidence(0.95)
    """
    if not 0.0 < confidence < 1.0:
        raise ConfigError(f"the confidence must lie between 0 and 1, not {confidence}")


def _check_tails(confidence: float, resamples: int) -> None:
    check_confidence(confidence)
    if resamples * (1.0 - confidence) < 2.0:
        raise ConfigError(
            f"{resamples} resamples leave none beyond the ends of a {confidence:.1%} interval"
        )


def _draw_rows(items: int, groups: Labels | None, resamples: int, seed: int) -> Iterator[Rows]:
    generator = np.random.default_rng(seed)
    if groups is None:
        for _ in range(resamples):
            yield generator.integers(0, items, items)
        return
    labels, places = number_groups(groups, items)
    if len(labels) < 2:
        raise DataError(f"a bootstrap over groups needs two of them: all items are {labels[0]!r}")
    members = [np.flatnonzero(places == place) for place in range(len(labels))]
    for _ in range(resamples):
        drawn = generator.integers(0, len(members), len(members))
        yield np.concatenate([members[place] for place in drawn])


def _replicate(statistic: Statistic, columns: tuple[Vector, ...], draws: Iterator[Rows]) -> Vector:
    replicates: list[float] = []
    for rows in draws:
        try:
            replicate = float(statistic(*(column[rows] for column in columns)))
        except DataError:
            continue
        if np.isfinite(replicate):
            replicates.append(replicate)
    return np.array(replicates, dtype=np.float64)
