"""The mel spectrograms that public encoders of music and sounds were trained on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.sparse
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from auricle.core.errors import SignalError
from auricle.signal.spectra import hertz_to_mel, mel_to_hertz

Floats = NDArray[np.float32]

# The largest value in all spectrograms that aisfx was trained on.
_AISFX_MAXIMUM = 9.457798957824707
# Frames transformed at a time: keeps the working set in the processor's cache.
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class MuqMel:
    """Normalised mel spectrogram in dB `[step, 128]` of mono samples `[time]` at 24 kHz.

    Power summed by triangles of peak one on the HTK mel scale, in dB re 1 (floor -100), less the
    `mean` and over the `deviation` of the training corpus (defaults: the Million Song Dataset's,
    as published with MuQ). Frames are centred, the ends reflected, and the last frame is dropped.

    Zhu et al., MuQ: self-supervised music representation learning with Mel residual vector
    quantization, 2025; the settings are those of its published code.

    >>> MuqMel()(np.ones(24000, np.float32)).shape
    (100, 128)
    """

    mean: float = 6.768444971712967
    deviation: float = 18.417922652295623
    hop: int = 240
    sample_rate: int = 24000

    def __call__(self, samples: Floats) -> Floats:
        """Return `[step, 128]`; raises `SignalError` for under 1025 samples or another shape."""
        filters = _htk_filters(self.sample_rate, 2048, 128)
        padded = _reflect(samples, 1024)
        power = _mel_power(padded, _periodic_hann(2048), self.hop, filters)[:-1]
        decibel = 10.0 * np.log10(np.maximum(power, 1e-10))
        return _normalise(decibel, self.mean, self.deviation)


@dataclass(frozen=True, slots=True)
class M2dMel:
    """Normalised log-mel spectrogram `[step, 80]` of mono samples `[time]`.

    Windows of 25 ms every 10 ms; power summed by Slaney's triangles of unit area from 50 Hz to
    half the sample rate; the natural logarithm, less the `mean` and over the `deviation` that
    belong to the weights. Frames are centred and the ends reflected.

    Niizumi et al., Masked Modeling Duo: learning representations by encouraging both networks to
    model the input, ICASSP 2023; the settings are those of its portable runtime.

    >>> M2dMel()(np.ones(16000, np.float32)).shape
    (101, 80)
    """

    mean: float = -7.1
    deviation: float = 4.2
    sample_rate: int = 16000

    @property
    def hop(self) -> int:
        """Samples from one step to the next."""
        return self.sample_rate // 100

    def __call__(self, samples: Floats) -> Floats:
        """Return `[step, 80]`; raises `SignalError` below 12.6 ms or for another shape."""
        n_fft = self.sample_rate // 40
        filters = _slaney_filters(self.sample_rate, n_fft, 80)
        power = _mel_power(_reflect(samples, n_fft // 2), _periodic_hann(n_fft), self.hop, filters)
        logarithm = np.log(power + np.finfo(np.float32).eps)
        return _normalise(logarithm, self.mean, self.deviation)


@dataclass(frozen=True, slots=True)
class AisfxMel:
    """Compressed mel spectrogram `[step, 96]` of mono samples `[time]` at 44.1 kHz.

    `log10(10000 x + 1)` of the power in 96 HTK mel bands, over the largest value of the training
    corpora. Digital silence is zero. The bands are Essentia's, with which the network was trained:
    triangles on the mel scale whose weights sum to one.

    Ma and Lerch, Representation learning for the automatic indexing of sound effects libraries,
    ISMIR 2022; Bogdanov et al., Essentia, ISMIR 2013.

    >>> AisfxMel()(np.ones(44100, np.float32)).shape
    (45, 96)
    """

    sample_rate: int = 44100
    hop: int = 1024

    def __call__(self, samples: Floats) -> Floats:
        """Return `[step, 96]`; raises `SignalError` for another shape than `[time]`."""
        _check(samples, 1)
        steps = -(-samples.size // self.hop) + 1
        padded = np.pad(samples, (1024, steps * self.hop - samples.size)).astype(np.float32)
        filters = _essentia_filters(self.sample_rate, 2048, 96)
        window = np.hanning(2048).astype(np.float32)
        power = _mel_power(padded, window, self.hop, filters)
        return _normalise(np.log10(1e4 * power + 1.0), 0.0, _AISFX_MAXIMUM)


def _normalise(values: NDArray[np.floating], mean: float, deviation: float) -> Floats:
    return np.asarray((values - mean) / deviation, dtype=np.float32)


def _check(samples: Floats, shortest: int) -> None:
    if samples.ndim != 1:
        raise SignalError(f"a mel spectrogram needs samples [time], not {samples.shape}")
    if samples.size < shortest:
        raise SignalError(f"{samples.size} samples are too few: at least {shortest} are needed")


def _reflect(samples: Floats, reach: int) -> Floats:
    """Mirror the ends, without their first and last samples."""
    _check(samples, reach + 1)
    return np.pad(samples, reach, mode="reflect").astype(np.float32)


@lru_cache(maxsize=4)
def _periodic_hann(length: int) -> Floats:
    return np.hanning(length + 1)[:-1].astype(np.float32)


def _mel_power(padded: Floats, window: Floats, hop: int, filters: scipy.sparse.csr_array) -> Floats:
    """Return `[frame, mel]` for samples `[time]`, of all frames that lie within them."""
    views = sliding_window_view(padded, window.size)[::hop]
    power = np.empty((len(views), filters.shape[0]), dtype=np.float32)
    for begin in range(0, len(views), _BLOCK):
        spectrum = scipy.fft.rfft(views[begin : begin + _BLOCK] * window, axis=-1)
        energy = spectrum.real**2 + spectrum.imag**2
        power[begin : begin + _BLOCK] = (filters @ energy.T).T
    return power


def _triangles(places: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Triangles of peak one `[mel, bin]`; bins and edges are places on one scale."""
    rising = (places - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - places) / np.diff(edges)[1:, None]
    return np.maximum(0.0, np.minimum(rising, falling))


