"""ViSQOL's gammatone spectrogram, filtered once per window.

The filters start from rest in every window, so a column depends on the samples under its window
and on nothing else. ViSQOL asks for many windows twice, once in the whole recording and once in a
cut-out patch; here the second time is a look-up. Every band runs the same recursion, so the bands
fill the vector registers of one core; the order of operations within a band is that of
visqol-python's own kernel, hence the same bits.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from visqol.analysis_window import AnalysisWindow
from visqol.gammatone import make_erb_filters

_Array = NDArray[np.float64]

SAMPLE_RATE: Final = 48000
WINDOW: Final = AnalysisWindow(SAMPLE_RATE)
HOP: Final = WINDOW.hop_size
_BANDS: Final = 32
_LOWEST: Final = 50.0


class Recording:
    """Mono samples at 48 kHz and their spectrogram, `[band, frame]`, RMS per 80 ms window.

    Raises `ValueError` for samples that do not exceed one window.
    """

    def __init__(self, samples: _Array) -> None:
        self.samples = samples
        self.spectrogram = spectrogram(samples)
        self._parts: dict[tuple[int, int], _Array] = {}

    def part(self, part: _Array, start: int) -> _Array:
        """Return the spectrogram of `part`, cheaply if it stands at sample `start`."""
        if start < 0 or not np.array_equal(self.samples[start : start + part.size], part):
            return spectrogram(part)
        if start % HOP == 0:
            return self.spectrogram[:, start // HOP :][:, : _columns(part)]
        key = start, part.size
        if key not in self._parts:
            self._parts[key] = spectrogram(part)
        return self._parts[key]


def spectrogram(samples: _Array) -> _Array:
    """Return RMS per band and frame, `[band, frame]`, lowest band first, of mono 48 kHz `samples`.

    Raises `ValueError` for samples that do not exceed one window.
    """
    if samples.size <= WINDOW.size:
        raise ValueError(f"a spectrogram needs more than {WINDOW.size} samples")
    return _filter(samples, WINDOW.hann_window, *_COEFFICIENTS, HOP, _columns(samples))


def _columns(samples: _Array) -> int:
    return 1 + (samples.size - WINDOW.size) // HOP


def _coefficients() -> tuple[_Array, _Array]:
    """Numerators `[stage, tap, band]`, whose third tap is zero, and poles `[tap, band]`."""
    filters = make_erb_filters(SAMPLE_RATE, _BANDS, _LOWEST, SAMPLE_RATE / 2)
    start, *middles, _, _, pole1, pole2, gain = filters.filter_coeffs[:, ::-1]
    numerators = np.stack([np.stack([start, middle]) for middle in middles])
    numerators[0] /= gain
    return numerators, np.stack([pole1, pole2])


_COEFFICIENTS: Final = _coefficients()


@njit(cache=True)
def _filter(
    signal: _Array, hann: _Array, numerators: _Array, poles: _Array, hop: int, columns: int
) -> _Array:
    """RMS per band and frame, `[band, frame]`, after four second-order sections."""
    bands = poles.shape[1]
    out = np.zeros((bands, columns))
    state = np.empty((4, 2, bands))
    carried = np.empty(bands)
    energy = np.empty(bands)
    for column in range(columns):
        state[:] = 0.0
        energy[:] = 0.0
        for index in range(hann.size):
            sample = signal[column * hop + index] * hann[index]
            for band in range(bands):
                carried[band] = sample
            for stage in range(4):
                for band in range(bands):
                    x = carried[band]
                    y = numerators[stage, 0, band] * x + state[stage, 0, band]
                    state[stage, 0, band] = (
                        numerators[stage, 1, band] * x - poles[0, band] * y + state[stage, 1, band]
                    )
                    state[stage, 1, band] = -poles[1, band] * y
                    carried[band] = y
            for band in range(bands):
                energy[band] += carried[band] * carried[band]
        for band in range(bands):
            out[band, column] = np.sqrt(energy[band] / hann.size)
    return out
