"""How closely two lists of numbers agree: correlations and errors.

None of these functions returns NaN: where a measure is undefined they raise `DataError`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from auricle.core.errors import DataError
from auricle.stats.vectors import Vector, matched_vectors

# Two items always correlate perfectly, so they say nothing.
_FEWEST = 3
# Deviations this small against the mean are rounding noise (scipy.stats.pearsonr warns there).
_ROUNDING = 1e-13


def pearson(x: ArrayLike, y: ArrayLike) -> float:
    """Return Pearson's linear correlation (PCC) of two `[item]` arrays, in -1..1.

    Raises `DataError` for fewer than 3 items, unequal lengths, values that are not finite, or
    constant input. Source: K. Pearson, 1895; ITU-T P.1401.

    >>> round(pearson([1, 2, 3, 4], [1, 3, 2, 4]), 3)
    0.8
    """
    first, second = matched_vectors(x, y, least=_FEWEST)
    return _correlate(first, second)


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Return Spearman's rank correlation (SRCC) of two `[item]` arrays, in -1..1.

    Ties share their mean rank. Raises `DataError` as `pearson` does. Source: C. Spearman, 1904;
    Pearson's correlation of the ranks.

    >>> round(spearman([1, 2, 3, 4], [1, 9, 4, 16]), 3)
    0.8
    """
    first, second = matched_vectors(x, y, least=_FEWEST)
    # Before ranking, so that the message names the value and not its rank.
    _refuse_constant(first)
    _refuse_constant(second)
    return _correlate(stats.rankdata(first), stats.rankdata(second))


def kendall(x: ArrayLike, y: ArrayLike) -> float:
    """Return Kendall's rank correlation with ties, tau-b (KTAU), of two `[item]` arrays, in -1..1.

    Raises `DataError` as `pearson` does. Source: M. G. Kendall, "The treatment of ties in ranking
    problems", Biometrika 33 (1945): (concordant - discordant) pairs over the geometric mean of the
    pairs not tied in `x` and those not tied in `y`.

    >>> round(kendall([1, 2, 3, 4], [1, 3, 2, 4]), 3)
    0.667
    """
    first, second = matched_vectors(x, y, least=_FEWEST)
    _refuse_constant(first)
    _refuse_constant(second)
    # The p-value goes unused; its asymptotic form is the one that costs nothing.
    return float(stats.kendalltau(first, second, variant="b", method="asymptotic").statistic)


def rmse(predicted: ArrayLike, target: ArrayLike, *, lost: int = 0) -> float:
    """Return the root mean square error of two `[item]` arrays, in their unit.

    The sum of squares is divided by the number of items less `lost`: ITU-T P.1401 takes off the
    degrees of freedom that a mapping fitted on the same items has used, four for a cubic. Raises
    `DataError` for empty arrays, unequal lengths, values that are not finite, or no more items than
    are lost.

    >>> rmse([1, 2, 3, 4], [1, 2, 3, 6])
    1.0
    """
    first, second = matched_vectors(predicted, target, least=lost + 1)
    return float(np.sqrt(np.square(first - second).sum() / (first.size - lost)))


def mse(predicted: ArrayLike, target: ArrayLike) -> float:
    """Return the mean squared error of two `[item]` arrays, in their squared unit.

    Raises `DataError` for empty arrays, unequal lengths or values that are not finite.

    >>> mse([1, 2, 3, 4], [1, 2, 3, 6])
    1.0
    """
    first, second = matched_vectors(predicted, target)
    return float(np.mean(np.square(first - second)))


def bias(predicted: ArrayLike, target: ArrayLike) -> float:
    """Return by how much predictions `[item]` exceed their targets on average, in their unit.

    Raises `DataError` as `mse` does.

    >>> bias([1, 2, 3, 4], [1, 2, 3, 6])
    -0.5
    """
    first, second = matched_vectors(predicted, target)
    return float(np.mean(first - second))


def epsilon_rmse(
    predicted: ArrayLike, target: ArrayLike, interval: ArrayLike, *, lost: int = 0
) -> float:
    """Return the RMSE of what of each error lies beyond the interval of its target (RMSE*).

    All arrays are `[item]` in one unit; `interval` is half the width of the 95% interval of each
    mean rating, so that errors which the listeners' noise explains do not count. `lost` is that of
    `rmse`. Raises `DataError` as `rmse` does, and for intervals below 0.

    Source: ITU-T P.1401, by equations 7-27 and 7-29 as the program of NISQA cites them.

    >>> epsilon_rmse([1, 2, 3, 4], [1.2, 2, 3, 6], [0.5, 0.5, 0.5, 1.0])
    0.5
    """
    beyond = excess(predicted, target, interval)
    return rmse(beyond, np.zeros_like(beyond), lost=lost)


def outlier_ratio(predicted: ArrayLike, target: ArrayLike, interval: ArrayLike) -> float:
    """Return the share of items whose error exceeds the interval of the target, in 0..1.

    All arrays are `[item]` in one unit. With `interval` half the width of the 95% interval of each
    mean rating this is the outlier ratio of ITU-T P.1401; with twice its standard error it is that
    of the Video Quality Experts Group (FR-TV phase I, 2000). Raises `DataError` as `epsilon_rmse`
    does.

    >>> outlier_ratio([1, 2, 3, 4], [1.2, 2, 3, 6], [0.5, 0.5, 0.5, 1.0])
    0.25
    """
    return float(np.mean(excess(predicted, target, interval) > 0.0))


def excess(predicted: ArrayLike, target: ArrayLike, interval: ArrayLike) -> Vector:
    """Return what of each absolute error `[item]` exceeds the interval of its target.

    Raises `DataError` as `epsilon_rmse` does.

    >>> excess([1.0, 4.0], [1.5, 6.0], [1.0, 0.5]).tolist()
    [0.0, 1.5]
    """
    first, second, width = matched_vectors(predicted, target, interval)
    if (width < 0.0).any():
        place = int(np.flatnonzero(width < 0.0)[0])
        raise DataError(f"half the width of interval {place} is {width[place]:g}: below 0")
    return np.maximum(np.abs(first - second) - width, 0.0)


def mae(predicted: ArrayLike, target: ArrayLike) -> float:
    """Return the mean absolute error of two `[item]` arrays, in their unit.

    Raises `DataError` as `rmse` does.

    >>> mae([1, 2, 3, 4], [1, 2, 3, 6])
    0.5
    """
    first, second = matched_vectors(predicted, target)
    return float(np.mean(np.abs(first - second)))


def _correlate(first: Vector, second: Vector) -> float:
    # scipy.stats.pearsonr gives the same number, but spends ten times as long on its p-value,
    # which a bootstrap pays thousands of times.
    x, y = _deviations(first), _deviations(second)
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def _deviations(values: Vector) -> Vector:
    _refuse_constant(values)
    mean = values.mean()
    deviations: Vector = values - mean
    largest = np.abs(deviations).max()
    if largest <= _ROUNDING * abs(mean):
        raise DataError("a correlation is undefined: the values are constant to within rounding")
    # Scaled to +-1, so that squares of tiny deviations do not vanish.
    scaled: Vector = deviations / largest
    return scaled


def _refuse_constant(values: Vector) -> None:
    if values.min() == values.max():
        raise DataError(f"a correlation is undefined: all {values.size} values are {values[0]:g}")
