"""Recorded noise under speech."""

from __future__ import annotations

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import SignalError
from auricle.signal.speech_level import measure_speech_level


def mix_at(speech: Audio, noise: Audio, ratio: float) -> Audio:
    """Return speech with noise under it, `ratio` dB below its active level.

    The level of speech is that of ITU-T P.56, of the mean of its channels; that of noise its mean
    power. All channels of the speech get the mean of the noise's channels, from its beginning, over
    and over where it is shorter. Raises `SignalError` when either is silent or not finite, and when
    their sample rates differ.

    >>> rng = np.random.default_rng(0)
    >>> tone = Audio.from_array(np.sin(np.arange(48000) / 20) / 2, 48000)
    >>> noise = Audio.from_array(rng.normal(0.0, 0.1, 24000), 48000)
    >>> added = mix_at(tone, noise, 20).samples - tone.samples
    >>> print(round(10 * np.log10(np.mean(tone.samples**2) / np.mean(added**2))))
    20
    """
    if speech.sample_rate != noise.sample_rate:
        raise SignalError(
            f"speech at {speech.sample_rate} Hz cannot be mixed with noise at {noise.sample_rate}"
            " Hz: resample one of them"
        )
    level = measure_speech_level(speech.mono().samples[0], speech.sample_rate).level
    under = np.resize(noise.mono().samples[0].astype(np.float64), speech.frames)
    power = float(np.mean(under**2))
    if not np.isfinite(power) or power == 0.0:
        raise SignalError("the noise is silent, or not finite: give another recording")
    gain = np.sqrt(10.0 ** ((level - ratio) / 10.0) / power)
    return Audio.from_array(speech.samples + gain * under, speech.sample_rate, speech.source)
