"""ViSQOL's alignment in time: the lag at which two upper envelopes agree best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyfftw.interfaces.scipy_fft import irfft, rfft  # type: ignore[import-untyped]
from scipy.fft import next_fast_len

_Array = NDArray[np.float64]


class Envelope:
    """Upper (Hilbert) envelope of real samples; its spectra are kept for the next comparison."""

    def __init__(self, samples: _Array) -> None:
        mean = samples.mean()
        centred = samples - mean
        half = rfft(centred)
        half[0] = 0.0
        if samples.size % 2 == 0:
            half[-1] = 0.0
        quadrature = irfft(-1j * half, samples.size)
        self.values: _Array = np.sqrt(centred**2 + quadrature**2) + mean
        self._spectra: dict[int, NDArray[np.complex128]] = {}

    def spectrum(self, points: int) -> NDArray[np.complex128]:
        """Return the one-sided spectrum of the envelope padded with zeros to `points`."""
        if points not in self._spectra:
            self._spectra[points] = rfft(self.values, points)
        return self._spectra[points]


def find_lag(reference: Envelope, degraded: Envelope) -> int:
    """Return by how many samples to delay the degraded signal, 0 where no lag is credible.

    ViSQOL believes no lag beyond half of the reference.
    """
    furthest = max(reference.values.size, degraded.values.size) - 1
    points = next_fast_len(2 * furthest + 1, real=True)
    product = reference.spectrum(points) * degraded.spectrum(points).conj()
    correlation = irfft(product, points)
    around = np.concatenate((correlation[points - furthest :], correlation[: furthest + 1]))
    lag = int(np.argmax(around)) - furthest
    return lag if abs(lag) <= reference.values.size / 2 else 0


def delay(samples: _Array, lag: int) -> _Array:
    """Return `samples` with `lag` zeros in front or, when it is negative, without its start."""
    return samples[-lag:] if lag < 0 else np.concatenate((np.zeros(lag), samples))
