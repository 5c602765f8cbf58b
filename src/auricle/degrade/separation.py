"""What speech enhancement and source separation leave: musical noise, other sources, masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import uniform_filter1d

from auricle.core.audio import Audio
from auricle.degrade.levels import Floats, change_samples, draw_from, scale_below
from auricle.degrade.noises import draw_pink_noise
from auricle.degrade.short_time import Spectra, band_starts, invert, transform

# Of the mean noise power: some 13% of the noise in one channel stands out of twice its mean.
_OVERSUBTRACTION = 2.0
_VOICES = 3
# Hz.
_LARGEST_SHIFT = 120.0
# Mel and frames of 11 ms.
_MASK_WIDTH, _MASK_FRAMES = 160.0, 6


def leave_musical_noise(audio: Audio, ratio: int) -> Audio:
    """Add pink noise at `ratio` dB and subtract it again badly: isolated tones are left of it.

    Spectral subtraction with an over-estimate of the noise and no smoothing, which takes weak
    partials away too; one gain for all channels. Source: M. Berouti, R. Schwartz and J. Makhoul,
    "Enhancement of speech corrupted by acoustic noise", ICASSP 1979, without its spectral floor.
    Raises `SignalError` for no samples or samples that aren't finite.

    >>> leave_musical_noise(Audio.from_array(np.sin(np.arange(4800)), 48000), 10).frames
    4800
    """

    def change(samples: Floats) -> Floats:
        noise = draw_pink_noise(samples, audio.sample_rate, ratio)
        noisy = transform(samples + noise, audio.sample_rate)
        gain = _subtract(noisy, transform(noise, audio.sample_rate))
        return invert(noisy * gain, audio.sample_rate, audio.frames)

    return change_samples(audio, change)


def erode(audio: Audio, ratio: int) -> Audio:
    """Take away what the subtraction of pink noise at `ratio` dB would, without any noise.

    The gains of `leave_musical_noise`, applied to the audio alone: what enhancement does to speech,
    as in the reference conditions of listening tests by ITU-T P.835, whose speech is distorted by
    spectral subtraction. Raises `SignalError` for no samples or samples that aren't finite.

    >>> erode(Audio.from_array(np.sin(np.arange(4800)), 48000), 10).frames
    4800
    """

    def change(samples: Floats) -> Floats:
        noise = draw_pink_noise(samples, audio.sample_rate, ratio)
        noisy = transform(samples + noise, audio.sample_rate)
        gain = _subtract(noisy, transform(noise, audio.sample_rate))
        clean = transform(samples, audio.sample_rate)
        return invert(clean * gain, audio.sample_rate, audio.frames)

    return change_samples(audio, change)


def _subtract(noisy: Spectra, noise: Spectra) -> NDArray[np.float32]:
    """Return the gains `[frame, bin]` that subtract the mean power of noise from noisy spectra."""
    expected = _power(noise).mean(axis=0)
    power = np.maximum(_power(noisy), np.finfo(np.float32).tiny)
    with np.errstate(over="ignore"):  # Of what is all but silent nothing is left.
        return np.asarray(np.sqrt(np.maximum(1.0 - _OVERSUBTRACTION * expected / power, 0.0)))


def add_babble(audio: Audio, ratio: int) -> Audio:
    """Add a competing source made of the audio itself, `ratio` dB below its mean power.

    That is three copies played backwards from some moment on, shifted in frequency, of either
    sign, with the channels swapped. Raises `SignalError` for no samples or samples that aren't
    finite.

    >>> add_babble(Audio.from_array(np.sin(np.arange(4800)), 48000), 10).frames
    4800
    """

    def change(samples: Floats) -> Floats:
        return samples + _draw_babble(samples, audio.sample_rate, ratio)

    return change_samples(audio, change)


def separate(audio: Audio, ratio: int) -> Audio:
    """Mix in the source of `add_babble` at `ratio` dB and take it out again by a coarse mask.

    The mask knows both powers (the ideal ratio mask, all channels together), in bands of 160 mel
    and 64 ms only: some of the other source is left, some of the audio is lost. Raises
    `SignalError` for no samples or samples that aren't finite.

    >>> separate(Audio.from_array(np.sin(np.arange(4800)), 48000), 10).frames
    4800
    """

    def change(samples: Floats) -> Floats:
        target = transform(samples, audio.sample_rate)
        other = transform(_draw_babble(samples, audio.sample_rate, ratio), audio.sample_rate)
        starts = band_starts(audio.sample_rate, _MASK_WIDTH)
        wanted, unwanted = _coarse(target, starts), _coarse(other, starts)
        mask = wanted / np.maximum(wanted + unwanted, np.finfo(np.float32).tiny)
        widths = np.diff(starts, append=target.shape[-1])
        mixed = (target + other) * np.repeat(mask, widths, axis=1)
        return invert(mixed, audio.sample_rate, audio.frames)

    return change_samples(audio, change)


def _draw_babble(samples: Floats, sample_rate: int, ratio: float) -> Floats:
    rng = draw_from(samples)
    frames = samples.shape[1]
    length = next_fast_len(frames, real=True)
    babble = np.zeros_like(samples)
    for _ in range(_VOICES):
        turned = np.roll(samples[::-1, ::-1], int(rng.integers(frames)), axis=1)
        spectrum = rfft(turned, length, axis=-1)
        # Bins move up: pitches leave their harmonic relation, the spectrum's shape stays.
        shift = int(rng.uniform(0.2, 1.0) * _LARGEST_SHIFT * length / sample_rate)
        shifted = np.roll(spectrum, shift, axis=-1)
        shifted[:, :shift] = 0.0
        babble += rng.choice((-1.0, 1.0)) * irfft(shifted, length, axis=-1)[:, :frames]
    return scale_below(babble, samples, ratio)


def _power(spectra: Spectra) -> NDArray[np.float32]:
    """Power over the channels together, `[frame, bin]`."""
    return np.asarray((spectra.real**2 + spectra.imag**2).sum(axis=0))


def _coarse(spectra: Spectra, starts: NDArray[np.int64]) -> NDArray[np.float32]:
    bands = np.add.reduceat(_power(spectra), starts, axis=1)
    # A running mean drifts below zero next to loud parts.
    return np.maximum(uniform_filter1d(bands, _MASK_FRAMES, axis=0, mode="nearest"), 0.0)
