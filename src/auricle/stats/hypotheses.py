"""Whether a difference of means may be chance: t-tests, two-sided."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from auricle.core.errors import DataError
from auricle.stats.vectors import Vector, finite_vector

# Deviations this small against the mean are rounding noise (see auricle.stats.correlation).
_ROUNDING = 1e-13


@dataclass(frozen=True, slots=True)
class TTest:
    """A t statistic, its degrees of freedom, and the two-sided p-value.

    `p` is the chance of a statistic at least as far from 0 if the means were equal.

    >>> print(TTest(-1.8608, 17.776, 0.07939))
    t(17.8) = -1.86, p = 0.079
    """

    statistic: float
    degrees_of_freedom: float
    p: float

    def __str__(self) -> str:
        return f"t({self.degrees_of_freedom:.3g}) = {self.statistic:.2f}, p = {self.p:.2g}"


def welch_t_test(a: ArrayLike, b: ArrayLike) -> TTest:
    """Test whether two independent samples, `[item]` each, have the same mean.

    Variances may differ and so may sizes. The statistic is positive when `a` has the larger mean.
    Raises `DataError` for fewer than two values in a sample, values that are not finite, or when
    neither sample varies. Source: B. L. Welch, Biometrika 34 (1947); `scipy.stats.ttest_ind`.

    >>> print(welch_t_test([3.0, 4.0, 5.0], [1.0, 2.0, 3.0]))
    t(4) = 2.45, p = 0.07
    """
    first, second = _sample(a, "the first sample"), _sample(b, "the second sample")
    if _is_constant(first) and _is_constant(second):
        raise DataError("a t-test is undefined: neither of the samples varies")
    with warnings.catch_warnings():
        # One sample without variation is fine: the other's variance is what counts then.
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)
        found = stats.ttest_ind(first, second, equal_var=False)
    return TTest(float(found.statistic), float(found.df), float(found.pvalue))


def one_sample_t_test(a: ArrayLike, value: float) -> TTest:
    """Test whether a sample `[item]` comes from a population with the mean `value`.

    The statistic is positive when the sample's mean is above `value`. Raises `DataError` for fewer
    than two values, values that are not finite, or when they do not vary. Source: Student,
    Biometrika 6 (1908); `scipy.stats.ttest_1samp`.

    >>> print(one_sample_t_test([3.0, 4.0, 5.0], 2.0))
    t(2) = 3.46, p = 0.074
    """
    sample = _sample(a, "the sample")
    if not np.isfinite(value):
        raise DataError(f"a mean to test against must be finite, not {value}")
    if _is_constant(sample):
        raise DataError(f"a t-test is undefined: all {sample.size} values are {sample[0]:g}")
    found = stats.ttest_1samp(sample, value)
    return TTest(float(found.statistic), float(found.df), float(found.pvalue))


def _sample(values: ArrayLike, name: str) -> Vector:
    vector = finite_vector(values, name)
    if vector.size < 2:
        raise DataError(f"a t-test needs two values or more, and {name} has {vector.size}")
    return vector


def _is_constant(values: Vector) -> bool:
    spread = float(np.ptp(values))
    return spread <= _ROUNDING * float(np.abs(values).max())
