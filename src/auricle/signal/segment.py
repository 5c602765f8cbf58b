"""Cutting a stream of any length into windows, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from auricle.core.audio import Samples


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Samples `[time]` from sample `start` on; the previous segment held the first `seen` too."""

    start: int
    samples: Samples
    seen: int = 0

    @property
    def fresh(self) -> int:
        """Number of samples that no earlier segment held."""
        return self.samples.size - self.seen


def split_segments(blocks: Iterable[Samples], length: int) -> Iterator[Segment]:
    """Yield consecutive windows of `length` samples from mono blocks `[time]`.

    The last window is moved back to be full, so nothing is ever padded; only a signal shorter
    than `length` gives one short window. How the signal is cut into blocks does not matter.

    >>> [(s.start, s.samples.size, s.seen) for s in split_segments([np.zeros(25, "f4")], 10)]
    [(0, 10, 0), (10, 10, 0), (15, 10, 5)]
    """
    start = 0
    previous = np.zeros(0, dtype=np.float32)
    parts: list[Samples] = []
    held = 0
    for block in blocks:
        parts.append(block)
        held += block.size
        if held < length:
            continue
        waiting = np.concatenate(parts)
        while waiting.size >= length:
            previous, waiting = waiting[:length], waiting[length:]
            yield Segment(start, previous)
            start += length
        parts, held = [waiting], waiting.size
    rest = np.concatenate(parts) if parts else previous[:0]
    if rest.size:
        seen = min(length - rest.size, previous.size)
        yield Segment(start - seen, np.concatenate([previous[previous.size - seen :], rest]), seen)
