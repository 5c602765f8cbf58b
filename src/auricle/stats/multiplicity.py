"""P-values of several tests at once, corrected for their number."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from auricle.core.errors import ConfigError, DataError
from auricle.stats.vectors import Vector, finite_vector

Correction = Literal["holm", "bonferroni", "benjamini-hochberg"]


def adjust(p_values: ArrayLike, method: Correction = "holm") -> Vector:
    """Return p-values `[test]` corrected for their number: compare them with the level as it is.

    "holm" and "bonferroni" bound the chance of any false alarm among all tests under any
    dependence; Holm's finds more and is never worse. "benjamini-hochberg" bounds the expected share
    of false alarms among the differences found, for independent or positively dependent tests.

    Raises `DataError` for no values or values outside 0..1, `ConfigError` for an unknown method.

    Source: S. Holm, Scandinavian Journal of Statistics 6 (1979); Y. Benjamini and Y. Hochberg,
    Journal of the Royal Statistical Society B 57 (1995).

    >>> adjust([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = finite_vector(p_values, "p-values")
    if not values.size or (values < 0.0).any() or (values > 1.0).any():
        raise DataError(f"p-values lie in 0..1, and there is one at least: not {values.tolist()}")
    if method == "bonferroni":
        return np.minimum(values * values.size, 1.0)
    if method == "holm":
        return _step_down(values)
    if method == "benjamini-hochberg":
        # The command line imports this module for `Correction`, and is to start quickly.
        from scipy import stats

        return np.asarray(stats.false_discovery_control(values, method="bh"), dtype=np.float64)
    raise ConfigError(f"no correction {method!r}: there are {', '.join(get_args(Correction))}")


def _step_down(values: Vector) -> Vector:
    order = np.argsort(values)
    # The smallest of n is multiplied by n, the next by n - 1; none falls below one before it.
    stepped = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
