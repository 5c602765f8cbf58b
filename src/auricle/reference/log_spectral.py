"""Log-spectral distance: how far two short-time spectra lie apart, in dB."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from auricle.core.audio import Audio, Samples
from auricle.core.spec import MetricSpec, Scale
from auricle.reference.base import ReferenceMetric

_Power = NDArray[np.float64]

_RATE: Final = 48000
_POINTS: Final = 2048
_HOP: Final = 512
_RANGE_DB: Final = 80.0
_BLOCK: Final = 256
_WINDOW: Final = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(_POINTS) / _POINTS)


class LogSpectral(ReferenceMetric):
    """Log-spectral distance in dB, 0 for a recording compared with itself, lower is better.

    Per frame (2048 samples at 48 kHz, Hann window, hop 512) the root mean square over all bins of
    the difference of the power spectra in dB; then the mean over frames. What lies more than 80 dB
    below the strongest bin of the reference counts as lying there, so the order matters. Gain
    counts as a difference: 6 dB of gain are up to 6 dB of distance.

    Source: A. Gray and J. Markel, "Distance measures for speech processing", IEEE Transactions on
    Acoustics, Speech, and Signal Processing 24(5), 1976 (the measure d_2 of log spectra).

    >>> noise = np.random.default_rng(0).normal(0.0, 0.1, 48000)
    >>> pair = Audio.from_array(noise, 48000), Audio.from_array(noise / 2, 48000)
    >>> round(LogSpectral()(*pair).value, 2)
    6.02
    """

    spec: ClassVar = MetricSpec(
        name="log-spectral",
        tag="v1",
        summary="log-spectral distance in dB, 0 is identical, lower is better",
        domain="any",
        needs_reference=True,
        sample_rate=_RATE,
        channels=1,
        shortest=_POINTS / _RATE,
        scale=Scale(0.0, math.inf, higher_is_better=False),
        listens_to_level=True,
        licence="Apache-2.0",
        citation="A. Gray and J. Markel, Distance measures for speech processing, IEEE TASSP, 1976",
    )

    def _measure(self, reference: Audio, degraded: Audio) -> float:
        first, second = reference.samples[0], degraded.samples[0]
        strongest = max(float(power.max()) for power in _spectra(first))
        floor = strongest * 10.0 ** (-_RANGE_DB / 10.0)
        total, frames = 0.0, 0
        for ours, theirs in zip(_spectra(first), _spectra(second), strict=True):
            ratio = 10.0 * np.log10(np.maximum(theirs, floor) / np.maximum(ours, floor))
            total += float(np.sqrt(np.mean(ratio**2, axis=1)).sum())
            frames += len(ratio)
        return total / frames


def _spectra(samples: Samples) -> Iterator[_Power]:
    """Yield power spectra `[frame, bin]` of samples `[time]`, block by block."""
    frames = sliding_window_view(samples, _POINTS)[::_HOP]
    for start in range(0, len(frames), _BLOCK):
        spectrum = scipy.fft.rfft(frames[start : start + _BLOCK] * _WINDOW)
        yield np.abs(spectrum) ** 2
