"""What a metric is, so that nobody needs to branch on its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Domain = Literal["music", "speech", "any"]


@dataclass(frozen=True, slots=True)
class Scale:
    """The range a metric's values lie in, and which end is good.

    As text it is what stands behind an error: "3.5 of 100", "0.3 on 1 to 5".

    >>> Scale(0.0, 100.0).span
    100.0
    >>> print(f"{Scale(0.0, 100.0)}; {Scale(1.0, 5.0)}")
    of 100; on 1 to 5
    """

    low: float
    high: float
    higher_is_better: bool = True

    @property
    def span(self) -> float:
        """Distance between the ends."""
        return self.high - self.low

    def show(self, quality: ArrayLike) -> NDArray[np.float64]:
        """Return quality 0..1, of any shape, as values on the scale.

        >>> Scale(1.0, 5.0).show([0.0, 0.5]).tolist()
        [1.0, 3.0]
        """
        return self.low + self.span * np.asarray(quality, dtype=np.float64)

    def __str__(self) -> str:
        return f"of {self.high:g}" if self.low == 0.0 else f"on {self.low:g} to {self.high:g}"


PERCENT = Scale(0.0, 100.0)


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Facts about a metric, neural or classical.

    `sample_rate` is the rate in Hz the metric works at, `shortest` the shortest input in
    seconds it accepts, `listens_to_level` whether gain alone may change its value. `axes` are the
    things that it rates when there are several; the first is what its score shows.
    """

    name: str
    tag: str
    summary: str
    domain: Domain
    needs_reference: bool
    sample_rate: int
    channels: int
    shortest: float
    scale: Scale
    listens_to_level: bool
    licence: str
    citation: str
    axes: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The unambiguous name, `name.tag`."""
        return f"{self.name}.{self.tag}"
