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


def rmse(predicted: ArrayLike, target: ArrayLike) -> float:
    """Return the root mean square error of two `[item]` arrays, in their unit.

    The sum of squares is divided by the number of items, without the degrees of freedom that
    ITU-T P.1401 takes off for a fitted mapping. Raises `DataError` for empty arrays, unequal
    lengths or values that are not finite.

    >>> rmse([1, 2, 3, 4], [1, 2, 3, 6])
    1.0
    """
    first, second = matched_vectors(predicted, target)
    return float(np.sqrt(np.mean(np.square(first - second))))


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
