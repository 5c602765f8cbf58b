"""ViSQOL's gammatone filter bank with the bands in the inner loop.

The filter bank takes most of ViSQOL's time. Every band runs the same recursion, so the
bands fill the vector registers of one core; the order of operations within a band is that of
visqol-python's own kernel, hence the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from visqol.analysis_window import AnalysisWindow
from visqol.audio_utils import AudioSignal
from visqol.gammatone import GammatoneSpectrogramBuilder, Spectrogram

_Array = NDArray[np.float64]


class VectorisedSpectrogramBuilder(GammatoneSpectrogramBuilder):
    """Drop-in for visqol-python's builder; remembers one reference's spectrogram.

    Several degraded versions of one reference then cost half of the filtering each.
    """

    _signal: AudioSignal | None = None
    _spectrogram: Spectrogram | None = None

    def remember(self, signal: AudioSignal) -> None:
        """Keep the spectrogram of `signal` for later calls of `build` with the same object."""
        if signal is not self._signal:
            self._signal, self._spectrogram = signal, None

    def build(self, signal: AudioSignal, window: AnalysisWindow) -> Spectrogram:
        """Return the spectrogram of `signal`, from memory if it is the remembered one."""
        if signal is not self._signal:
            return super().build(signal, window)
        if self._spectrogram is None:
            self._spectrogram = super().build(signal, window)
        return self._spectrogram

    @staticmethod
    def _build_numba(
        sig: _Array,
        window: AnalysisWindow,
        filter_coeffs: _Array,
        hop_size: int,
        num_cols: int,
        num_bands: int,
    ) -> _Array:
        start, first, second, third, fourth, end, _, pole1, pole2, gain = filter_coeffs
        numerators = np.empty((4, 3, num_bands))
        for stage, middle in enumerate((first, second, third, fourth)):
            numerators[stage] = start, middle, end
        numerators[0] /= gain
        poles = np.stack([pole1, pole2])
        hann = np.asarray(window.hann_window, dtype=np.float64)
        return _spectrogram(sig, hann, numerators, poles, hop_size, num_cols)


@njit(cache=True)
def _spectrogram(
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
                    state[stage, 1, band] = numerators[stage, 2, band] * x - poles[1, band] * y
                    carried[band] = y
            for band in range(bands):
                energy[band] += carried[band] * carried[band]
        for band in range(bands):
            out[band, column] = np.sqrt(energy[band] / hann.size)
    return out
