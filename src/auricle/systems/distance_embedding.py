"""From samples of any length to embeddings and the time that each of them tells of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Samples
from auricle.core.errors import BundleError, MissingDependencyError
from auricle.signal.front_ends import FrontEnd
from auricle.systems.bundle import DistanceBundle
from auricle.systems.fusion_front_end import read_front_end
from auricle.systems.metric import require_finite
from auricle.systems.session import open_session

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples `start` to `end` of a recording; the first `seen` were in the one before, too."""

    start: int
    end: int
    seen: int


def cut_stretches(samples: int, length: int) -> Iterator[Stretch]:
    """Yield consecutive stretches of `length` samples; the last one is moved back to be full.

    >>> [(s.start, s.end, s.seen) for s in cut_stretches(25, 10)]
    [(0, 10, 0), (10, 20, 0), (15, 25, 5)]
    """
    for begin in range(0, samples, length):
        start = max(0, min(begin, samples - length))
        yield Stretch(start, min(start + length, samples), begin - start)


class Embedder:
    """The front end and network of a bundle.

    Raises `MissingDependencyError` when the bundle holds no ONNX model and torch is not there,
    `BundleError` for what is not understood.
    """

    def __init__(self, bundle: DistanceBundle) -> None:
        config = bundle.config
        self._front_end: FrontEnd = read_front_end(config.encoder)
        if self._front_end.sample_rate != config.sample_rate or config.hop is None:
            raise BundleError(f"{bundle.folder}: rate and hop do not fit its encoder: train again")
        self._network = _onnx_network(bundle) if bundle.has_onnx else _torch_network(bundle)
        self._window = None if config.window is None else config.window * config.hop

    def __call__(self, samples: Samples) -> NDArray[np.float64]:
        """Return `[window, size]` for samples `[time]` of one segment."""
        embeddings = self._network(self._front_end(np.ascontiguousarray(samples)))
        require_finite(embeddings)
        return np.asarray(embeddings, dtype=np.float64)

    def spans(self, stretch: Stretch, windows: int) -> NDArray[np.float64]:
        """Return `[window, 2]`: from and to which sample of the recording embeddings are news."""
        length = stretch.end - stretch.start
        begin = np.arange(windows) * (self._window or length)
        end = np.append(begin[1:], length)
        spans = np.clip(np.stack([begin, end], axis=1), stretch.seen, length)
        return np.asarray(stretch.start + spans, dtype=np.float64)


def _onnx_network(bundle: DistanceBundle) -> Callable[[Floats], Floats]:
    session = open_session(bundle)

    def run(prepared: Floats) -> Floats:
        embeddings: Floats = session.run(["embeddings"], {"prepared": prepared[np.newaxis]})[0]
        return embeddings

    return run


def _torch_network(bundle: DistanceBundle) -> Callable[[Floats], Floats]:
    try:
        from auricle.systems.distance_torch import open_network
    except ImportError as error:
        raise MissingDependencyError(error.name or "torch", extra="train") from error
    return open_network(bundle)
