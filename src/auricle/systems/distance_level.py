"""What two recordings are compared as: at one level, as mono or as four views of stereo."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Audio, Samples
from auricle.signal.loudness import integrated_loudness

TARGET = -23.0
"""Loudness in LUFS (or level in dB, where there is none) that every channel is brought to."""

# Views `[view, channel]`: of mono itself; of stereo left, right, middle and side.
_MONO = np.ones((1, 1), dtype=np.float32)
_STEREO = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.5, -0.5]], dtype=np.float32)
# Energy below this share of the whole (-100 dB) is rounding noise.
_NOTHING = 1e-10


def find_gains(*recordings: Audio) -> tuple[np.float32, ...]:
    """Return the factors that bring recordings to one level, so that gain does not matter.

    That is -23 LUFS for each channel on average: a mono recording and the same on two channels
    get the same factor. Where one of them has no loudness (shorter than 0.4 s), it is the RMS.

    >>> noise = np.random.default_rng(0).normal(0.0, 0.1, 48000)
    >>> one, two, half = (Audio.from_array(x, 48000) for x in (noise, [noise, noise], noise / 2))
    >>> [round(float(gain), 4) for gain in find_gains(one, two, half)]
    [0.4926, 0.4926, 0.9851]
    """
    levels = [integrated_loudness(one) - 10.0 * math.log10(one.channels) for one in recordings]
    if not all(math.isfinite(level) for level in levels):
        levels = [10.0 * math.log10(_mean_power(one)) for one in recordings]
    return tuple(np.float32(10.0 ** ((TARGET - level) / 20.0)) for level in levels)


def take_views(samples: Samples) -> Samples:
    """Return `[view, time]` of `[channel, time]`: mono itself, or left, right, middle, side."""
    if len(samples) == 1:
        return samples
    views: Samples = _STEREO @ samples
    return views


def covariance(samples: Samples) -> NDArray[np.float64]:
    """Return `[channel, channel]`, summed over time, of samples `[channel, time]`."""
    centred = samples.astype(np.float64)
    centred -= centred.mean(axis=1, keepdims=True)
    return np.asarray(centred @ centred.T)


def weigh_views(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights `[view]` of the views by the covariances of two recordings; sum 1.

    Left and right share one half by their energies, middle and side the other; the energy is the
    greater of both recordings'. So identical channels weigh what they do in mono.

    >>> same = np.full((2, 2), 3.0)
    >>> weigh_views(same, same).tolist()
    [0.25, 0.25, 0.5, 0.0]
    """
    views = _MONO if len(first) == 1 else _STEREO
    energies = np.maximum(*(np.einsum("vc,cd,vd->v", views, one, views) for one in (first, second)))
    energies[energies < _NOTHING * energies.max()] = 0.0
    halves = energies.reshape(-1, min(2, energies.size))
    shares = halves / halves.sum(axis=1, keepdims=True)
    return np.asarray(shares.reshape(-1) / len(halves))


def _mean_power(audio: Audio) -> float:
    powers = [np.vdot(channel, channel) / channel.size for channel in audio.samples]
    return max(float(np.mean(powers)), 1e-20)
