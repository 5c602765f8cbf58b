"""Whether one metric's errors are larger than another's: the tests of ITU-T P.1401."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

from auricle.core.errors import DataError
from auricle.stats.dependent_correlations import ZTest


@dataclass(frozen=True, slots=True)
class FTest:
    """A ratio of variances, its degrees of freedom, and the two-sided p-value.

    >>> print(FTest(2.0, 20, 24, 0.108))
    F(20, 24) = 2.00, p = 0.11
    """

    statistic: float
    numerator: int
    denominator: int
    p: float

    def __str__(self) -> str:
        degrees = f"{self.numerator:g}, {self.denominator:g}"
        return f"F({degrees}) = {self.statistic:.2f}, p = {self.p:.2g}"


def rmse_f_test(first: float, second: float, degrees: int) -> FTest:
    """Test whether two RMSE (or epsilon-insensitive RMSE) on equally many items are equal.

    `degrees` are the degrees of freedom of each: the items less those that a mapping took. The
    statistic is the squared ratio of `first` to `second`. ITU-T P.1401 asks whether the larger is
    larger, at one side's 5%: that is p below .10 here. Errors are taken for normal and those of
    both metrics for independent, which on the same items they are not: expect it to miss
    differences.

    Raises `DataError` for an RMSE below 0 or not finite, two that are 0, or no degrees of freedom.
    Source: ITU-T P.1401, significance of a difference of RMSE.

    >>> print(rmse_f_test(0.6, 0.4, 46))
    F(46, 46) = 2.25, p = 0.007
    """
    if degrees < 1:
        raise DataError(f"an F-test needs degrees of freedom: {degrees} are left")
    if not (0.0 <= first < math.inf and 0.0 <= second < math.inf) or first == second == 0.0:
        raise DataError(f"an F-test of RMSE needs errors, not {first} and {second}")
    ratio = (first / second) ** 2 if second > 0.0 else math.inf
    tails = stats.f.cdf(ratio, degrees, degrees), stats.f.sf(ratio, degrees, degrees)
    return FTest(ratio, degrees, degrees, min(1.0, 2.0 * float(min(tails))))


def outlier_z_test(first: float, first_items: int, second: float, second_items: int) -> ZTest:
    """Test whether two outlier ratios are equal, by the normal approximation with one variance.

    The statistic is positive when `first` is higher; both 0 or both 1 are equal. Items and metrics
    are taken for independent. Raises `DataError` for ratios outside 0..1 or no items. Source: ITU-T
    P.1401, significance of a difference of outlier ratios.

    >>> print(outlier_z_test(0.30, 100, 0.18, 100))
    z = 1.99, p = 0.047
    """
    for ratio, items in ((first, first_items), (second, second_items)):
        if not 0.0 <= ratio <= 1.0 or items < 1:
            raise DataError(f"an outlier ratio of {ratio} on {items} items cannot be tested")
    total = first_items + second_items
    share = (first * first_items + second * second_items) / total
    error = math.sqrt(share * (1.0 - share) * (1.0 / first_items + 1.0 / second_items))
    statistic = (first - second) / error if error > 0.0 else 0.0
    return ZTest(statistic, 2.0 * float(stats.norm.sf(abs(statistic))))
