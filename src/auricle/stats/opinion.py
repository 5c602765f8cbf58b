"""What a panel said of systems and stimuli: means with intervals, medians, box plots, SOS.

Listeners are what another panel would not share, so all intervals are over listeners; the items are
taken as given. Who did not rate everything counts with what they rated: means are over ratings, and
if those who are absent from some items are stricter than others, the mean is off by that. Where
this may matter, a mixed-effects model tells listeners and items apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from auricle.core.errors import DataError
from auricle.core.ratings import Rating, Role
from auricle.stats.intervals import Estimate, percentile_interval
from auricle.stats.panel import Matrix, group_listeners, tabulate_panel
from auricle.stats.resamples import draw_weights
from auricle.stats.vectors import Vector, finite_vector

# J. W. Tukey's whiskers, and the notches of R. McGill, J. W. Tukey and W. A. Larsen.
_WHISKER = 1.5
_NOTCH = 1.57


@dataclass(frozen=True, slots=True)
class Box:
    """The numbers of a box plot.

    `lower` and `upper` are the quartiles, the whiskers end at the last scores within 1.5
    interquartile ranges of them, `outliers` are the scores beyond, rising. The notch is about a
    95 % interval of the median.
    """

    median: float
    lower: float
    upper: float
    low_whisker: float
    high_whisker: float
    outliers: tuple[float, ...]
    notch_low: float
    notch_high: float


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a panel said of one system; of one stimulus where `item` is not "".

    `mean` (the MOS), `deviation` (standard deviation, n - 1; NaN for a single one) and `box` are
    over all `ratings`; replicates by one listener count as ratings of their own. The intervals are
    over `listeners`: `t` by Student's distribution, which may reach beyond the scale, `bootstrap`
    by percentiles, which never does, but is too narrow for ten listeners or fewer. Both are NaN
    to NaN for a single listener.
    """

    item: str
    system: str
    role: Role
    listeners: int
    ratings: int
    mean: float
    deviation: float
    t: Estimate
    bootstrap: Estimate
    box: Box


@dataclass(frozen=True, slots=True)
class DeviationFit:
    """How the deviations of scores follow from their means, over `stimuli`.

    `a` is the SOS parameter, `explained` the share of the squared deviations' variance about their
    mean that the fit explains (negative where it is worse than a constant).
    """

    a: Estimate
    stimuli: int
    explained: float


def box_numbers(scores: ArrayLike) -> Box:
    """Return the numbers of a box plot of scores `[rating]`.

    Quartiles interpolate linearly between order statistics: type 7 of R. J. Hyndman and Y. Fan,
    American Statistician 50 (1996), as NumPy, Excel and R's `quantile` do by default. (R's
    `boxplot` draws Tukey's hinges, which differ a little for some numbers of scores.) The notch is
    `median -+ 1.57 IQR / sqrt(n)`.

    Raises `DataError` for no scores or ones that are not finite. Source: ITU-R BS.1534-3 (10/2015),
    which wants medians and interquartile ranges; R. McGill, J. W. Tukey and W. A. Larsen,
    "Variations of Box Plots", American Statistician 32 (1978).

    >>> box = box_numbers([10, 50, 52, 54, 56, 58, 60])
    >>> box.median, box.lower, box.upper, box.low_whisker, box.high_whisker, box.outliers
    (54.0, 51.0, 57.0, 50.0, 60.0, (10.0,))
    """
    values = np.sort(finite_vector(scores, "scores"))
    lower, median, upper = (float(found) for found in np.quantile(values, [0.25, 0.5, 0.75]))
    reach = _WHISKER * (upper - lower)
    inside = values[(values >= lower - reach) & (values <= upper + reach)]
    outside = values[(values < lower - reach) | (values > upper + reach)]
    notch = _NOTCH * (upper - lower) / float(np.sqrt(values.size))
    return Box(
        median,
        lower,
        upper,
        float(inside[0]),
        float(inside[-1]),
        tuple(outside.tolist()),
        median - notch,
        median + notch,
    )


