"""Intervals that hold what they promise: split-conformal calibration."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field

from auricle.core.errors import DataError


class Calibration(BaseModel):
    """How a model's own uncertainty becomes an interval.

    `mean +- scale * sigma` covers `coverage` of unseen clips like the `clips` it was fitted on.
    `temperature * sigma` is the standard deviation of the error.

    >>> Calibration(coverage=0.9, scale=1.5, temperature=0.9, clips=500).interval(0.5, 0.1)
    (0.35, 0.65)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    coverage: float = Field(gt=0.0, lt=1.0)
    scale: float = Field(gt=0.0, allow_inf_nan=False)
    temperature: float = Field(gt=0.0, allow_inf_nan=False)
    clips: int = Field(gt=0)

    def interval(self, mean: float, sigma: float) -> tuple[float, float]:
        """Return `(low, high)` within 0..1 around a quality with its standard deviation."""
        reach = self.scale * sigma
        return max(0.0, mean - reach), min(1.0, mean + reach)


def calibrate(
    mean: ArrayLike, log_variance: ArrayLike, label: ArrayLike, coverage: float = 0.9
) -> Calibration:
    """Fit a calibration on clips the model was not trained on; all arguments are `[clip]`.

    `scale` is the `ceil((n + 1) * coverage)`-th smallest of `|label - mean| / sigma`
    (Lei et al., 2018, Sec. 5.2): the chance that a new clip of the same kind lies inside the
    interval is at least `coverage`, whatever the model. `temperature` is the root mean square of
    the same ratios (the maximum-likelihood factor on sigma; Laves et al., 2020).

    Raises `DataError` when there are too few clips for such a coverage, or a value is not finite.

    >>> calibrate(np.zeros(9), np.zeros(9), np.arange(1, 10) / 10).scale
    0.9
    """
    ratios = _ratios(mean, log_variance, label)
    rank = _rank(ratios.size, coverage)
    if rank > ratios.size:
        fewest = next(n for n in itertools.count(ratios.size) if _rank(n, coverage) <= n)
        raise DataError(
            f"an interval that covers {coverage:.0%} needs {fewest} calibration clips or more,"
            f" not {ratios.size}"
        )
    scale = float(np.partition(ratios, rank - 1)[rank - 1])
    temperature = float(np.sqrt(np.mean(ratios**2)))
    # A model without any error would get an interval of no width, which no reader understands.
    smallest = 1e-6
    return Calibration(
        coverage=coverage,
        scale=max(scale, smallest),
        temperature=max(temperature, smallest),
        clips=ratios.size,
    )


def _rank(clips: int, coverage: float) -> int:
    # Rounded first: 0.9 times ten must not come out above nine.
    return math.ceil(round((clips + 1) * coverage, 9))


def _ratios(mean: ArrayLike, log_variance: ArrayLike, label: ArrayLike) -> NDArray[np.float64]:
    columns = [np.asarray(values, dtype=np.float64) for values in (mean, log_variance, label)]
    if any(column.ndim != 1 or column.shape != columns[0].shape for column in columns):
        raise DataError("calibration needs as many means, log-variances and labels, all [clip]")
    if not all(np.isfinite(column).all() for column in columns):
        raise DataError("calibration met a value that is not finite")
    ratios: NDArray[np.float64] = np.abs(columns[2] - columns[0]) / np.exp(0.5 * columns[1])
    return ratios
