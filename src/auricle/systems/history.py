"""What a recording went through, read off its spectrogram and a network's answer."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.core.score import History, Trace
from auricle.core.traces import TRACES
from auricle.signal.spectra import LogMel, mel_edges

# A band counts as used when its 95th percentile over time is this far above the floor.
_USED_LEVEL: Final = 0.05
# Without a threshold of its own a system calls lossy what is more likely so than not.
_EVEN: Final = 0.5
# Bit/s or Hz, about half an octave apart: 1000, 1500, 2000, 3000 .. 512000.
_STEPS: Final = np.sort([step << octave for step in (1000, 1500) for octave in range(10)])[:-1]


def read_history(told: ArrayLike, threshold: float | None, bandwidth: float) -> History:
    """Return the history that logits and log2 rates `[trace, 2]` stand for.

    A recording counts as lossy when the probability is above `threshold` (None: one half);
    `bandwidth` is in Hz. No codec is likelier than lossy coding at all: where the network says
    so, the smaller number is told, the one that the threshold was set on.

    >>> told = np.full((len(TRACES), 2), -3.0)
    >>> told[[0, 2]] = [4.0, np.log2(64_000)]
    >>> history = read_history(told, 0.5, 16_000.0)
    >>> history.verdict, history.codec.name, history.codec.rate
    ('lossy', 'mp3', (48000, 96000))
    """
    values = np.asarray(told, dtype=np.float64)
    probabilities = sigmoid(values[:, 0])
    lossy = float(probabilities[TRACES.index("lossy")])
    traces = []
    # Codecs that are told alike keep the order that the network gave them.
    for place in np.argsort(-probabilities, kind="stable").tolist():
        name, probability = TRACES[place], float(probabilities[place])
        told_as = probability if name == "lowpass" else min(probability, lossy)
        traces.append(Trace(name, told_as, _snap_octave(float(values[place, 1]))))
    least = _EVEN if threshold is None else threshold
    return History(
        lossy=lossy,
        verdict="lossy" if lossy > least else "no trace",
        bandwidth_hz=bandwidth,
        traces=tuple(sorted(traces, key=lambda trace: -trace.probability)),
        threshold=least,
    )


def find_band_edge(log_mel: NDArray[np.float32], front_end: LogMel) -> float:
    """Return in Hz where the spectrum of `log_mel` `[frame, mel]` ends; 0 when it is empty.

    That is the upper edge of what rises above the lowest 5% of `range_db` in at least one frame
    of twenty. A front end with a ceiling sees nothing beyond: a spectrum that reaches it ends
    there. Filters are some 350 Hz wide there: how much less power is in the last one than in
    the last that is certainly full says how far up it is filled, by a brick wall at least.

    >>> spectrum = np.fft.rfft(np.random.default_rng(0).normal(0.0, 0.1, 96000))
    >>> limited = np.fft.irfft(np.where(np.arange(48001) < 32_000, spectrum, 0.0))
    >>> round(find_band_edge(LogMel()(limited.astype(np.float32)), LogMel()), -2)
    16000.0
    """
    # Where a recording is cut its spectrum has no end: frames that reach beyond are left out.
    outside = -(-front_end.n_fft // (2 * front_end.hop))
    inner = log_mel[outside:-outside] if len(log_mel) > 2 * outside else log_mel
    level = np.percentile(inner[::8], 95.0, axis=0)
    used = np.flatnonzero(level > _USED_LEVEL)
    if used.size == 0:
        return 0.0
    last = int(used[-1])
    edges = mel_edges(front_end.sample_rate, front_end.n_mels)
    end = front_end.ceiling or front_end.sample_rate / 2
    if last == front_end.n_mels - 1 or edges[last + 3] > end:
        return end
    # Its neighbour above is empty, so the edge lies in the rising half of the last filter, and
    # the filter two below ends where that begins. Power goes with the square of what is filled.
    loss_db = front_end.range_db * float(level[max(last - 2, 0)] - level[last])
    filled = min(1.0, np.sqrt(2.0 * 10.0 ** (-loss_db / 10.0)))
    return float(edges[last] + filled * (edges[last + 1] - edges[last]))


def sigmoid(logit: ArrayLike) -> NDArray[np.float64]:
    """Return the probabilities of logits.

    >>> sigmoid([0.0, 800.0, -800.0]).tolist()
    [0.5, 1.0, 0.0]
    """
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * np.asarray(logit, dtype=np.float64)))


def _snap_octave(log2_rate: float) -> tuple[int, int]:
    """Return the steps nearest to half an octave below and above."""
    steps = np.log2(_STEPS)
    centre = np.clip(log2_rate, steps[0] + 0.5, steps[-1] - 0.5)
    low, high = (int(_STEPS[np.argmin(np.abs(steps - centre - off))]) for off in (-0.5, 0.5))
    return low, high
