"""What raters who all rated the same clips give more than the others, everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auricle.core.errors import DataError
from auricle.stats.intervals import Estimate, bootstrap_interval
from auricle.stats.reliability import Matrix, Ragged, pad_scores
from auricle.stats.vectors import Vector

_FEWEST = 3


@dataclass(frozen=True, slots=True)
class RaterBias:
    """What raters give more than the mean of all on the same clips.

    `offsets` is per rater, in the unit of the scores. `share` is the part of the variance within
    clips that such constant offsets make up.
    """

    offsets: tuple[float, ...]
    share: Estimate


def rater_bias(
    scores: Ragged, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> RaterBias:
    """Return the constant offsets of raters who all rated the same clips, `[clip, rater]`.

    `share` is `max(0, R) / (max(0, R) + E)` with the variance components of raters, R, and of the
    rest, E, in the two-way random model; bootstrapped over clips. Where columns are not known to be
    the same persons, this tells whether they are any order at all: scores listed in random order
    share nothing.

    Raises `DataError` for fewer than three clips or two raters, scores that are not finite, or
    clips on which all raters agree; `ConfigError` for bad options. Source: P. E. Shrout and J. L.
    Fleiss, Psychological Bulletin 86 (1979), case 2.

    >>> found = rater_bias([[1, 3, 2], [4, 7, 5], [2, 4, 4], [6, 8, 7]], resamples=100)
    >>> [round(offset, 2) for offset in found.offsets]
    [-1.17, 1.08, 0.08]
    """
    table, counts = pad_scores(scores)
    if counts.size < _FEWEST or np.ptp(counts):
        raise DataError(
            f"rater bias needs {_FEWEST} clips or more, each rated by the same raters: "
            f"there are {counts.size} with {counts.min()} to {counts.max()}"
        )
    # Exactly 0 where all agree: a mean of equal numbers may be off in the last digit.
    differ = np.ptp(table, axis=1, keepdims=True) > 0.0
    residuals = np.where(differ, table - table.mean(axis=1, keepdims=True), 0.0)

    def share(clips: Vector) -> float:
        return _share_of_columns(residuals[clips.astype(np.intp)])

    found = bootstrap_interval(
        share, np.arange(counts.size), confidence=confidence, resamples=resamples, seed=seed
    )
    return RaterBias(tuple(residuals.mean(axis=0).tolist()), found)


def _share_of_columns(residuals: Matrix) -> float:
    clips, raters = residuals.shape
    columns = residuals.mean(axis=0)
    mean_square = clips * np.square(columns).sum() / (raters - 1)
    error = np.square(residuals - columns).sum() / ((clips - 1) * (raters - 1))
    if mean_square + error <= 0.0:
        raise DataError("rater bias is undefined: all raters agree on every clip")
    component = max(0.0, (mean_square - error) / clips)
    return float(component / (component + error))
