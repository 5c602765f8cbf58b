"""Defects that are no codec's: noise and clipping."""

from __future__ import annotations

import numpy as np

from auricle.core.audio import Audio
from auricle.degrade.rates import check

# One noise for all audio: what a clip gets depends on its shape and power alone.
_SEED = 20_240_917


def add_noise(audio: Audio, ratio: int) -> Audio:
    """Add white Gaussian noise, `ratio` dB below the audio's mean power (over all channels).

    The noise is always the same realisation, independent from channel to channel, so the result
    repeats bit for bit, and a lower ratio adds more of the same noise. Silence stays silent, and
    sums beyond full scale stay as they are. Raises `SignalError` for no samples or samples that
    aren't finite.

    >>> tone = Audio.from_array(np.sin(np.arange(48000) / 20), 48000)
    >>> noise = add_noise(tone, 20).samples - tone.samples
    >>> print(round(10 * np.log10(np.mean(tone.samples**2) / np.mean(noise**2)), 1))
    20.0
    """
    check(audio)
    samples = audio.samples.astype(np.float64)
    noise = np.random.default_rng(_SEED).standard_normal((audio.frames, audio.channels)).T
    # The realisation's own power, not the distribution's: short clips meet the ratio as well.
    gain = np.sqrt(np.mean(samples**2) / np.mean(noise**2) / 10 ** (ratio / 10))
    return Audio.from_array(samples + gain * noise, audio.sample_rate, audio.source)


def clip_peaks(audio: Audio, percent: int) -> Audio:
    """Clip hard the `percent` % of the samples that are largest in magnitude, over all channels.

    As if driven into full scale and turned down again: the limit follows the audio, its level
    doesn't matter. Raises `SignalError` for no samples or samples that aren't finite.

    >>> clip_peaks(Audio.from_array([0.1, -0.4, 0.2, -0.3, 0.25], 48000), 40).samples.tolist()
    [[0.10..., -0.25, 0.20..., -0.25, 0.25]]
    """
    check(audio)
    limit = np.quantile(np.abs(audio.samples), 1.0 - percent / 100.0, method="lower")
    return Audio.from_array(np.clip(audio.samples, -limit, limit), audio.sample_rate, audio.source)
