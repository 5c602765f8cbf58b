"""The short-time Fourier transform of degradations, 43 ms every 11 ms, and mel bands over it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from auricle.degrade.levels import Floats

Spectra = NDArray[np.complex64]

_OVERLAP = 4


def transform(samples: Floats, sample_rate: int) -> Spectra:
    """Return spectra `[channel, frame, bin]` of samples `[channel, time]` at `sample_rate` (Hz).

    Windows are square-rooted Hann windows of 2048 samples, 512 apart, at 48 kHz and as long in
    time at other rates; silence around the samples lets `invert` bring each of them back.

    >>> transform(np.ones((1, 4800)), 48000).shape
    (1, 13, 1025)
    """
    step = _step(sample_rate)
    margin = (_OVERLAP - 1) * step
    padded = np.pad(
        samples.astype(np.float32), ((0, 0), (margin, margin + -samples.shape[1] % step))
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, _OVERLAP * step, axis=1)
    return np.asarray(rfft(windows[:, ::step] * _window(step), axis=-1))


def invert(spectra: Spectra, sample_rate: int, frames: int) -> Floats:
    """Return the `frames` samples per channel `[channel, time]` of `transform`'s spectra.

    >>> samples = np.sin(np.arange(4800.0))[None]
    >>> bool(np.allclose(invert(transform(samples, 48000), 48000, 4800), samples, atol=1e-6))
    True
    """
    step = _step(sample_rate)
    channels, count, _ = spectra.shape
    # Squared windows add up to half their number.
    pieces = irfft(spectra, _OVERLAP * step, axis=-1) * (_window(step) * (2 / _OVERLAP))
    parts = pieces.reshape(channels, count, _OVERLAP, step)
    summed = np.zeros((channels, count + _OVERLAP - 1, step), np.float32)
    for index in range(_OVERLAP):
        summed[:, index : index + count] += parts[:, :, index]
    start = (_OVERLAP - 1) * step
    return summed.reshape(channels, -1)[:, start : start + frames].astype(np.float64)


def band_starts(sample_rate: int, width: float) -> NDArray[np.int64]:
    """Return the first bins of bands about `width` mel wide, which cover all bins.

    >>> band_starts(48000, 1000.0).tolist()
    [0, 43, 148, 403]
    """
    centres = mel_of_bins(sample_rate)
    count = max(1, round(float(centres[-1]) / width))
    edges = np.linspace(0.0, float(centres[-1]), count, endpoint=False)
    return np.unique(np.searchsorted(centres, edges))


def mel_of_bins(sample_rate: int) -> Floats:
    """Return the frequency of each bin in mel, 2595 log10(1 + f / 700 Hz).

    >>> mel_of_bins(48000)[[0, -1]].round().tolist()
    [0.0, 4016.0]
    """
    bins = _OVERLAP * _step(sample_rate) // 2 + 1
    frequencies = np.linspace(0.0, sample_rate / 2, bins)
    return np.asarray(2595.0 * np.log10(1.0 + frequencies / 700.0))


def _step(sample_rate: int) -> int:
    return int(next_fast_len(max(1, round(512 * sample_rate / 48_000)), real=True))


def _window(step: int) -> NDArray[np.float32]:
    size = _OVERLAP * step
    return np.sin(np.pi * np.arange(size) / size).astype(np.float32)
