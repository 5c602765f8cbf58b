"""Audio: samples with their rate and where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.core.errors import InputError

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Immutable audio, full scale +-1.

    `samples` is float32 `[channel, time]` and read-only, `sample_rate` is in Hz.

    >>> tone = Audio.from_array([[0.0, 0.5, 0.0, -0.5]], sample_rate=8000)
    >>> tone.channels, tone.duration
    (1, 0.0005)
    """

    samples: Samples
    sample_rate: int
    source: Path | None = None

    @classmethod
    def from_array(cls, samples: ArrayLike, sample_rate: int, source: Path | None = None) -> Audio:
        """Make audio from `[time]` or `[channel, time]`; integers are scaled to +-1.

        Raises `InputError` when the array has another shape, or a non-positive rate.
        """
        array = np.asarray(samples)
        if array.ndim == 1:
            array = array[np.newaxis]
        if array.ndim != 2 or array.shape[0] < 1:
            raise InputError(
                f"samples must be [time] or [channel, time], not of shape {array.shape}"
            )
        if array.shape[0] > 64 and array.shape[0] > array.shape[1]:
            raise InputError(
                f"samples of shape {array.shape} look like [time, channel]: pass their transpose"
            )
        if sample_rate <= 0:
            raise InputError(f"the sample rate must be positive, not {sample_rate}")
        frozen = _to_float32(array)
        frozen.flags.writeable = False
        return cls(frozen, int(sample_rate), source)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.samples.shape[0])

    @property
    def frames(self) -> int:
        """Number of samples per channel."""
        return int(self.samples.shape[1])

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate

    def mono(self) -> Audio:
        """Return the mean over channels as `[1, time]`."""
        if self.channels == 1:
            return self
        return Audio.from_array(self.samples.mean(axis=0), self.sample_rate, self.source)


def _to_float32(array: NDArray[np.generic]) -> Samples:
    if np.issubdtype(array.dtype, np.floating):
        return np.array(array, dtype=np.float32, order="C")
    if np.issubdtype(array.dtype, np.signedinteger):
        full_scale = 2.0 ** (8 * array.dtype.itemsize - 1)
        return np.asarray(array.astype(np.float64) / full_scale, dtype=np.float32)
    raise InputError(f"samples must be floating point or signed integers, not {array.dtype}")
