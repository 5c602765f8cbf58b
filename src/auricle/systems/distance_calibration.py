"""How distances become scores: fitted once, stored beside the model."""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from auricle.stats.cubic_mapping import CubicMapping
from auricle.stats.mlp_mapping import MlpMapping
from auricle.systems.config import Part

# Where 90% of a normal distribution lie.
_NORMAL_90 = 1.6449


class DistanceMapping(Part):
    """A curve from distance to 0..100, and how far ratings scatter around it.

    `deviation` is the standard deviation of what is left on clips it was not fitted on, in points,
    `pairs` the number of those.

    >>> curve = CubicMapping((100.0, -100.0, 0.0, 0.0), low=0.0, high=4.0)
    >>> mapping = DistanceMapping(curve=curve, deviation=10.0, pairs=50)
    >>> mapping.apply([0.0, 1.0, 9.0]).tolist()
    [100.0, 75.0, 0.0]
    >>> [round(end, 1) for end in mapping.interval(75.0)]
    [58.6, 91.4]
    """

    curve: CubicMapping | MlpMapping
    deviation: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    pairs: Annotated[int, Field(gt=0)]

    def apply(self, distance: ArrayLike) -> NDArray[np.float64]:
        """Return scores for distances of any shape, kept within 0..100."""
        return np.clip(self.curve.apply(distance), 0.0, 100.0)

    def interval(self, score: float) -> tuple[float, float]:
        """Return the 90% interval around a score, within 0..100."""
        half = _NORMAL_90 * self.deviation
        return max(0.0, score - half), min(100.0, score + half)


class DistanceCalibration(Part):
    """The mappings of distances: to the recording's own reference, and to others' (if fitted).

    What equals its reference has the distance 0, so the first gives exactly 100 there.
    """

    matching: DistanceMapping
    non_matching: DistanceMapping | None = None

    @model_validator(mode="after")
    def _begins_at_the_top(self) -> Self:
        if self.matching.curve.apply(0.0) != 100.0:
            raise ValueError("the mapping to the own reference must be 100 at the distance 0")
        return self
