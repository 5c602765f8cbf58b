"""Loudness by EBU R128, measured with libebur128."""

from __future__ import annotations

import math

import numpy as np
from pyebur128 import MeasurementMode, R128State, get_loudness_global

from auricle.core.audio import Audio
from auricle.core.errors import SignalError


def integrated_loudness(audio: Audio) -> float:
    """Return the gated programme loudness in LUFS, `-inf` for silence (ITU-R BS.1770-4).

    >>> integrated_loudness(Audio.from_array(np.zeros(48000), 48000))
    -inf
    """
    state = R128State(audio.channels, audio.sample_rate, MeasurementMode.MODE_I)
    interleaved = np.ascontiguousarray(audio.samples.T).reshape(-1)
    state.add_frames(interleaved, audio.frames)
    return float(get_loudness_global(state))


def normalise_loudness(audio: Audio, target: float = -23.0) -> Audio:
    """Return `audio` scaled to `target` LUFS (EBU R128's -23 by default).

    Raises `SignalError` for audio without measurable loudness (silence, or under 0.4 s).

    >>> noise = Audio.from_array(np.random.default_rng(0).uniform(-1, 1, 48000), 48000)
    >>> round(integrated_loudness(normalise_loudness(noise, -16.0)), 2)
    -16.0
    """
    loudness = integrated_loudness(audio)
    if not math.isfinite(loudness):
        raise SignalError("it is silent or shorter than 0.4 s: there is no loudness to equalise")
    gain = 10.0 ** ((target - loudness) / 20.0)
    return Audio.from_array(audio.samples * np.float32(gain), audio.sample_rate, audio.source)
