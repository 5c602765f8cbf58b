"""Defects that are no codec's: noise, clipping, saturation, coarse samples, a narrow image."""

from __future__ import annotations

import numpy as np

from auricle.core.audio import Audio
from auricle.degrade.levels import Floats, change_samples
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


def saturate(audio: Audio, drive: int) -> Audio:
    """Clip softly: tanh of the audio driven `drive` dB beyond full scale, at its power before.

    Raises `SignalError` for no samples or samples that aren't finite.

    >>> saturate(Audio.from_array([0.1, -0.4], 48000), 40).samples.round(2).tolist()
    [[0.28..., -0.28...]]
    """

    def change(samples: Floats) -> Floats:
        driven = np.tanh(10 ** (drive / 20) * samples)
        return np.asarray(driven * np.sqrt(np.mean(samples**2) / np.mean(driven**2)))

    return change_samples(audio, change)


def quantise(audio: Audio, bits: int) -> Audio:
    """Round samples to `bits` bits of the audio's own peak, in equal steps without dither.

    Raises `SignalError` for no samples or samples that aren't finite.

    >>> quantise(Audio.from_array([0.1, -0.4, 0.25], 48000), 2).samples.round(2).tolist()
    [[0.0, -0.4..., 0.4...]]
    """
    top = 2 ** (bits - 1) - 1
    return change_samples(audio, lambda samples: np.asarray(np.round(samples * top) / top))


def narrow(audio: Audio, percent: int) -> Audio:
    """Take away `percent` % of what channels don't share: 100 leaves mono; mono stays as it is.

    Raises `SignalError` for no samples or samples that aren't finite.

    >>> narrow(Audio.from_array([[0.5], [0.0]], 48000), 50).samples.tolist()
    [[0.375], [0.125]]
    """
    if audio.channels == 1:
        check(audio)
        return audio

    def change(samples: Floats) -> Floats:
        middle = samples.mean(axis=0)
        return np.asarray(middle + (1.0 - percent / 100.0) * (samples - middle))

    return change_samples(audio, change)
