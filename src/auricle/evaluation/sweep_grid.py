"""A sweep's values as arrays, and statistics of them bootstrapped over clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import DataError
from auricle.evaluation.rated_metrics import Contender
from auricle.evaluation.sweep import ORIGINAL, Sweep
from auricle.stats.intervals import bootstrap_interval
from auricle.stats.vectors import Vector

CONFIDENCE = 0.95

_RESAMPLES = 1000

Matrix = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Finding:
    """A `value` with its 95% interval, or why there is none; all None where undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A metric's values: clips that have all of them, `[clip, bitrate]` by codec."""

    contender: Contender
    clips: tuple[str, ...]
    original: Vector
    nominal: dict[str, tuple[int, ...]]
    same: dict[str, tuple[tuple[int, ...], ...]]
    rates: dict[str, Matrix]
    scores: dict[str, Matrix]


def lay_out(sweep: Sweep, contender: Contender) -> Grid:
    """Return a metric's values of the clips that have all of them, settings alike as one."""
    points = {
        (one.clip, one.codec, one.nominal): one
        for one in sweep.points
        if one.metric == contender.name
    }
    alive = {codec for _, codec, _ in points}
    codecs = [name for name in sweep.plan.names if name in alive]
    steps = [(ORIGINAL, 0), *((name, rate) for name in codecs for rate in sweep.plan.bitrates)]
    clips = tuple(
        clip.name
        for clip in sweep.clips
        if codecs and all((clip.name, *step) in points for step in steps)
    )
    grid = Grid(
        contender, clips, np.array([points[clip, ORIGINAL, 0].score for clip in clips]),
        {}, {}, {}, {},
    )  # fmt: skip
    for codec in codecs if clips else ():
        rows = [[points[clip, codec, rate] for rate in sweep.plan.bitrates] for clip in clips]
        columns: dict[tuple[int, ...], list[int]] = {}
        for place, column in enumerate(zip(*rows, strict=True)):
            columns.setdefault(tuple(one.setting for one in column), []).append(place)
        kept = [_nearest(sweep.plan.bitrates, places, key) for key, places in columns.items()]
        grid.nominal[codec] = tuple(sweep.plan.bitrates[place] for place in kept)
        grid.same[codec] = tuple(
            tuple(sweep.plan.bitrates[one] for one in places if one != place)
            for place, places in zip(kept, columns.values(), strict=True)
        )
        grid.rates[codec] = np.array([[row[place].bitrate for place in kept] for row in rows])
        grid.scores[codec] = np.array([[row[place].score for place in kept] for row in rows])
    return grid


def _nearest(bitrates: Sequence[int], places: Sequence[int], settings: Sequence[int]) -> int:
    """Return which of several places was asked for what comes nearest to what was set."""
    middle = np.log(settings).mean()
    return min(places, key=lambda place: abs(np.log(bitrates[place]) - middle))


def estimate(statistic: Callable[[Rows], float], clips: int) -> Finding:
    """Return a statistic of clips, given by their places, with its interval over resamples of them.

    Where the statistic raises `DataError` there is no value, and with one clip no interval.
    """

    # Few clips have few different resamples.
    @cache
    def known(rows: bytes) -> float:
        return statistic(np.frombuffer(rows, dtype=np.intp))

    def draw(rows: Vector) -> float:
        return known(np.sort(rows).astype(np.intp).tobytes())

    try:
        value = float(statistic(np.arange(clips)))
    except DataError as error:
        return Finding(None, note=str(error))
    if clips < 2:
        return Finding(value, note="one clip has no interval")
    try:
        found = bootstrap_interval(
            draw, np.arange(clips), confidence=CONFIDENCE, resamples=_RESAMPLES
        )
    except DataError as error:
        return Finding(value, note=f"no interval: {error}")
    return Finding(value, found.low, found.high)
