"""How far listeners agree, and so how close a prediction of their mean can come.

Scores are ragged, `[clip][rater]`: each clip has two raters or more, in any order. Raters need not
be the same from clip to clip; what one of them gives too much everywhere counts as noise, as it
does in the mean of a panel of strangers (the one-way random model). A noise ceiling can be told who
the raters are: what one panel gives too much everywhere does not change the order of its means.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from auricle.core.errors import ConfigError, DataError
from auricle.stats.intervals import Estimate, bootstrap_interval
from auricle.stats.vectors import Labels, Vector, finite_vector, number_groups

Ragged = Sequence[ArrayLike] | NDArray[Any]
Matrix = NDArray[np.float64]

_FEWEST = 3
# Deviations this small against the values are rounding noise (see auricle.stats.correlation).
_ROUNDING = 1e-13


@dataclass(frozen=True, slots=True)
class SplitHalf:
    """A correlation between half panels, and what follows from it.

    `halves` is the correlation between the means of two random halves of the raters, `panel` the
    reliability of the mean of all of them, and `ceiling` the correlation with that mean which a
    perfect predictor, one that knows what infinitely many raters would say, is expected to reach.
    """

    halves: Estimate
    panel: Estimate
    ceiling: Estimate


@dataclass(frozen=True, slots=True)
class NoiseCeiling:
    """What the noise of the raters leaves to reach, over `items` clips or systems.

    `raters` is the harmonic mean of the raters per clip; `lcc` is about Pearson's correlation,
    `srcc` about Spearman's.
    """

    items: int
    raters: float
    lcc: SplitHalf
    srcc: SplitHalf


@dataclass(frozen=True, slots=True)
class IntraclassCorrelation:
    """The share of the variance that lies between clips, one-way random model.

    `single` is that of one rater's scores, ICC(1, 1), `panel` that of the mean of `raters` raters,
    ICC(1, k). `spread` is the SD of the scores of one clip, and `mse` the mean squared error
    against the panel's mean that a perfect predictor is expected to have.
    """

    clips: int
    raters: float
    single: Estimate
    panel: Estimate
    spread: Estimate
    mse: Estimate


def noise_ceiling(
    scores: Ragged,
    systems: Labels | None = None,
    *,
    listeners: Sequence[Sequence[Hashable]] | None = None,
    splits: int = 20,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> NoiseCeiling:
    """Return how well halves of the panel agree, and the ceiling that follows, with intervals.

    `scores` is `[clip][rater]`. Each split deals every clip's raters into two halves at random (of
    an odd number one sits out) and correlates the means of the halves over clips; with `systems`, a
    label per clip, over the means of systems. Correlations are averaged over splits, stepped up to
    the full panel (`spearman_brown`), and the ceiling is the square root of that: of observed and
    true scores it is the correlation (Spearman, 1904, correction for attenuation). Intervals
    resample clips (systems), each resample over all splits.

    `listeners` `[clip][rater]` are the names of those who gave the scores: each split then deals
    them in one order for all clips, so that where all rated everything the halves are two panels.
    Without names every clip's raters are taken for strangers.

    For Spearman's correlation the step and the root hold approximately: for normal scores within
    0.01. At system level the clips are given: how other clips of a system would sound is not noise
    here. A negative correlation of halves has the ceiling 0.

    Raises `DataError` for fewer than three clips or systems, a clip with fewer than two raters,
    scores that are not finite, names that do not match them or come twice for a clip, or where
    halves don't vary; `ConfigError` for bad options.

    Source: W. Brown and C. Spearman, British Journal of Psychology 3 (1910); F. M. Lord and
    M. R. Novick, "Statistical Theories of Mental Test Scores" (1968).

    >>> clips = np.random.default_rng(0).normal(size=(200, 1))
    >>> raters = clips + np.random.default_rng(1).normal(scale=2.0, size=(200, 10))
    >>> found = noise_ceiling(raters, resamples=100)
    >>> round(found.lcc.ceiling.value, 1), round((1 / (1 + 4 / 10)) ** 0.5, 1)
    (0.8, 0.8)
    """
    if splits < 1:
        raise ConfigError(f"a noise ceiling needs 1 split of the raters or more, not {splits}")
    table, counts = pad_scores(scores)
    known = None if listeners is None else _align(scores, listeners)
    generator = np.random.default_rng(seed)
    halves = _split(table if known is None else known, counts, splits, generator, known is None)
    noise, half_noise = 1.0 / counts, 1.0 / (counts // 2)
    if systems is not None:
        halves, noise, half_noise = _average(systems, halves, noise, half_noise)
    if noise.size < _FEWEST:
        what = "clips" if systems is None else "systems"
        raise DataError(f"a noise ceiling needs {_FEWEST} {what} or more, not {noise.size}")
    factor = float(half_noise.sum() / noise.sum())

    places = stats.rankdata(halves, method="dense", axis=-1).astype(np.intp) - 1

    def estimate(ranked: bool) -> SplitHalf:
        def correlate(items: Vector) -> float:
            weights = np.bincount(items.astype(np.intp), minlength=noise.size) / noise.size
            return _correlate(_ranks(places, weights) if ranked else halves, weights)

        found = bootstrap_interval(
            correlate,
            np.arange(noise.size),
            confidence=confidence,
            resamples=resamples,
            seed=seed,
        )
        return _step_up(found, factor)

    raters = float(1.0 / np.mean(1.0 / counts))
    return NoiseCeiling(noise.size, raters, lcc=estimate(False), srcc=estimate(True))


def spearman_brown(correlation: float, factor: float) -> float:
    """Return the reliability of a panel `factor` times as large.

    `factor r / (1 + (factor - 1) r)`. A negative correlation, of which the formula makes nonsense,
    stays what it is. Raises `DataError` outside -1..1, `ConfigError` unless the factor is positive.

    Source: W. Brown and C. Spearman, British Journal of Psychology 3 (1910).

    >>> spearman_brown(0.6, 2.0)
    0.7499999999999999
    """
    if not -1.0 <= correlation <= 1.0:
        raise DataError(f"a correlation lies in -1..1, not at {correlation}")
    if not factor > 0.0:
        raise ConfigError(f"a panel grows by a positive factor, not {factor}")
    if correlation <= 0.0:
        return correlation
    return factor * correlation / (1.0 + (factor - 1.0) * correlation)


def intraclass_correlation(
    scores: Ragged, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> IntraclassCorrelation:
    """Return ICC(1, 1) and ICC(1, k) of scores `[clip][rater]`, with bootstrap intervals.

    From the mean squares between and within clips, B and W: `(B - W) / (B + (k - 1) W)` and
    `(B - W) / B`. Where n clips have unequal numbers k_i of raters, N in all, k is
    `(N - sum k_i^2 / N) / (n - 1)`. Negative where clips differ by less than their raters' noise.

    Raises `DataError` for fewer than three clips, a clip with fewer than two raters, scores that
    are not finite or all equal on the clips' means; `ConfigError` for bad options.

    Source: P. E. Shrout and J. L. Fleiss, Psychological Bulletin 86 (1979), case 1; unequal numbers
    as in A. Donner, International Statistical Review 54 (1986).

    >>> found = intraclass_correlation([[1, 2], [4, 5], [7, 7], [9, 8], [2, 3]], resamples=200)
    >>> round(found.single.value, 3), round(found.panel.value, 3)
    (0.955, 0.977)
    """
    table, counts = pad_scores(scores)
    if counts.size < _FEWEST:
        raise DataError(f"an intraclass correlation needs {_FEWEST} clips, not {counts.size}")
    means = np.nanmean(table, axis=1)
    squares = np.nansum(np.square(table - means[:, None]), axis=1)

    def estimate(pick: int) -> Estimate:
        return bootstrap_interval(
            lambda k, mean, square: _analyse(k, mean, square)[pick],
            counts.astype(np.float64),
            means,
            squares,
            confidence=confidence,
            resamples=resamples,
            seed=seed,
        )

    single, panel, spread, mse = (estimate(pick) for pick in range(4))
    raters = _mean_raters(counts.astype(np.float64))
    return IntraclassCorrelation(counts.size, raters, single, panel, spread, mse)


def pad_scores(scores: Ragged) -> tuple[Matrix, NDArray[np.intp]]:
    """Return scores as `[clip, rater]`, NaN where there is none, and the number of each clip's."""
    rows = [finite_vector(row, f"scores of clip {place}") for place, row in enumerate(scores)]
    if not rows:
        raise DataError("there are no scores")
    counts = np.array([row.size for row in rows], dtype=np.intp)
    if counts.min() < 2:
        raise DataError(
            f"clip {int(counts.argmin())} has one rater, and agreement takes two: "
            "leave out such clips"
        )
    table = np.full((counts.size, int(counts.max())), np.nan)
    for place, row in enumerate(rows):
        table[place, : row.size] = row
    return table, counts


