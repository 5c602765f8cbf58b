"""Filters: low-passes of the training material, MUSHRA anchors, high-passes, changes of timbre."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.signal import butter, cheby1, sosfilt

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, SignalError

ANCHOR_CUTOFFS = (3500, 7000)
# Peak to peak in dB: ITU-R BS.1534-3 allows anchors +-0.1 dB in the pass band.
_ANCHOR_RIPPLE = 0.2


def low_pass(audio: Audio, cutoff: int) -> Audio:
    """Filter with a 4th-order Butterworth low-pass, -3 dB at `cutoff` (Hz).

    The filter runs forward only: it is causal and delays low frequencies by its group delay
    (0.42 / `cutoff` seconds, 2.7 samples at 7.5 kHz and 48 kHz). Table II of the paper states the
    order and the cut-off, not the type. Raises `ConfigError` for a cut-off at half the sample rate
    or above, `SignalError` for samples that aren't finite.

    >>> low_pass(Audio.from_array([1.0] * 480, 48000), 3500).frames
    480
    """
    _check(audio, cutoff)
    return _filter(audio, butter(4, cutoff, fs=audio.sample_rate, output="sos"))


def high_pass(audio: Audio, cutoff: int) -> Audio:
    """Filter with a 4th-order Butterworth high-pass, -3 dB at `cutoff` (Hz), causal as `low_pass`.

    Raises `ConfigError` for a cut-off at half the sample rate or above, `SignalError` for samples
    that aren't finite.

    >>> high_pass(Audio.from_array([1.0] * 480, 48000), 300).frames
    480
    """
    _check(audio, cutoff)
    return _filter(audio, butter(4, cutoff, "highpass", fs=audio.sample_rate, output="sos"))


def anchor(audio: Audio, cutoff: int) -> Audio:
    """Make a MUSHRA anchor: 10th-order Chebyshev type I low-pass, edge at 3500 or 7000 Hz.

    The pass band stays within +-0.1 dB as ITU-R BS.1534-3 asks, and the 3.5 kHz anchor is 27.6 dB
    down at 4 kHz (it asks 25); at 4.5 kHz this type and order, the paper's, reaches 46.5 of the 50
    dB. Forward only (causal), as `low_pass`. Raises `ConfigError` for another cut-off or a sample
    rate too low for it, `SignalError` for samples that aren't finite.

    >>> anchor(Audio.from_array([1.0] * 480, 48000), 7000).frames
    480
    """
    if cutoff not in ANCHOR_CUTOFFS:
        raise ConfigError(f"anchors have their edge at 3500 or 7000 Hz, not at {cutoff}")
    _check(audio, cutoff)
    return _filter(audio, cheby1(10, _ANCHOR_RIPPLE, cutoff, fs=audio.sample_rate, output="sos"))


def darken(audio: Audio, slope: int) -> Audio:
    """Let the level fall by `slope` dB per octave above 1 kHz, in zero phase, as duller music does.

    Not a degradation: music is mixed and recorded dark or bright. Raises `SignalError` for samples
    that aren't finite.

    >>> darken(Audio.from_array([0.5] * 480, 48000), 6).samples[0, :3].round(3).tolist()
    [0.5, 0.5, 0.5]
    """
    if not np.isfinite(audio.samples).all():
        raise SignalError("samples that are not finite cannot be filtered")
    # Reflected at both ends: the transform takes the signal for periodic.
    reach = min(audio.frames - 1, audio.sample_rate // 20)
    padded = np.pad(audio.samples.astype(np.float64), ((0, 0), (reach, reach)), "reflect")
    length = next_fast_len(padded.shape[1], real=True)
    frequency = rfftfreq(length, 1.0 / audio.sample_rate)
    gain = np.maximum(frequency / 1000.0, 1.0) ** (-slope / (20.0 * np.log10(2.0)))
    filtered = irfft(gain * rfft(padded, length), length)[:, reach : reach + audio.frames]
    return Audio.from_array(filtered, audio.sample_rate, audio.source)


def _check(audio: Audio, cutoff: int) -> None:
    if not 0 < 2 * cutoff < audio.sample_rate:
        raise ConfigError(
            f"a cut-off of {cutoff} Hz does not lie between 0 and half the sample rate "
            f"({audio.sample_rate / 2:g} Hz)"
        )
    if not np.isfinite(audio.samples).all():
        raise SignalError("samples that are not finite cannot be filtered")


def _filter(audio: Audio, sections: np.ndarray[Any, np.dtype[np.float64]]) -> Audio:
    filtered = sosfilt(sections, audio.samples.astype(np.float64), axis=-1)
    return Audio.from_array(filtered, audio.sample_rate, audio.source)
