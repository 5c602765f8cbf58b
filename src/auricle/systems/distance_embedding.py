"""From samples of any length to embeddings and the time that each of them tells of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

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
    """Samples `start` to `end` of a recording."""

    start: int
    end: int


def cut_stretches(samples: int, length: int) -> list[Stretch]:
    """Return consecutive stretches of `length` samples, the last of at least half of that.

    A shorter rest takes half of the stretch before it. Where all others lie does not depend on how
    long the recording is.

    >>> [(stretch.start, stretch.end) for stretch in cut_stretches(23, 10)]
    [(0, 10), (10, 15), (15, 23)]
    """
    ends = [*range(0, samples, length), samples]
    if len(ends) > 2 and 2 * (samples - ends[-2]) < length:
        ends[-2] -= length // 2
    return [Stretch(start, end) for start, end in pairwise(ends)]


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
        """Return `[window, 2]`: from and to which sample of the recording embeddings tell."""
        length = stretch.end - stretch.start
        begin = np.arange(windows) * (self._window or length)
        end = np.append(begin[1:], length)
        return np.asarray(stretch.start + np.stack([begin, end], axis=1), dtype=np.float64)


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