def _align(scores: Ragged, listeners: Sequence[Sequence[Hashable]]) -> Matrix | None:
    """Return scores as `[clip, listener]`, NaN where a listener gave none.

    None where nobody comes twice: such raters are strangers.
    """
    if len(listeners) != len(scores):
        raise DataError(f"there are listeners of {len(listeners)} clips, scores of {len(scores)}")
    for place, (row, own) in enumerate(zip(scores, listeners, strict=True)):
        if len(set(own)) != np.size(row):
            raise DataError(
                f"clip {place} has {np.size(row)} scores by {len(set(own))} listeners: average"
                " what one of them said twice"
            )
    names = list(dict.fromkeys(name for row in listeners for name in row))
    if len(names) == sum(len(row) for row in listeners):
        return None
    column = {name: place for place, name in enumerate(names)}
    table = np.full((len(scores), len(names)), np.nan)
    for row, own, into in zip(scores, listeners, table, strict=True):
        into[[column[name] for name in own]] = row
    return table


def _split(
    table: Matrix,
    counts: NDArray[np.intp],
    splits: int,
    generator: np.random.Generator,
    strangers: bool,
) -> Matrix:
    """Return the means `[half, split, clip]` of two random halves of each clip's raters.

    Unless they are `strangers`, columns are persons, and dealt in one order for all clips.
    """
    rated = ~np.isnan(table)
    filled = np.where(rated, table, 0.0)
    size = (counts // 2)[:, None]
    halves = np.empty((2, splits, counts.size))
    for split in range(splits):
        # Raters in random order, those who are not there last.
        drawn = generator.random(table.shape if strangers else table.shape[1])
        keys = np.where(rated, drawn, 2.0)
        order = keys.argsort(axis=1).argsort(axis=1)
        for half in (0, 1):
            chosen = (order >= half * size) & (order < (half + 1) * size)
            halves[half, split] = (filled * chosen).sum(axis=1) / size[:, 0]
    return halves


def _average(
    systems: Labels, halves: Matrix, noise: Vector, half_noise: Vector
) -> tuple[Matrix, Vector, Vector]:
    """Return the means of systems, and the noise in them: that of a clip over the clips squared."""
    names, places = number_groups(systems, noise.size)
    members = (places[:, None] == np.arange(len(names))).astype(np.float64)
    weights = members / members.sum(axis=0)
    return halves @ weights, noise @ np.square(weights), half_noise @ np.square(weights)


def _ranks(places: NDArray[np.intp], weights: Vector) -> Matrix:
    """Return mean ranks `[half, split, item]`, as shares of all items, of weighted items.

    `places` number the distinct values of each half and split from 0 in rising order: so a resample
    is ranked by adding up how often each value was drawn, without sorting it again.
    """
    rows = places.reshape(-1, weights.size)
    cells = rows + weights.size * np.arange(len(rows))[:, None]
    drawn = np.bincount(
        cells.ravel(), weights=np.tile(weights, len(rows)), minlength=rows.size
    ).reshape(rows.shape)
    ranks: Matrix = np.take_along_axis(drawn.cumsum(axis=1) - 0.5 * drawn, rows, axis=1)
    return ranks.reshape(places.shape)


def _correlate(values: Matrix, weights: Vector) -> float:
    """Return the correlation of `[half, split, item]` over weighted items, averaged over splits."""
    deviations = values - (values @ weights)[..., None]
    spread = np.sqrt(np.square(deviations) @ weights)
    if (spread <= _ROUNDING * np.abs(values).max()).any():
        raise DataError("a correlation of halves is undefined: all items have the same mean")
    products = (deviations[0] * deviations[1]) @ weights / (spread[0] * spread[1])
    return float(np.clip(products.mean(), -1.0, 1.0))


def _step_up(halves: Estimate, factor: float) -> SplitHalf:
    # Both steps rise, so ends of the interval stay its ends.
    def root(reliability: float) -> float:
        return float(np.sqrt(max(reliability, 0.0)))

    low, value, high = (
        spearman_brown(end, factor) for end in (halves.low, halves.value, halves.high)
    )
    return SplitHalf(
        halves,
        panel=Estimate(value, low, high, halves.confidence),
        ceiling=Estimate(root(value), root(low), root(high), halves.confidence),
    )


def _analyse(counts: Vector, means: Vector, squares: Vector) -> tuple[float, float, float, float]:
    """Return ICC(1, 1), ICC(1, k), the SD within clips, and the variance of a panel's mean."""
    total, clips = counts.sum(), counts.size
    within = squares.sum() / (total - clips)
    between = (counts * np.square(means - (counts * means).sum() / total)).sum() / (clips - 1)
    if between <= np.square(_ROUNDING * means).max():
        raise DataError("an intraclass correlation is undefined: all clips have the same mean")
    single = (between - within) / (between + (_mean_raters(counts) - 1.0) * within)
    panel = 1.0 - within / between
    return (
        float(single),
        float(panel),
        float(np.sqrt(within)),
        float(within * np.mean(1.0 / counts)),
    )


def _mean_raters(counts: Vector) -> float:
    total = counts.sum()
    return float((total - np.square(counts).sum() / total) / (counts.size - 1))
