"""Whether one correlation is higher than another: of the same items, or of different ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

from auricle.core.errors import DataError
from auricle.stats.hypotheses import TTest


@dataclass(frozen=True, slots=True)
class ZTest:
    """A z statistic and its two-sided p-value.

    >>> print(ZTest(1.96, 0.049996))
    z = 1.96, p = 0.05
    """

    statistic: float
    p: float

    def __str__(self) -> str:
        return f"z = {self.statistic:.2f}, p = {self.p:.2g}"


def williams_t_test(first: float, second: float, between: float, items: int) -> TTest:
    """Test whether two metrics correlate equally with the same ratings.

    `first` and `second` are their Pearson correlations with the ratings, `between` that of the
    metrics with each other, all on the same `items`, which are taken for independent. The statistic
    has `items - 3` degrees of freedom, and is positive when `first` is higher. Given rank
    correlations it is an approximation.

    Raises `DataError` for correlations outside -1..1 or that cannot occur together, or fewer than
    four items.

    Source: E. J. Williams, "The comparison of regression variables", Journal of the Royal
    Statistical Society B 21 (1959); J. H. Steiger, Psychological Bulletin 87 (1980), equation 7.

    >>> print(williams_t_test(0.4, 0.5, 0.1, 103))
    t(100) = -0.89, p = 0.37
    """
    determinant = _check(first, second, between, items)
    if first == second:
        return TTest(0.0, items - 3.0, 1.0)
    mean = (first + second) / 2.0
    size = 2.0 * (items - 1) / (items - 3) * determinant + mean**2 * (1.0 - between) ** 3
    if size <= 0.0:
        raise DataError("Williams' test is undefined: the metrics are one but for rounding")
    statistic = (first - second) * math.sqrt((items - 1) * (1.0 + between) / size)
    return TTest(statistic, items - 3.0, 2.0 * float(stats.t.sf(abs(statistic), items - 3)))


def steiger_z_test(first: float, second: float, between: float, items: int) -> ZTest:
    """Test what `williams_t_test` tests by Fisher's z, for many items.

    The covariance of both takes the mean of the two correlations for either. Raises `DataError` as
    `williams_t_test` does, and for a perfect correlation.

    Source: J. H. Steiger, "Tests for comparing elements of a correlation matrix", Psychological
    Bulletin 87 (1980), equations 3, 10 and 14.

    >>> print(steiger_z_test(0.4, 0.5, 0.1, 103))
    z = -0.89, p = 0.37
    """
    _check(first, second, between, items)
    a, b = _fisher(first), _fisher(second)
    square = ((first + second) / 2.0) ** 2
    covariance = between * (1.0 - 2.0 * square) - square * (1.0 - 2.0 * square - between**2) / 2.0
    rest = 2.0 - 2.0 * covariance / (1.0 - square) ** 2
    if rest <= 0.0:
        raise DataError("Steiger's test is undefined: the metrics are one but for rounding")
    return _z_test((a - b) * math.sqrt((items - 3) / rest))


def fisher_z_test(first: float, first_items: int, second: float, second_items: int) -> ZTest:
    """Test whether correlations on different, independent items are equal.

    Raises `DataError` for correlations that are not inside -1..1, or fewer than four items. Source:
    R. A. Fisher, Metron 1 (1921); ITU-T P.1401, which applies it to metrics on the same items, too:
    that overlooks what they share, and finds fewer differences.

    >>> print(fisher_z_test(0.8, 50, 0.6, 50))
    z = 1.97, p = 0.049
    """
    fewest = min(first_items, second_items)
    if fewest < 4:
        raise DataError(f"a test of correlations needs four items or more, not {fewest}")
    error = math.sqrt(1.0 / (first_items - 3) + 1.0 / (second_items - 3))
    return _z_test((_fisher(first) - _fisher(second)) / error)


def _check(first: float, second: float, between: float, items: int) -> float:
    """Return the determinant of the three correlations' matrix, if there can be such a matrix."""
    for one in (first, second, between):
        if not -1.0 <= one <= 1.0:
            raise DataError(f"a correlation lies in -1..1, not at {one}")
    if items < 4:
        raise DataError(f"a test of correlations needs four items or more, not {items}")
    determinant = 1.0 - first**2 - second**2 - between**2 + 2.0 * first * second * between
    if determinant < -1e-9:
        raise DataError(
            f"correlations of {first:g}, {second:g} and {between:g} cannot occur together"
        )
    return max(determinant, 0.0)


def _fisher(correlation: float) -> float:
    if not -1.0 < correlation < 1.0:
        raise DataError(f"Fisher's z needs a correlation inside -1..1, not {correlation}")
    return math.atanh(correlation)


def _z_test(statistic: float) -> ZTest:
    return ZTest(statistic, 2.0 * float(stats.norm.sf(abs(statistic))))
