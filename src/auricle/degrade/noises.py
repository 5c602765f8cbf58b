"""Noises beyond the white one: pink, and the one that follows the signal."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from auricle.core.audio import Audio
from auricle.degrade.levels import Floats, change_samples, draw_from, scale_below

# Hz: pink noise is flat below, lest most of it be inaudible.
_CORNER = 20.0


def add_pink_noise(audio: Audio, ratio: int) -> Audio:
    """Add pink noise, `ratio` dB below the audio's mean power, independent between channels.

    Silence stays silent. Raises `SignalError` for no samples or samples that aren't finite.

    >>> tone = Audio.from_array(np.sin(np.arange(48000) / 20), 48000)
    >>> noise = add_pink_noise(tone, 20).samples - tone.samples
    >>> print(round(10 * np.log10(np.mean(tone.samples**2) / np.mean(noise**2)), 1))
    20.0
    """

    def change(samples: Floats) -> Floats:
        return samples + draw_pink_noise(samples, audio.sample_rate, ratio)

    return change_samples(audio, change)


def modulate_noise(audio: Audio, ratio: int) -> Audio:
    """Add Gaussian noise times the signal, `ratio` dB below it at every moment.

    All channels are multiplied by the same noise. Source: the modulated noise reference unit of
    ITU-T P.810 (y = x (1 + 10^(-Q/20) N)), without its band-pass filter. Raises `SignalError` for
    no samples or samples that aren't finite.

    >>> tone = Audio.from_array(np.sin(np.arange(48000) / 20), 48000)
    >>> noise = modulate_noise(tone, 20).samples - tone.samples
    >>> print(round(10 * np.log10(np.mean(tone.samples**2) / np.mean(noise**2))))
    20
    """

    def change(samples: Floats) -> Floats:
        noise = draw_from(samples).standard_normal(samples.shape[1])
        return np.asarray(samples * (1.0 + 10 ** (-ratio / 20) * noise))

    return change_samples(audio, change)


def draw_pink_noise(samples: Floats, sample_rate: int, ratio: float) -> Floats:
    """Draw pink noise `[channel, time]` for `samples` of that shape, `ratio` dB below their power.

    >>> draw_pink_noise(np.ones((2, 480)), 48000, 20.0).shape
    (2, 480)
    """
    length = next_fast_len(samples.shape[1], real=True)
    white = draw_from(samples).standard_normal((samples.shape[0], length))
    shape = 1.0 / np.sqrt(np.maximum(rfftfreq(length, 1.0 / sample_rate), _CORNER))
    pink = irfft(shape * rfft(white, axis=-1), length, axis=-1)[:, : samples.shape[1]]
    return scale_below(pink, samples, ratio)
