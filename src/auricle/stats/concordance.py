"""Whether scores fall as they should along ladders of harder and harder degradation.

Scores are `[clip, rung]`, rungs from mild to severe, higher scores better (negate distances). NaN
is a rung that a clip does not have: it makes no pair. Two rungs of a clip are *ordered* when the
severe one has the lower score, *tied* when both scores are exactly equal, *inverted* else.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.core.errors import DataError
from auricle.stats.intervals import Estimate, percentile_interval
from auricle.stats.resamples import draw_weights
from auricle.stats.vectors import Vector, matched_vectors

Matrix = NDArray[np.float64]
Counts = NDArray[np.int64]


def count_orders(scores: ArrayLike, *, adjacent: bool = False) -> Counts:
    """Count the pairs of rungs of each clip: `[clip, (ordered, tied, inverted)]`.

    With `adjacent` a rung makes a pair with the next one that is there only. Raises `DataError` for
    infinite scores or fewer than two rungs.

    >>> count_orders([[5.0, 4.0, 4.5], [5.0, 5.0, 4.0]]).tolist()
    [[2, 0, 1], [2, 1, 0]]
    """
    rows = (_falls(row, adjacent) for row in _as_ladders(scores))
    counts = [(np.sum(row > 0.0), np.sum(row == 0.0), np.sum(row < 0.0)) for row in rows]
    return np.array(counts, dtype=np.int64).reshape(-1, 3)


def count_beyond(scores: ArrayLike, margins: ArrayLike) -> Counts:
    """Count the inverted pairs of each clip, `[clip]`, that are more than the metric's own error.

    `margins` `[clip, rung]` are how far each score may be off, half the width of its interval; a
    pair counts when the severe rung is better by more than the margin of either. Where a margin is
    NaN it doesn't. Raises `DataError` as `count_orders`, and when shapes differ.

    >>> count_beyond([[5.0, 4.0, 4.5, 4.9]], [[0.1, 0.3, 0.6, 0.2]]).tolist()
    [1]
    """
    values, widths = _as_ladders(scores), np.asarray(margins, dtype=np.float64)
    if widths.shape != values.shape:
        raise DataError(f"margins must be of shape {values.shape}, not {widths.shape}")
    counts = np.zeros(len(values), dtype=np.int64)
    for mild, severe in combinations(range(values.shape[1]), 2):
        gained = values[:, severe] - values[:, mild]
        # False where anything is NaN.
        counts += (gained > 0.0) & (gained > np.maximum(widths[:, mild], widths[:, severe]))
    return counts


def tau_b(counts: ArrayLike) -> Vector:
    """Return Kendall's tau-b of severity and badness, `[clip]`, from what `count_orders` counted.

    It is 1 where all is in order. NaN marks clips of which it is undefined: those without a pair,
    or with nothing but ties. Source: M. G. Kendall, "The treatment of ties in ranking problems",
    Biometrika 33 (1945); no two rungs are equally severe.

    >>> tau_b([[2, 0, 1], [3, 0, 0], [0, 3, 0]]).round(3).tolist()
    [0.333, 1.0, nan]
    """
    ordered, tied, inverted = np.asarray(counts, dtype=np.float64).T
    untied = ordered + inverted
    product = np.sqrt((untied + tied) * untied)
    taus = np.full(product.shape, np.nan)
    np.divide(ordered - inverted, product, out=taus, where=product > 0.0)
    return taus


def ratio_interval(
    numerators: ArrayLike,
    denominators: ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate | None:
    """Return a ratio of sums over clips, `[clip]` each, with its interval; None for a single clip.

    It is a share of pairs, or, with denominators of 1, a mean. Whole clips are drawn with
    replacement: the percentile interval is that of `auricle.stats.intervals.bootstrap_interval`,
    draw for draw, in a hundredth of the time. Raises `DataError` for no clips, values that are not
    finite, or denominators that are not above 0 (such clips say nothing: leave them out);
    `ConfigError` for a confidence outside 0..1 or too few resamples.

    >>> print(ratio_interval([2, 3, 3], [3, 3, 3]))
    0.889 [0.667, 1.000]
    """
    above, below = matched_vectors(numerators, denominators)
    if below.min() <= 0.0:
        raise DataError("denominators must be above 0: leave out clips that have no pairs")
    if above.size == 1:
        return None
    weights = draw_weights(above.size, resamples=resamples, seed=seed)
    replicates = (weights @ above) / (weights @ below)
    value = float(above.sum() / below.sum())
    return percentile_interval(value, replicates, resamples, confidence=confidence)


def _falls(row: Vector, adjacent: bool) -> Vector:
    """Return by how much the score falls from the milder to the severer rung of every pair."""
    there = row[~np.isnan(row)]
    pairs = pairwise(there) if adjacent else combinations(there, 2)
    # Compared, not subtracted: tiny differences would vanish, huge ones overflow.
    return np.array([float(mild > severe) - float(mild < severe) for mild, severe in pairs])


def _as_ladders(scores: ArrayLike) -> Matrix:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        raise DataError(
            f"scores must be [clip, rung] with two rungs or more, not of shape {values.shape}"
        )
    if np.isinf(values).any():
        raise DataError("scores must be finite, or NaN where there is none")
    return values
