"""From samples to what the encoders of a fused system hear, without torch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Audio, Samples
from auricle.core.errors import BundleError, ConfigError
from auricle.signal.front_ends import FRONT_ENDS, FrontEnd
from auricle.signal.resample import resample
from auricle.systems.fusion_config import EncoderSource, FusionConfig

Floats = NDArray[np.float32]


class FusionFrontEnd:
    """Brings a segment to its level and to each encoder's rate, then through its front end."""

    def __init__(self, config: FusionConfig, front_ends: Mapping[str, FrontEnd]) -> None:
        self._config = config
        self._front_ends = front_ends

    def __call__(self, segment: Samples) -> dict[str, Floats]:
        """Return `[step, channel]` by encoder for samples `[time]` at the system's rate."""
        config = self._config
        if config.level is not None:
            segment = segment * _gain(segment, config.level)
        rates = {front_end.sample_rate for front_end in self._front_ends.values()}
        audio = Audio.from_array(segment, config.sample_rate)
        samples = {rate: resample(audio, rate).samples[0] for rate in rates}
        return {name: fe(samples[fe.sample_rate]) for name, fe in self._front_ends.items()}


def read_front_end(source: EncoderSource) -> FrontEnd:
    """Return the front end that a bundle states for an encoder; raises `BundleError`."""
    options = dict(source.front_end or {})
    kind = str(options.pop("kind", ""))
    if kind not in FRONT_ENDS:
        raise BundleError(f"no front end is called {kind!r}: update Auricle or train again")
    try:
        return FRONT_ENDS[kind](**options)
    except (TypeError, ConfigError) as error:
        raise BundleError(f"front end {kind} is not understood: {error}") from error


def _gain(samples: Samples, level: float) -> np.float32:
    """Return the factor that brings samples to a level; silence stays as it is."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return np.float32(10.0 ** (level / 20.0) / np.sqrt(power) if power > 0.0 else 1.0)
