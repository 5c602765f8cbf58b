"""Cut excerpts worth using as references out of long recordings, and measure what they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import welch

from auricle.core.audio import Samples
from auricle.core.errors import SignalError

_FFT = 4096
_CLIP_LEVEL = 0.999
_CLIP_RUN = 3


def choose_positions(
    samples: Samples,
    sample_rate: int,
    *,
    seconds: float,
    positions: Sequence[float],
    silence_db: float = -50.0,
) -> list[int]:
    """Choose where excerpts of `seconds` start in `[channel, time]`, as sample indices.

    `positions` are fractions of the range in which an excerpt can start. A near-silent excerpt
    (RMS under `silence_db` dBFS) moves on in half excerpts until there is sound; excerpts don't
    overlap. A recording shorter than two excerpts gives at most one. Raises `SignalError` when
    all of it is near silent.

    >>> tone = np.sin(np.arange(80_000, dtype=np.float32))[np.newaxis]
    >>> choose_positions(tone, 1000, seconds=10.0, positions=[0.3, 0.65])
    [21000, 45500]
    """
    total = samples.shape[1]
    length = min(round(seconds * sample_rate), total)
    wanted = positions if total >= 2 * length else positions[:1]
    starts: list[int] = []
    for fraction in wanted:
        first = round(fraction * (total - length))
        for start in _candidates(first, total - length, length // 2):
            apart = all(abs(start - other) >= length for other in starts)
            if apart and level_db(samples[:, start : start + length]) >= silence_db:
                starts.append(start)
                break
    if not starts:
        raise SignalError("the recording is near silent throughout")
    return sorted(starts)


def _candidates(first: int, last: int, step: int) -> list[int]:
    step = max(step, 1)
    return [*range(first, last + 1, step), *range(first - step, -1, -step)]


def level_db(samples: Samples) -> float:
    """RMS level of `[channel, time]` in dB re full scale; silence is -inf.

    >>> round(level_db(np.full((1, 4), 0.1, dtype=np.float32)), 3)
    -20.0
    """
    power = float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0
    return 10.0 * float(np.log10(power)) if power > 0.0 else -np.inf


def repeat_to(samples: Samples, frames: int) -> Samples:
    """Repeat a loop `[channel, time]` whole until it lasts at least `frames`, then cut there.

    >>> repeat_to(np.array([[1, 2, 3]], dtype=np.float32), 5)
    array([[1., 2., 3., 1., 2.]], dtype=float32)
    """
    times = -(-frames // samples.shape[1])
    return np.ascontiguousarray(np.tile(samples, (1, times))[:, :frames])


def long_term_spectrum(
    samples: Samples, sample_rate: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean power spectrum over time and channels: frequencies in Hz, levels in dB re its maximum.

    >>> frequency, level = long_term_spectrum(np.ones((1, 8192), dtype=np.float32), 8000)
    >>> frequency.shape, float(level.max())
    ((2049,), 0.0)
    """
    length = min(_FFT, samples.shape[1])
    frequency, power = welch(
        samples.astype(np.float64), fs=sample_rate, nperseg=length, detrend=False
    )
    power = np.asarray(power).mean(axis=0)
    peak = max(float(power.max()), 1e-30)
    return np.asarray(frequency), 10.0 * np.log10(np.maximum(power / peak, 1e-20))


def estimate_bandwidth(samples: Samples, sample_rate: int, *, floor_db: float = -80.0) -> float:
    """Estimate the true bandwidth in Hz: the upper edge of the long-term spectrum.

    The edge is the highest frequency whose level, smoothed over 250 Hz, exceeds `floor_db` re the
    maximum, or a steep cliff below it (see `find_cliff`).

    >>> noise = np.random.default_rng(0).normal(0, 0.1, (1, 48_000)).astype(np.float32)
    >>> estimate_bandwidth(noise, 48_000) > 23_000
    True
    """
    frequency, level = long_term_spectrum(samples, sample_rate)
    above = np.flatnonzero(_smooth(level, frequency, 250.0) > floor_db)
    edge = float(frequency[above[-1]]) if above.size else 0.0
    cliff = find_cliff(samples, sample_rate)
    return min(edge, cliff) if cliff is not None else edge


def find_cliff(
    samples: Samples, sample_rate: int, *, drop_db: float = 25.0, lowest: float = 8000.0
) -> float | None:
    """Find a brick-wall low-pass, as lossy coders leave: its frequency in Hz, or None.

    It is where the level falls by at least `drop_db` within 800 Hz, above `lowest` Hz, and stays
    down.

    >>> noise = np.random.default_rng(0).normal(0, 0.1, (1, 48_000)).astype(np.float32)
    >>> find_cliff(noise, 48_000) is None
    True
    """
    frequency, level = long_term_spectrum(samples, sample_rate)
    smooth = _smooth(level, frequency, 250.0)
    half = max(1, round(400.0 / float(frequency[1] - frequency[0])))
    centre = np.arange(half, smooth.size - half)
    drop = smooth[centre - half] - smooth[centre + half]
    drop[frequency[centre] < lowest] = 0.0
    # Of several steps the first one deep enough counts: beyond it only leftovers remain.
    steep = np.flatnonzero(drop >= drop_db)
    for index in steep:
        place = centre[index]
        if smooth[place + half :].max() <= smooth[place - half] - drop_db:
            nearby = drop[index : index + 2 * half]
            return float(frequency[centre[index + int(np.argmax(nearby))]])
    return None


def _smooth(
    level: NDArray[np.float64], frequency: NDArray[np.float64], width: float
) -> NDArray[np.float64]:
    count = max(1, round(width / float(frequency[1] - frequency[0])))
    padded = np.pad(level, (count // 2, count - 1 - count // 2), mode="edge")
    return np.convolve(padded, np.full(count, 1.0 / count), mode="valid")


def is_clipped(samples: Samples) -> bool:
    """Whether any channel stays at or beyond full scale for three samples in a row.

    >>> wave = np.sin(np.arange(100.0) / 9)[np.newaxis].astype(np.float32)
    >>> is_clipped(0.9 * wave), is_clipped(9 * wave)
    (False, True)
    """
    loud = np.abs(samples) >= _CLIP_LEVEL
    frames = loud.shape[1] - _CLIP_RUN + 1
    if frames < 1:
        return False
    runs = np.logical_and.reduce([loud[:, shift : shift + frames] for shift in range(_CLIP_RUN)])
    return bool(runs.any())