def _htk_mel(hertz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return 2595.0 * np.log10(1.0 + np.asarray(hertz) / 700.0)


def _htk_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    hertz: NDArray[np.float64] = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    return hertz


def _htk_edges(sample_rate: int, n_mels: int) -> NDArray[np.float64]:
    """The `n_mels + 2` corner frequencies in Hz, evenly spaced in mel."""
    return _htk_hertz(np.linspace(0.0, _htk_mel(sample_rate / 2), n_mels + 2))


def _bins(sample_rate: int, n_fft: int) -> NDArray[np.float64]:
    """Frequencies in Hz."""
    return np.arange(n_fft // 2 + 1, dtype=np.float64) * np.float64(sample_rate / n_fft)


def _sparse(filters: NDArray[np.float64]) -> scipy.sparse.csr_array:
    return scipy.sparse.csr_array(filters.astype(np.float32))


@lru_cache(maxsize=2)
def _htk_filters(sample_rate: int, n_fft: int, n_mels: int) -> scipy.sparse.csr_array:
    bins = _bins(sample_rate, n_fft)
    return _sparse(_triangles(bins, _htk_edges(sample_rate, n_mels)))


@lru_cache(maxsize=2)
def _slaney_filters(sample_rate: int, n_fft: int, n_mels: int) -> scipy.sparse.csr_array:
    bins = _bins(sample_rate, n_fft)
    ends = hertz_to_mel(50.0), hertz_to_mel(sample_rate / 2)
    edges = mel_to_hertz(np.linspace(*ends, n_mels + 2))
    return _sparse(_triangles(bins, edges) * (2.0 / (edges[2:] - edges[:-2]))[:, None])


@lru_cache(maxsize=2)
def _essentia_filters(sample_rate: int, n_fft: int, n_mels: int) -> scipy.sparse.csr_array:
    """Triangles that are straight on the mel scale; each one's weights sum to one."""
    bins = _bins(sample_rate, n_fft)
    edges = _htk_edges(sample_rate, n_mels)
    filters = _triangles(_htk_mel(bins), _htk_mel(edges))
    return _sparse(filters / filters.sum(axis=1, keepdims=True))
