"""The 45 processes by which music was degraded for codec-quality models, and draws from them.

Besides them, defects that are no codec's, for models that should hear more than codecs.

Source: Tables I and II (41 codec and 4 filter conditions) and section III.B of the study that
trained convolutional networks on ViSQOL labels of low-bitrate music. Its Table I prints the ids
of mp3 as "9-6": eight bitrates between mp2's 1-8 and ADTS's 17 make them 9-16.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from types import MappingProxyType

import numpy as np

from auricle.degrade.base import Process

# kb/s. "ADTS" in the paper is AAC in that container, "ogg" is Vorbis.
_TABLE_I = {
    "mp2": (32, 48, 64, 96, 128, 192, 256, 320),
    "mp3": (32, 48, 64, 96, 128, 192, 256, 320),
    "aac": (24, 32, 48, 64, 96, 128, 192, 256, 320, 512, 700),
    "vorbis": (48, 64, 96, 128, 192),
    "opus": (24, 32, 48, 64, 96, 128, 160, 192, 256),
}
# Hz, 4th-order low-pass filters.
_TABLE_II = (3500, 5000, 7500, 9000)


def _tables() -> Iterator[Process]:
    for codec, rates in _TABLE_I.items():
        yield from (Process(codec, 1000 * rate) for rate in rates)
    yield from (Process("lowpass", cutoff) for cutoff in _TABLE_II)


PROCESSES: Mapping[int, Process] = MappingProxyType(dict(zip(count(1), _tables(), strict=False)))
"""Process by its id in the paper, 1..45."""

REDUNDANT = frozenset({6, 7, 8, 14, 15, 16, 23, 24, 25, 26, 27, 32, 39, 40, 41})
"""Ids left out of the single processes of the training material (section III.B, step 2)."""

DEFECTS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"noise": (10, 55), "clip": (1, 40), "resample": (6_000, 36_000)}
)
"""Lowest and highest dB, % or Hz that `draw_defect` draws."""


def draw_process(rng: np.random.Generator) -> Process:
    """Draw one of the 45 processes, all equally likely.

    >>> draw_process(np.random.default_rng(7)) in PROCESSES.values()
    True
    """
    return PROCESSES[int(rng.integers(1, len(PROCESSES) + 1))]


def draw_cascade(rng: np.random.Generator) -> tuple[Process, Process]:
    """Draw two processes for a cascade, with replacement.

    The paper says "two randomly selected processes from the list of all 45" (section III.B,
    step 3) and doesn't exclude that both are the same: re-encoding is a degradation of its own.

    >>> len(draw_cascade(np.random.default_rng(7)))
    2
    """
    return draw_process(rng), draw_process(rng)


def draw_defect(rng: np.random.Generator) -> tuple[Process, ...]:
    """Draw noise, clipping or a lower sample rate: alone, or before or after one of the 45.

    >>> len(draw_defect(np.random.default_rng(7))) in (1, 2)
    True
    """
    kind = tuple(DEFECTS)[int(rng.integers(len(DEFECTS)))]
    low, high = DEFECTS[kind]
    if kind == "noise":
        value = int(rng.integers(low, high + 1))
    else:
        # Shares and rates evenly in their logarithm, as decibels are by themselves.
        value = round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))
    defect, company = Process(kind, value), draw_process(rng)
    return ((defect,), (defect,), (defect, company), (company, defect))[int(rng.integers(4))]