def system_opinions(
    ratings: Sequence[Rating], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[Opinion, ...]:
    """Return what the panel said of each system over all its items, by name.

    With everything rated by everybody the t interval is that of the listeners' means. Where ratings
    are missing it is that of a ratio, ratings summed over ratings given, linearised over listeners
    (W. G. Cochran, "Sampling Techniques", 1977, section 6.3).

    Raises what `group_listeners` and `percentile_interval` raise.

    >>> scores = {"L1": [40, 60], "L2": [50, 58], "L3": [45, 71]}
    >>> ratings = [Rating("t", "q", item, "opus", name, score) for name, found in scores.items()
    ...     for item, score in zip("ab", found, strict=True)]
    >>> opinion, = system_opinions(ratings)
    >>> print(opinion.listeners, opinion.ratings, opinion.t)
    3 6 54.000 [44.063, 63.937]
    """
    return _opinions(ratings, False, confidence, resamples, seed)


def stimulus_opinions(
    ratings: Sequence[Rating], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[Opinion, ...]:
    """Return what the panel said of each item and system, by names.

    Raises what `group_listeners` and `percentile_interval` raise.

    >>> ratings = [Rating("t", "q", "song", "opus", name, score)
    ...     for name, score in [("L1", 40.0), ("L2", 52.0), ("L3", 61.0)]]
    >>> opinion, = stimulus_opinions(ratings)
    >>> print(opinion.item, opinion.t)
    song 51.000 [24.828, 77.172]
    """
    return _opinions(ratings, True, confidence, resamples, seed)


def sos_parameter(
    ratings: Sequence[Rating], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> DeviationFit:
    """Return the SOS parameter, by which deviations follow from means, with its interval.

    The hypothesis is `S(x)^2 = a (x - L)(H - x)` for a stimulus of mean x and standard deviation
    S(x) (n - 1) on a scale from L to H, which is `a (-x^2 + (L + H) x - L H)`; a is fitted by least
    squares over stimuli (item and system) with two listeners or more. It says how much a panel
    disagrees whatever the qualities in the test: 0 for full agreement, 1 for scores at the ends
    only; near 0.25 scores are binomial on 1 to 5.

    Replicates are averaged first. The interval is by a bootstrap over listeners, all stimuli at
    once. A resampled panel repeats members, which shrinks its variances by (n - 1) / n; replicates
    are scaled back by that.

    Raises `DataError` when no stimulus with two listeners has a mean between the ends of the scale,
    or scores lie off the scale; else what `group_listeners` and `percentile_interval` raise.
    Source: T. Hossfeld, R. Schatz and S. Egger, "SOS: The MOS is not enough!", QoMEX 2011.

    >>> from auricle.core.spec import Scale
    >>> scores = {"L1": [1, 3, 4], "L2": [2, 3, 5], "L3": [1, 4, 5], "L4": [2, 2, 5]}
    >>> ratings = [Rating("t", "q", item, "x", name, score, Scale(1, 5))
    ...     for name, found in scores.items() for item, score in zip("abc", found, strict=True)]
    >>> round(sos_parameter(ratings, resamples=200).a.value, 4)
    0.1747
    """
    _, _, scores = tabulate_panel(ratings)
    scale = ratings[0].scale
    if np.nanmin(scores) < scale.low or np.nanmax(scores) > scale.high:
        raise DataError(f"scores lie off the scale {scale.low:g} to {scale.high:g}")
    counts = np.isfinite(scores).sum(axis=0)
    scores = scores[:, counts > 1]
    if not scores.size:
        raise DataError("no stimulus has two listeners, so there are no deviations to fit")
    once = np.ones((1, len(scores)))
    means, variances = _weighted_moments(scores, once)
    value = float(_fit_deviations(means, variances, scale.low, scale.high)[0])
    if not np.isfinite(value):
        raise DataError("all means are at an end of the scale, where no deviation is possible")
    drawn = draw_weights(len(scores), resamples=resamples, seed=seed)
    own = counts[counts > 1]
    means_drawn, variances_drawn = _weighted_moments(scores, drawn)
    fits = _fit_deviations(means_drawn, variances_drawn * own / (own - 1), scale.low, scale.high)
    fitted = value * (means - scale.low) * (scale.high - means)
    spread = float(np.square(variances - variances.mean()).sum())
    rest = float(np.square(variances - fitted).sum())
    return DeviationFit(
        percentile_interval(value, fits[np.isfinite(fits)], resamples, confidence=confidence),
        scores.shape[1],
        1.0 - rest / spread if spread > 0.0 else float("nan"),
    )


def _opinions(
    ratings: Sequence[Rating], by_item: bool, confidence: float, resamples: int, seed: int
) -> tuple[Opinion, ...]:
    cells: dict[tuple[str, str], list[Rating]] = {}
    for one in (one for given in group_listeners(ratings).values() for one in given):
        cells.setdefault((one.item if by_item else "", one.system), []).append(one)
    # Cells of as many listeners share their draws: most tests have cells of a few sizes only.
    sizes = {len({one.listener for one in given}) for given in cells.values()}
    draws = {size: draw_weights(size, resamples=resamples, seed=seed) for size in sizes if size > 1}
    opinions: list[Opinion] = []
    for (item, system), given in sorted(cells.items(), key=lambda cell: cell[0]):
        scores = np.array([one.score for one in given])
        listeners = sorted({one.listener for one in given})
        drawn = draws.get(len(listeners))
        t, bootstrap = _mean_intervals(given, listeners, drawn, confidence)
        deviation = float(scores.std(ddof=1)) if scores.size > 1 else float("nan")
        opinions.append(
            Opinion(
                item,
                system,
                given[0].role,
                len(listeners),
                scores.size,
                t.value,
                deviation,
                t,
                bootstrap,
                box_numbers(scores),
            )
        )
    return tuple(opinions)


def _mean_intervals(
    given: Sequence[Rating], listeners: Sequence[str], drawn: Matrix | None, confidence: float
) -> tuple[Estimate, Estimate]:
    """Return the mean of the ratings with its t and its bootstrap interval over listeners."""
    places = {listener: place for place, listener in enumerate(listeners)}
    rows = np.array([places[one.listener] for one in given])
    size = len(listeners)
    sums = np.bincount(rows, weights=[one.score for one in given], minlength=size)
    counts = np.bincount(rows, minlength=size).astype(np.float64)
    mean = float(sums.sum() / counts.sum())
    if drawn is None:  # a single listener
        nowhere = Estimate(mean, float("nan"), float("nan"), confidence)
        return nowhere, nowhere
    errors = sums - mean * counts
    variance = size / (size - 1) * float(np.square(errors).sum()) / counts.sum() ** 2
    half = float(stats.t.ppf(0.5 + confidence / 2.0, size - 1) * np.sqrt(variance))
    replicates = (drawn @ sums) / (drawn @ counts)
    return (
        Estimate(mean, mean - half, mean + half, confidence),
        percentile_interval(mean, replicates, len(drawn), confidence=confidence),
    )


def _weighted_moments(scores: Matrix, weights: Matrix) -> tuple[Matrix, Matrix]:
    """Return means and variances (n - 1) of scores `[listener, stimulus]`, `[resample, stimulus]`.

    NaN where fewer than two listeners are in a resample.
    """
    rated = np.isfinite(scores)
    # About the mean, so that squares do not cancel.
    centre = np.nanmean(scores, axis=0)
    filled = np.where(rated, scores - centre, 0.0)
    counts = weights @ rated.astype(np.float64)
    known = np.where(counts > 1.0, counts, np.nan)
    means = (weights @ filled) / known
    variances = (weights @ np.square(filled) - known * np.square(means)) / (known - 1.0)
    return centre + means, np.maximum(variances, 0.0)


def _fit_deviations(means: Matrix, variances: Matrix, low: float, high: float) -> Vector:
    """Return a of each resample, NaN where all its means are at an end of the scale."""
    shape = (means - low) * (high - means)
    known = np.isfinite(shape)
    shape, variances = np.where(known, shape, 0.0), np.where(known, variances, 0.0)
    squares = np.square(shape).sum(axis=1)
    fits: NDArray[np.float64] = (shape * variances).sum(axis=1) / np.where(
        squares > 0.0, squares, np.nan
    )
    return fits
