"""Predictions that hold what they promise: split-conformal calibration and correction."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.optimize import lsq_linear

from auricle.core.errors import DataError

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Knots = tuple[tuple[Share, Share], ...]
# Knots closer together than this would follow single clips.
_CLOSEST = 0.01
# A model without any error would get an interval of no width, which no reader understands.
_SMALLEST = 1e-6


class Calibration(BaseModel):
    """How what a model says becomes a score, an interval and a verdict.

    `mean +- scale * sigma` covers `coverage` of unseen clips like the `clips` it was fitted on,
    with the mean corrected; `temperature * sigma` is the standard deviation of the error.
    `correction` are knots `(predicted, corrected)` from 0 to 1, joined by straight lines. A
    recording counts as lossily coded when the probability is above `lossy_threshold`.

    >>> fitted = Calibration(coverage=0.9, scale=1.5, temperature=0.9, clips=500)
    >>> fitted.correct(0.5), fitted.interval(0.5, 0.1)
    (0.5, (0.35, 0.65))
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    coverage: float = Field(gt=0.0, lt=1.0)
    scale: float = Field(gt=0.0, allow_inf_nan=False)
    temperature: float = Field(gt=0.0, allow_inf_nan=False)
    clips: int = Field(gt=0)
    correction: Knots | None = None
    lossy_threshold: Share | None = None

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.correction is None:
            return self
        predicted, corrected = np.array(self.correction, dtype=np.float64).reshape(-1, 2).T
        if predicted.size < 2 or (predicted[0], predicted[-1]) != (0.0, 1.0):
            raise ValueError("a correction begins at 0 and ends at 1")
        if (np.diff(predicted) <= 0.0).any() or (np.diff(corrected) < 0.0).any():
            raise ValueError("a correction must rise")
        return self

    def correct(self, mean: float) -> float:
        """Return a predicted quality within 0..1 with its bias taken off."""
        return float(apply_correction(mean, self.correction))

    def interval(self, mean: float, sigma: float) -> tuple[float, float]:
        """Return `(low, high)` within 0..1 around a corrected quality with its deviation."""
        reach = self.scale * sigma
        return max(0.0, mean - reach), min(1.0, mean + reach)


def calibrate(
    mean: ArrayLike,
    log_variance: ArrayLike,
    label: ArrayLike,
    coverage: float = 0.9,
    *,
    correction: Knots | None = None,
    genuine: ArrayLike | None = None,
) -> Calibration:
    """Fit a calibration on clips the model was not trained on; all columns are `[clip]`.

    `scale` is the `ceil((n + 1) * coverage)`-th smallest of `|label - mean| / sigma`
    (Lei et al., 2018, Sec. 5.2), with the mean after `correction` (of `fit_correction`): the
    chance that a new clip of the same kind lies inside the interval is at least `coverage`,
    whatever the model. `temperature` is the root mean square of the same ratios (the
    maximum-likelihood factor on sigma; Laves et al., 2020). `genuine` are the probabilities that
    `lossy_threshold` takes.

    Raises `DataError` when there are too few clips for such a coverage, or a value is not finite.

    >>> calibrate(np.zeros(9), np.zeros(9), np.arange(1, 10) / 10).scale
    0.9
    """
    ratios = _ratios(mean, log_variance, label, correction)
    return Calibration(
        coverage=coverage,
        scale=conformal_scale(ratios, coverage),
        temperature=max(float(np.sqrt(np.mean(ratios**2))), _SMALLEST),
        clips=ratios.size,
        correction=correction,
        lossy_threshold=None if genuine is None else lossy_threshold(genuine),
    )


def conformal_scale(ratios: ArrayLike, coverage: float = 0.9) -> float:
    """Return the `ceil((n + 1) * coverage)`-th smallest of the `ratios` `[clip]` of error to width.

    The chance that the error of a new clip of the same kind is at most so many widths is at least
    `coverage`. With the largest ratio over a clip's axes it is a chance for all axes at once, the
    box of Diquigiovanni et al. (2022) for several components.

    Raises `DataError` when there are too few clips for such a coverage.

    >>> conformal_scale(np.arange(1, 10) / 10)
    0.9
    """
    values = np.asarray(ratios, dtype=np.float64)
    rank = _rank(values.size, coverage)
    if rank > values.size:
        fewest = next(n for n in itertools.count(values.size) if _rank(n, coverage) <= n)
        raise DataError(
            f"an interval that covers {coverage:.0%} needs {fewest} calibration clips or more,"
            f" not {values.size}"
        )
    return max(float(np.partition(values, rank - 1)[rank - 1]), _SMALLEST)


