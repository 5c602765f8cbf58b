"""Noise suppression as it is simply done, without knowing the noise."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from auricle.core.audio import Audio
from auricle.degrade.levels import Floats, change_samples
from auricle.degrade.short_time import invert, transform

# The noise of a bin is what so many of its frames stay below, times what makes it the mean: of
# Gaussian noise, whose power is exponentially distributed, 20% lie below .22 of the mean.
_QUANTILE, _TO_MEAN = 0.2, 1.0 / -np.log(0.8)
_OVERSUBTRACTION = 2.0
_FRAMES = 3


def suppress_noise(audio: Audio, depth: int) -> Audio:
    """Subtract what seems to be steady noise, which is attenuated by at most `depth` dB.

    Spectral subtraction with over-estimate and floor, the noise of each bin estimated from its
    quietest frames, powers smoothed over 32 ms; one gain for all channels. Of clean speech the
    faintest sounds are lost. Source: Berouti, Schwartz and Makhoul, ICASSP 1979, with the quantile
    estimate of Stahl, Fischer and Bippus, ICASSP 2000. Raises `SignalError` for no samples or
    samples that aren't finite.

    >>> suppress_noise(Audio.from_array(np.sin(np.arange(4800)), 48000), 12).frames
    4800
    """

    def change(samples: Floats) -> Floats:
        spectra = transform(samples, audio.sample_rate)
        power = (spectra.real**2 + spectra.imag**2).sum(axis=0)
        noise = _TO_MEAN * np.quantile(power, _QUANTILE, axis=0)
        smooth = uniform_filter1d(power, _FRAMES, axis=0, mode="nearest")
        smooth = np.maximum(smooth, np.finfo(np.float32).tiny)
        with np.errstate(over="ignore"):  # Of what is all but silent nothing is left.
            gain = np.sqrt(np.maximum(1.0 - _OVERSUBTRACTION * noise / smooth, 0.0))
        gain = np.maximum(gain, 10.0 ** (-depth / 20.0)).astype(np.float32)
        return invert(spectra * gain, audio.sample_rate, audio.frames)

    return change_samples(audio, change)
