"""What transformers of speech and music see of the samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from auricle.core.audio import Samples
from auricle.core.errors import ConfigError, SignalError
from auricle.signal.spectra import mel_filters

_VARIANCE_FLOOR = 1e-7
_N_FFT = 400
_POWER_FLOOR = 1e-10


@dataclass(frozen=True, slots=True)
class Standardise:
    """Samples `[step, 1]`, with zero mean and unit variance if `do_normalize`.

    As the input of wav2vec 2.0 (Baevski et al., 2020, Sec. 2) and of what follows it: HuBERT,
    WavLM, XLS-R, MERT. Which published weights want it is written in the file
    `preprocessor_config.json` beside them. The variance is raised by 1e-7, as there.

    >>> Standardise()(np.array([1.0, 3.0], dtype=np.float32)).round(3).tolist()
    [[-1.0], [1.0]]
    """

    sample_rate: int = 16000
    do_normalize: bool = True

    def __post_init__(self) -> None:
        if self.sample_rate < 1:
            raise ConfigError(f"a sample rate is positive, not {self.sample_rate}")

    def __call__(self, samples: Samples) -> NDArray[np.float32]:
        """Return `[step, 1]` for mono samples `[time]`.

        Raises `SignalError` for another shape and for no samples.
        """
        _check(samples, 1)
        if self.do_normalize:
            precise = samples.astype(np.float64)
            samples = (precise - precise.mean()) / np.sqrt(precise.var() + _VARIANCE_FLOOR)
        return samples.astype(np.float32)[:, np.newaxis]


@dataclass(frozen=True, slots=True)
class WhisperMel:
    """Log-mel spectrogram `[step, mel]` of Whisper, a step every 10 ms at 16 kHz.

    Frames of 25 ms (periodic Hann window, mirrored at the ends), power in `n_mels` Slaney bands
    up to 8 kHz, log10, clamped 8 below the clip's maximum, then `(x + 4) / 4`: Radford et al.
    (2022, Sec. 2.2), as in the code they published. Unlike theirs, a clip is not padded to 30 s.

    >>> WhisperMel()(np.ones(16000, dtype=np.float32)).shape
    (100, 80)
    """

    n_mels: int = 80
    sample_rate: int = 16000
    hop: int = 160

    def __post_init__(self) -> None:
        if min(self.n_mels, self.sample_rate, self.hop) < 1:
            raise ConfigError("a log-mel front end needs positive sizes")

    def __call__(self, samples: Samples) -> NDArray[np.float32]:
        """Return `[step, mel]` for mono samples `[time]`.

        Raises `SignalError` for another shape and for less than one hop of samples.
        """
        _check(samples, self.hop)
        padded = np.pad(samples.astype(np.float32), _N_FFT // 2, mode="reflect")
        views = sliding_window_view(padded, _N_FFT)[:: self.hop][: samples.size // self.hop]
        window = np.hanning(_N_FFT + 1)[:-1].astype(np.float32)
        spectrum = scipy.fft.rfft(views * window, axis=-1)
        energy = spectrum.real**2 + spectrum.imag**2
        power = (mel_filters(self.sample_rate, _N_FFT, self.n_mels) @ energy.T).T
        level = np.log10(np.maximum(power, _POWER_FLOOR))
        level = (np.maximum(level, level.max() - 8.0) + 4.0) / 4.0
        return np.ascontiguousarray(level, dtype=np.float32)


def _check(samples: Samples, shortest: int) -> None:
    if samples.ndim != 1 or samples.size < shortest:
        raise SignalError(
            f"an encoder needs mono samples [time], at least {shortest} of them, not an array of"
            f" shape {samples.shape}"
        )
