"""Measures of agreement on thousands of resamples at once.

A resample is a row of weights, how often each item was drawn. So ranks, sums and pairs of all rows
come from a few products of matrices: one by one takes a hundred times as long.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import DataError
from auricle.stats.intervals import Estimate, percentile_interval
from auricle.stats.vectors import Labels, Vector, number_groups

Matrix = NDArray[np.float64]
Correlation = Literal["pcc", "srcc", "ktau"]

# Two items always correlate perfectly.
_FEWEST = 3
# Deviations this small against the values are rounding noise (see auricle.stats.correlation).
_ROUNDING = 1e-13
# Columns of the matrix of pairs held at a time.
_BLOCK = 1024


def draw_weights(
    items: int, *, groups: Labels | None = None, resamples: int = 2000, seed: int = 0
) -> Matrix:
    """Draw items with replacement, and return how often: `[resample, item]`.

    With `groups`, a label per item, whole groups are drawn. Equal seeds draw what
    `auricle.stats.intervals.bootstrap_interval` draws. Raises `DataError` for labels that do not
    match, and fewer than two items or groups.

    >>> draw_weights(3, resamples=2).sum(axis=1).tolist()
    [3.0, 3.0]
    """
    names, places = number_groups(range(items) if groups is None else groups, items)
    if len(names) < 2:
        raise DataError(f"a bootstrap needs two items or groups, not {len(names)}")
    drawn = np.random.default_rng(seed).integers(0, len(names), (resamples, len(names)))
    cells = drawn + len(names) * np.arange(resamples)[:, None]
    counts = np.bincount(cells.ravel(), minlength=resamples * len(names))
    weights: Matrix = counts.reshape(resamples, len(names))[:, places].astype(np.float64)
    return weights


def correlate(x: Vector, y: Vector, weights: Matrix, kind: Correlation) -> Vector:
    """Return the correlation of `[item]` values on each resample, `[resample]`.

    `weights` is `[resample, item]`. NaN where fewer than three items were drawn (counting repeats)
    or all values drawn are equal. "ktau" takes memory for 1024 columns of the square of items.

    >>> x, y = np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4])
    >>> correlate(x, y, np.ones((1, 4)), "ktau").round(3).tolist()
    [0.667]
    """
    first, second = _Values(x, weights), _Values(y, weights)
    varied = first.varied & second.varied & (weights.sum(axis=1) >= _FEWEST)
    if kind == "ktau":
        shared, sizes = _pairs(x, y, weights), (np.sqrt(first.untied), np.sqrt(second.untied))
    elif kind == "srcc":
        shared, sizes = _products(first.ranks(), second.ranks(), weights)
    else:
        shared, sizes = _products(_scale(x), _scale(y), weights)
        varied &= (sizes[0] > _ROUNDING) & (sizes[1] > _ROUNDING)
    found = np.full(len(weights), math.nan)
    np.divide(shared, sizes[0] * sizes[1], out=found, where=varied)
    clipped: Vector = np.clip(found, -1.0, 1.0)
    return clipped


def average(values: Vector, weights: Matrix) -> Vector:
    """Return the mean of `[item]` values on each resample; NaN where nothing was drawn.

    >>> average(np.array([1.0, 3.0]), np.array([[1.0, 1.0], [2.0, 0.0]])).tolist()
    [2.0, 1.0]
    """
    drawn = weights.sum(axis=1)
    found = np.full(len(weights), math.nan)
    np.divide(weights @ values, drawn, out=found, where=drawn > 0.0)
    return found


def to_estimate(value: float, replicates: Vector, *, confidence: float = 0.95) -> Estimate | None:
    """Return a value with the percentile interval of its `[resample]` replicates.

    NaN are resamples on which it is undefined. None where the value is, or more than a tenth of
    the replicates (where `auricle.stats.intervals.percentile_interval` raises).

    >>> print(to_estimate(50.0, np.arange(101.0), confidence=0.9))
    50.000 [5.000, 95.000]
    """
    if not math.isfinite(value):
        return None
    known = replicates[np.isfinite(replicates)]
    try:
        return percentile_interval(value, known, replicates.size, confidence=confidence)
    except DataError:
        return None


def replicate(statistic: Callable[[Matrix], Vector], weights: Matrix) -> tuple[float, Vector]:
    """Return a statistic of weights on all items, each once, and on every resample.

    >>> whole, each = replicate(lambda w: average(np.array([1.0, 3.0]), w), np.array([[2.0, 0.0]]))
    >>> whole, each.tolist()
    (2.0, [1.0])
    """
    found = statistic(np.vstack([np.ones((1, weights.shape[1])), weights]))
    return float(found[0]), found[1:]


class _Values:
    """The distinct values of `[item]`, and how often each of them was drawn."""

    def __init__(self, values: Vector, weights: Matrix) -> None:
        distinct, self._places = np.unique(values, return_inverse=True)
        order = np.argsort(self._places, kind="stable")
        starts = np.searchsorted(self._places[order], np.arange(distinct.size))
        self._drawn: Matrix = np.add.reduceat(weights[:, order], starts, axis=1)
        self._total = weights.sum(axis=1)

    @property
    def varied(self) -> NDArray[np.bool_]:
        """Whether different values were drawn."""
        most: NDArray[np.bool_] = self._drawn.max(axis=1) < self._total
        return most

    @property
    def untied(self) -> Vector:
        """How many pairs, counted twice, differ."""
        return np.asarray(np.square(self._total) - np.square(self._drawn).sum(axis=1))

    def ranks(self) -> Matrix:
        """Return mean ranks `[resample, item]`, less one half."""
        ranks: Matrix = (self._drawn.cumsum(axis=1) - 0.5 * self._drawn)[:, self._places]
        return ranks


def _products(x: Matrix, y: Matrix, weights: Matrix) -> tuple[Vector, tuple[Vector, Vector]]:
    """Return the sum of products of deviations, and the roots of those of the squares of each."""
    total = weights.sum(axis=1, keepdims=True)
    # Nothing drawn has no mean: any will do, the sums are 0.
    total = np.where(total > 0.0, total, 1.0)
    first, second = (v - (weights * v).sum(axis=1, keepdims=True) / total for v in (x, y))
    weighted = weights * first
    shared = np.einsum("rc,rc->r", weighted, second)
    squares = np.einsum("rc,rc->r", weighted, first)
    others = np.einsum("rc,rc,rc->r", weights, second, second)
    return shared, (np.sqrt(squares), np.sqrt(others))


def _pairs(x: Vector, y: Vector, weights: Matrix) -> Vector:
    """Return concordant less discordant pairs, each counted twice."""
    # Single precision is exact: these are sums of whole numbers below the number of items.
    narrow = weights.astype(np.float32)
    found = np.zeros(len(weights))
    for start in range(0, x.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        signs = np.sign(x[:, None] - x[block]) * np.sign(y[:, None] - y[block])
        found += np.einsum("rc,rc->r", narrow @ signs.astype(np.float32), weights[:, block])
    return found


def _scale(values: Vector) -> Matrix:
    """Return values `[1, item]` of which the largest is +-1, so that squares do not vanish."""
    return np.asarray((values / (np.abs(values).max() or 1.0))[None])
