"""Degradations that must not depend on the level: samples at full scale, chance from the audio."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Audio
from auricle.degrade.rates import check

Floats = NDArray[np.float64]

_SEED = 20_261_004


def change_samples(audio: Audio, change: Callable[[Floats], Floats]) -> Audio:
    """Return `audio` with its samples `[channel, time]` changed while their peak is 1.

    Silence comes back as it is, so `change` may divide by powers. Raises `SignalError` for no
    samples or samples that aren't finite.

    >>> change_samples(Audio.from_array([0.5, -0.25], 48000), np.square).samples.tolist()
    [[0.5, 0.125]]
    """
    check(audio)
    peak = float(np.abs(audio.samples).max())
    if peak == 0.0:
        return audio
    changed = peak * change(audio.samples.astype(np.float64) / peak)
    return Audio.from_array(changed, audio.sample_rate, audio.source)


def draw_from(samples: Floats) -> np.random.Generator:
    """Return a random generator seeded by the signs of `samples` `[channel, time]`.

    So other audio meets other chance, and the same audio the same one at any level and strength.

    >>> samples = np.array([[0.5, -0.25]])
    >>> bool(draw_from(samples).random() == draw_from(2 * samples).random())
    True
    """
    return np.random.default_rng([_SEED, zlib.crc32(np.packbits(samples > 0.0).tobytes())])


def scale_below(samples: Floats, loud: Floats, ratio: float) -> Floats:
    """Return `samples` at a mean power `ratio` dB below that of `loud`; silence stays silent.

    >>> scale_below(np.ones((1, 4)), np.ones((1, 4)), 20.0).round(3).tolist()
    [[0.1, 0.1, 0.1, 0.1]]
    """
    power = np.mean(samples**2)
    if power == 0.0:
        return samples
    return np.asarray(samples * np.sqrt(np.mean(loud**2) / power / 10 ** (ratio / 10)))