def lossy_threshold(genuine: ArrayLike, false_alarms: float = 0.01) -> float | None:
    """Return the probability above which a recording counts as lossily coded.

    `genuine` `[clip]` are the probabilities that clips which never were get, none of them used in
    training. The threshold is the `ceil((n + 1) * (1 - false_alarms))`-th smallest: the chance
    that a new one of the same kind is above is `false_alarms` at most. With too few clips for
    that (fewer than 99 for 0.01) it is the largest, and the chance `1 / (n + 1)`. None when there
    are no clips.

    Raises `DataError` when a value is no probability.

    >>> lossy_threshold(np.arange(1, 200) / 200)
    0.99
    """
    values = np.sort(np.asarray(genuine, dtype=np.float64))
    if values.ndim != 1 or not ((values >= 0.0) & (values <= 1.0)).all():
        raise DataError("a threshold needs probabilities [clip] within 0..1")
    if values.size == 0:
        return None
    return float(values[min(_rank(values.size, 1.0 - false_alarms), values.size) - 1])


def fit_correction(mean: ArrayLike, label: ArrayLike, knots: int = 6) -> Knots:
    """Fit the rising line with few knots that takes the bias off predicted qualities `[clip]`.

    Knots lie at 0, at quantiles of `mean` and at 1. Their values are the least squares over
    clips, never falling, and each knot counts as one more clip without any bias. Where the line
    passes 1 there is one more knot, from which on it stays there.

    Raises `DataError` for fewer than two knots or no clips, and for a value outside 0..1.

    >>> mean = np.linspace(0.0, 0.95, 500)
    >>> fitted = fit_correction(mean, mean / 0.95)
    >>> apply_correction([0.0, 0.475, 0.95], fitted).round(2).tolist()
    [0.0, 0.5, 1.0]
    """
    predicted, true = _columns(mean, label)
    if knots < 2 or predicted.size == 0:
        raise DataError(f"a correction needs clips and two knots or more, not {knots}")
    if min(predicted.min(), true.min()) < 0.0 or max(predicted.max(), true.max()) > 1.0:
        raise DataError("a correction needs qualities within 0..1")
    places = _places(predicted, knots)
    hats = np.stack([np.interp(predicted, places, hat) for hat in np.eye(places.size)], axis=1)
    hats, wanted = np.vstack((hats, np.eye(places.size))), np.concatenate((true, places))
    # A value is the sum of the rises up to it, and no rise is negative.
    rises = np.tril(np.ones((places.size, places.size)))
    solution = lsq_linear(hats @ rises, wanted, bounds=(0.0, np.inf))
    values = np.cumsum(np.maximum(solution.x, 0.0))
    return _truncate(places.tolist(), values.tolist())


def apply_correction(
    mean: ArrayLike, knots: Sequence[tuple[float, float]] | None
) -> NDArray[np.float64]:
    """Return predicted qualities with their bias taken off; without knots as they are.

    >>> apply_correction([0.0, 0.5, 1.0], ((0.0, 0.25), (1.0, 1.0))).tolist()
    [0.25, 0.625, 1.0]
    """
    predicted = np.asarray(mean, dtype=np.float64)
    if knots is None:
        return predicted
    places, values = np.array(knots, dtype=np.float64).T
    return np.asarray(np.interp(predicted, places, values))


def _places(predicted: NDArray[np.float64], knots: int) -> NDArray[np.float64]:
    inner = np.quantile(predicted, np.linspace(0.0, 1.0, knots)[1:-1])
    places = [0.0]
    for place in inner.tolist():
        if places[-1] + _CLOSEST <= place <= 1.0 - _CLOSEST:
            places.append(round(place, 6))
    return np.array([*places, 1.0])


def _truncate(places: list[float], values: list[float]) -> Knots:
    """Return the knots of a rising line, cut where it passes 1."""
    below = sum(value < 1.0 - 1e-6 for value in values)
    if below == len(values):
        return tuple(zip(places, values, strict=True))
    kept = list(zip(places[:below], values[:below], strict=True))
    crossing = float(np.interp(1.0, values[below - 1 : below + 1], places[below - 1 : below + 1]))
    ends = {crossing: 1.0, 1.0: 1.0} if below else {0.0: 1.0, 1.0: 1.0}
    return (*kept, *ends.items())


def _rank(clips: int, coverage: float) -> int:
    # Rounded first: 0.9 times ten must not come out above nine.
    return math.ceil(round((clips + 1) * coverage, 9))


def _ratios(
    mean: ArrayLike, log_variance: ArrayLike, label: ArrayLike, correction: Knots | None
) -> NDArray[np.float64]:
    predicted, log_variances, true = _columns(mean, log_variance, label)
    error = np.abs(true - apply_correction(predicted, correction))
    ratios: NDArray[np.float64] = error / np.exp(0.5 * log_variances)
    return ratios


def _columns(*columns: ArrayLike) -> list[NDArray[np.float64]]:
    arrays = [np.asarray(column, dtype=np.float64) for column in columns]
    if any(array.ndim != 1 or array.shape != arrays[0].shape for array in arrays):
        raise DataError("calibration needs as many predictions as labels, all [clip]")
    if not all(np.isfinite(array).all() for array in arrays):
        raise DataError("calibration met a value that is not finite")
    return arrays
