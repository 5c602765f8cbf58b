"""The level of speech while somebody speaks, whatever the pauses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.signal import lfilter

from auricle.core.audio import Samples
from auricle.core.errors import SignalError

# ITU-T P.56, Table 1: time constant, hangover and margin.
_TIME_CONSTANT = 0.03  # s
_HANGOVER = 0.2  # s
_MARGIN = 15.9  # dB
# The standard's thresholds are those of 16-bit samples, 6 dB apart; quieter speech has more.
_THRESHOLDS = 2.0 ** np.arange(-24, 0)


class SpeechLevel(NamedTuple):
    """Active speech level in dB re full scale (the mean square of samples of 1), and activity.

    `activity` is the share of time (0..1) in which somebody speaks.
    """

    level: float
    activity: float


def measure_speech_level(samples: Samples, sample_rate: int) -> SpeechLevel:
    """Return the active speech level of samples `[time]`.

    What does not stand out from pauses, such as steady noise, is active all the time. Source: ITU-T
    P.56 (2011), method B. Raises `SignalError` for another shape, no samples, samples that are not
    finite, and silence.

    >>> tone = np.sin(np.arange(96000) * 0.1).astype(np.float32)
    >>> print(round(measure_speech_level(tone, 48000).level))
    -3
    >>> tone[48000:] = 0.0
    >>> print(round(measure_speech_level(tone, 48000).activity, 1))
    0.6
    """
    if samples.ndim != 1 or samples.size == 0:
        raise SignalError(f"a speech level needs samples [time], not {samples.shape}")
    energy = float(np.sum(np.square(samples, dtype=np.float64)))
    if not np.isfinite(energy):
        raise SignalError("it holds samples that are not finite")
    counts = _count_active(samples, sample_rate)
    if energy == 0.0 or counts[0] == 0:
        raise SignalError("it is silent: there is no speech to measure")
    heard = counts > 0
    levels = 10.0 * np.log10(energy / counts[heard])
    margins = levels - 20.0 * np.log10(_THRESHOLDS[heard])
    # Both rise and fall with the threshold but for one crossing: the level falls to the margin.
    above = int(np.argmax(margins <= _MARGIN)) if (margins <= _MARGIN).any() else margins.size - 1
    level = float(levels[above])
    if above > 0 and margins[above] < _MARGIN:
        share = (margins[above - 1] - _MARGIN) / (margins[above - 1] - margins[above])
        level = float(levels[above - 1] + share * (levels[above] - levels[above - 1]))
    activity = energy / samples.size / 10.0 ** (level / 10.0)
    return SpeechLevel(level, min(1.0, activity))


def _count_active(samples: Samples, sample_rate: int) -> NDArray[np.int64]:
    """Return for each threshold how many samples are at it, or were within the hangover."""
    decay = np.exp(-1.0 / (sample_rate * _TIME_CONSTANT))
    smooth = ([1.0 - decay], [1.0, -decay])
    envelope = lfilter(*smooth, lfilter(*smooth, np.abs(samples.astype(np.float64))))
    hangover = round(sample_rate * _HANGOVER)
    # A window that looks back only, over the sample itself and the hangover before it.
    highest = maximum_filter1d(
        envelope, hangover + 1, mode="constant", cval=0.0, origin=hangover // 2
    )
    return np.array([np.count_nonzero(highest >= threshold) for threshold in _THRESHOLDS])
