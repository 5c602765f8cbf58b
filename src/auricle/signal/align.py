"""Alignment in time: how late a degraded signal is, and the part that two signals share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, InputError, SignalError
from auricle.signal.spectra import LogMel

# Samples correlated at once: bounds the memory that long files take.
_BLOCK = 1 << 18
# Peaks below this (-120 dB of full scale, after removing the mean) count as silence.
_SILENCE = 1e-6
# Waveforms have enough in common when their normalised correlation reaches this, or else its peak
# is so many times what it is anywhere more than some seconds away (vocoders: 1.1, flutter: 2.3).
_COHERENT = 0.4
_SHARP, _AWAY = 3.0, 0.05
# Of their spectra: seconds per step, bands, and the share of the best fit that no delay must reach.
_STEP = 0.005
_BANDS = 24
_CLEARLY = 0.95


def estimate_delay(reference: Audio, degraded: Audio, max_delay: float = 1.0) -> int:
    """Return how many samples `degraded` is late (negative: early), at most `max_delay` seconds.

    The lag at which the cross-correlation of the mono means is largest in magnitude, so neither
    gain, constant offset nor polarity matters; a filter's group delay counts as delay, and purely
    periodic signals are ambiguous by their period. Where the waveforms have little in common, as
    after a vocoder or in a large room, the course of their spectra decides, to within 5 ms (to the
    sample, where the waveforms agree with it), and no delay is assumed unless another one fits
    clearly better.

    Raises `SignalError` when one of them is silent, empty or not finite, `InputError` when the
    sample rates differ, `ConfigError` when `max_delay` isn't positive.

    >>> click = np.zeros(1000)
    >>> click[100] = 1.0
    >>> late = Audio.from_array(-0.5 * np.roll(click, 7), 8000)
    >>> estimate_delay(Audio.from_array(click, 8000), late)
    7
    """
    if reference.sample_rate != degraded.sample_rate:
        raise InputError(
            f"signals at {reference.sample_rate} and {degraded.sample_rate} Hz cannot be aligned"
        )
    if not 0.0 < max_delay < float("inf"):
        raise ConfigError(f"the largest delay must be positive, not {max_delay} s")
    first = _centred(reference, "reference")
    second = _centred(degraded, "degraded signal")
    longest = max(first.size, second.size) - 1
    reach = min(round(max_delay * reference.sample_rate), longest)
    similarity = np.abs(_correlation(first, second, reach))
    lag = int(np.argmax(similarity)) - reach
    scale = np.linalg.norm(first) * np.linalg.norm(second)
    away = round(_AWAY * reference.sample_rate)
    if similarity.max() >= _COHERENT * scale or _stands_out(similarity, away):
        return lag
    step = max(round(_STEP * reference.sample_rate), 1)
    course = _compare_courses(first, second, reference.sample_rate, reach, step)
    # By chance a peak of the waveforms seldom lies so near.
    return lag if abs(lag - course) <= step else course


def _stands_out(similarity: NDArray[np.float64], away: int) -> bool:
    """Whether the peak is sharp: several times all that lies more than `away` lags from it."""
    peak = int(np.argmax(similarity))
    others = np.append(similarity[: max(peak - away, 0)], similarity[peak + away + 1 :])
    return others.size > 0 and bool(similarity[peak] >= _SHARP * others.max())


def _compare_courses(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    sample_rate: int,
    reach: int,
    step: int,
) -> int:
    """Return the lag in samples, a multiple of `step`, at which two spectrograms are most alike."""
    front_end = LogMel(sample_rate, 4 * step, step, n_mels=_BANDS, range_db=60.0)
    ours, theirs = (front_end(signal.astype(np.float32)) for signal in (first, second))
    reach //= step
    similarity = np.zeros(2 * reach + 1)
    for band in range(_BANDS):
        courses = (image[:, band].astype(np.float64) for image in (ours, theirs))
        one, other = (course - course.mean() for course in courses)
        similarity += _correlation(one, other, reach)
    if similarity[reach] >= _CLEARLY * similarity.max():
        return 0
    return (int(np.argmax(similarity)) - reach) * step


def align(reference: Audio, degraded: Audio, max_delay: float = 1.0) -> tuple[Audio, Audio]:
    """Cut both signals to the part they share, after removing the estimated delay.

    Raises what `estimate_delay` raises.

    >>> click = np.zeros(1000)
    >>> click[100] = 1.0
    >>> early = Audio.from_array(click[30:], 8000)
    >>> [audio.frames for audio in align(Audio.from_array(click, 8000), early)]
    [970, 970]
    """
    delay = estimate_delay(reference, degraded, max_delay)
    starts = max(-delay, 0), max(delay, 0)
    frames = min(reference.frames - starts[0], degraded.frames - starts[1])
    return _cut(reference, starts[0], frames), _cut(degraded, starts[1], frames)


def _correlation(
    first: NDArray[np.float64], second: NDArray[np.float64], reach: int
) -> NDArray[np.float64]:
    """Return the sums of first[n] * second[n + lag] for lags -reach..reach, block by block."""
    total = np.zeros(2 * reach + 1)
    block = min(_BLOCK, first.size)
    size = next_fast_len(block + 2 * reach, real=True)
    around = np.pad(second, (reach, max(first.size + reach - second.size, 0)))
    for start in range(0, first.size, block):
        piece = rfft(first[start : start + block], size)
        context = rfft(around[start : start + block + 2 * reach], size)
        total += irfft(context * np.conj(piece), size)[: 2 * reach + 1]
    return total


def _centred(audio: Audio, name: str) -> NDArray[np.float64]:
    mono = audio.samples.mean(axis=0, dtype=np.float64)
    if not np.isfinite(mono).all():
        raise SignalError(f"the {name} holds samples that are not finite")
    centred = mono - mono.mean() if mono.size else mono
    if np.abs(centred).max(initial=0.0) < _SILENCE:
        raise SignalError(f"the {name} is silent: there is nothing to align")
    return np.asarray(centred, dtype=np.float64)


def _cut(audio: Audio, start: int, frames: int) -> Audio:
    samples = audio.samples[:, start : start + frames]
    return Audio.from_array(samples, audio.sample_rate, audio.source)
