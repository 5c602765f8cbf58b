"""The log-mel front end: one implementation for training and inference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import scipy.fft
import scipy.sparse
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from auricle.core.audio import Samples
from auricle.core.errors import ConfigError, SignalError

# Frames transformed at a time: keeps the working set in the processor's cache.
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class LogMel:
    """Log-mel spectrogram `[frame, mel]` in 0..1 from mono samples `[time]`.

    The mean is taken off first: an offset is not heard, but would be the loudest bin. Frames
    are centred (zero-padded by half a window), weighted by a periodic Hann window, and summed
    in power by triangular mel filters (Slaney's scale, unit area).

    `level` says what 0 dB is: `"maximum"`, the loudest bin of the clip, which makes the result
    independent of gain, or `"absolute"`, a full-scale sine at the peak of the lowest filter (unit
    area makes higher, wider filters pass less of one). Values below `-range_db` are clamped.
    Bands that reach beyond `ceiling` (Hz) are left empty: hardly anybody hears them, and whether a
    recording has them depends on its sample rate.
    `scale` says how dB become 0..1: `"fixed"` divides by `range_db`, `"min_max"` stretches each
    clip to 0..1, as Kasperuk and Zielinski (2024, Sec. III.C) do with 256 bands, a window of
    2048 and a hop of 256 samples at 48 kHz (10 s give 1876 frames).

    >>> rng = np.random.default_rng(0)
    >>> LogMel()(rng.standard_normal(480000).astype(np.float32)).shape
    (1876, 256)
    """

    sample_rate: int = 48000
    n_fft: int = 2048
    hop: int = 256
    n_mels: int = 256
    range_db: float = 80.0
    ceiling: float | None = None
    level: Literal["maximum", "absolute"] = "maximum"
    scale: Literal["fixed", "min_max"] = "fixed"

    def __post_init__(self) -> None:
        if min(self.sample_rate, self.n_fft, self.hop, self.n_mels) < 1 or self.range_db <= 0:
            raise ConfigError("a log-mel front end needs positive sizes")

    def frames(self, samples: int) -> int:
        """Number of frames that so many samples give."""
        return samples // self.hop + 1

    def __call__(self, samples: Samples) -> NDArray[np.float32]:
        """Return `[frame, mel]` for samples `[time]`.

        Digital silence is at the floor everywhere. Raises `SignalError` for another shape and for
        no samples.
        """
        if samples.ndim != 1 or samples.size == 0:
            raise SignalError(f"a log-mel spectrogram needs samples [time], not {samples.shape}")
        power = self._mel_power(samples)
        if self.ceiling is not None:
            power[:, mel_edges(self.sample_rate, self.n_mels)[2:] > self.ceiling] = 0.0
        # A full-scale sine puts (n_fft / 4)^2 into its bin (Hann window, amplitude 1/2 per side).
        zero_db = (self.n_fft / 4) ** 2 * _peak(self)
        if self.level == "maximum":
            zero_db = float(power.max()) or zero_db
        decibel = 10.0 * np.log10(np.maximum(power / zero_db, 1e-20))
        scaled: NDArray[np.float32] = np.clip(decibel / self.range_db + 1.0, 0.0, 1.0)
        scaled = scaled.astype(np.float32)
        if self.scale == "min_max":
            low, high = scaled.min(), scaled.max()
            scaled = (scaled - low) / max(float(high - low), 1e-6)
        return scaled

    def _mel_power(self, samples: Samples) -> NDArray[np.float32]:
        window = np.hanning(self.n_fft + 1)[:-1].astype(np.float32)
        filters = mel_filters(self.sample_rate, self.n_fft, self.n_mels)
        padded = np.pad(samples - samples.mean(dtype=np.float64), self.n_fft // 2)
        padded = padded.astype(np.float32)
        if padded.size < self.n_fft:
            padded = np.pad(padded, (0, self.n_fft - padded.size))
        views = sliding_window_view(padded, self.n_fft)[:: self.hop][: self.frames(samples.size)]
        power = np.empty((len(views), self.n_mels), dtype=np.float32)
        for begin in range(0, len(views), _BLOCK):
            spectrum = scipy.fft.rfft(views[begin : begin + _BLOCK] * window, axis=-1)
            energy = spectrum.real**2 + spectrum.imag**2
            power[begin : begin + _BLOCK] = (filters @ energy.T).T
        return power


def _peak(front_end: LogMel) -> float:
    """Largest filter weight: what a full-scale sine passes at most."""
    filters = mel_filters(front_end.sample_rate, front_end.n_fft, front_end.n_mels)
    return float(filters.max())


def mel_edges(sample_rate: int, n_mels: int) -> NDArray[np.float64]:
    """Return the `n_mels + 2` corner frequencies in Hz: filter `i` peaks at corner `i + 1`.

    >>> mel_edges(48000, 256)[[0, -1]].round().tolist()
    [0.0, 24000.0]
    """
    return mel_to_hertz(np.linspace(0.0, hertz_to_mel(sample_rate / 2), n_mels + 2))


@lru_cache(maxsize=8)
def mel_filters(sample_rate: int, n_fft: int, n_mels: int) -> scipy.sparse.csr_array:
    """Return triangular filters `[mel, bin]` on Slaney's scale, sparse: most weights are zero."""
    bins = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    edges = mel_edges(sample_rate, n_mels)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    triangles *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return scipy.sparse.csr_array(triangles.astype(np.float32))


# Slaney's mel scale (Auditory Toolbox, 1998): linear to 1 kHz, then 27 steps per factor of 6.4.
_LINEAR_STEP = 200.0 / 3.0
_BREAK_HERTZ = 1000.0
_BREAK_MEL = _BREAK_HERTZ / _LINEAR_STEP
_LOG_STEP = np.log(6.4) / 27.0


def hertz_to_mel(hertz: float) -> float:
    """Return a frequency on Slaney's mel scale."""
    if hertz < _BREAK_HERTZ:
        return hertz / _LINEAR_STEP
    return float(_BREAK_MEL + np.log(hertz / _BREAK_HERTZ) / _LOG_STEP)


def mel_to_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the frequencies in Hz of places on Slaney's mel scale."""
    linear = mel * _LINEAR_STEP
    return np.where(mel < _BREAK_MEL, linear, _BREAK_HERTZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL)))
