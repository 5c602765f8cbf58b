"""What a sweep tells: rate-quality curves, how codecs differ, and which clips suffer most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from auricle.core.errors import DataError
from auricle.evaluation.sweep import Sweep
from auricle.evaluation.sweep_grid import Finding, Grid, Rows, estimate, lay_out
from auricle.evaluation.sweep_plan import holds
from auricle.stats.bjontegaard import (
    Delta,
    Interpolation,
    delta_quality,
    delta_rate,
    rate_for,
    rising_points,
)
from auricle.stats.vectors import Vector

FALL = 0.1
"""Share of a curve's range by which quality may fall with rate before rates are not compared."""
FLAT = 0.02
"""Share of a metric's scale below which a curve's range tells no rates."""

_WORST = 3
# In place of the rate of a curve that does not reach a quality: the bootstrap wants numbers.
_NEVER = 1e15


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Means over clips at one setting: `bitrate` (bit/s) as measured, and the metric's score.

    `same` are bitrates that were asked for and gave the same setting for every clip.
    """

    nominal: int
    bitrate: float
    score: Finding
    same: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """A codec by a metric: points by rising nominal bitrate, over `clips` clips."""

    metric: str
    codec: str
    clips: int
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A codec against an anchor by a metric, by Bjontegaard's deltas of the mean curves.

    `rate` is in percent of the anchor's bitrate at equal quality (negative: fewer bits), `quality`
    in the metric's units at equal bitrate (positive: better). The overlaps are shares of what
    either curve covers. `left_out` are bitrates, by codec, that gave no better quality than lower
    ones.
    """

    metric: str
    anchor: str
    codec: str
    rate: Finding
    rate_overlap: float | None
    quality: Finding
    quality_overlap: float | None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """The bitrate (bit/s) that a codec needs for a wanted mean score.

    None as `bitrate.value` says that no bitrate reached it, None as its `high` that not every
    resample of the clips did. `at_most` says that the lowest bitrate was good enough.
    """

    metric: str
    codec: str
    wanted: float
    bitrate: Finding
    at_most: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """A clip that a codec hurts: `drop` is what its score lost against the clip uncoded.

    `beyond` is how much more than the mean clip loses there; both are positive for the worse.
    """

    metric: str
    codec: str
    nominal: int
    clip: str
    score: float
    drop: float
    beyond: float


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a sweep tells.

    By metric: how many clips have a score everywhere (`complete`), and their mean score uncoded.
    """

    curves: tuple[Curve, ...]
    comparisons: tuple[Comparison, ...]
    targets: tuple[Target, ...]
    losses: tuple[Loss, ...]
    complete: dict[str, int]
    originals: dict[str, Finding]


def find_curves(
    sweep: Sweep,
    *,
    anchor: str | None = None,
    interpolation: Interpolation = "pchip",
    targets: Sequence[float] = (),
) -> Findings:
    """Return what a sweep tells of its codecs, each metric for itself.

    Only clips with a score from every codec (but codecs that failed on all clips) at every bitrate
    count: means over different clips would not compare. Intervals are bootstrapped over these
    clips, the same resamples for every codec; one clip gives none. Codecs are compared with the
    `anchor`, or in pairs without one. A target counts for the metrics on whose scale it lies.

    Raises `ConfigError` for an anchor that is not swept and a target on no metric's scale.
    """
    names = sweep.plan.names
    sweep.plan.check(anchor, targets)
    grids = [lay_out(sweep, one) for one in sweep.plan.contenders]
    pairs = [(anchor, name) for name in names if name != anchor] if anchor else []
    return Findings(
        curves=tuple(curve for grid in grids for curve in _draw(grid)),
        comparisons=tuple(
            _compare(grid, *pair, interpolation)
            for grid in grids
            for pair in (pairs or combinations(names, 2))
            if set(pair) <= set(grid.scores)
        ),
        targets=tuple(
            _reach(grid, codec, wanted, interpolation)
            for grid in grids
            for wanted in targets
            if holds(grid.contender, wanted)
            for codec in grid.scores
        ),
        losses=tuple(
            # One clip alone suffers as the mean clip does.
            loss
            for grid in grids
            if len(grid.clips) > 1
            for loss in _find_losses(grid)
        ),
        complete={grid.contender.name: len(grid.clips) for grid in grids},
        originals={
            grid.contender.name: _mean(grid.original) for grid in grids if grid.original.size
        },
    )


def _mean(values: Vector) -> Finding:
    return estimate(lambda rows: float(values[rows].mean()), values.size)


def _draw(grid: Grid) -> list[Curve]:
    return [
        Curve(
            grid.contender.name,
            codec,
            len(grid.clips),
            tuple(
                CurvePoint(nominal, float(rates.mean()), _mean(scores), same)
                for nominal, rates, scores, same in zip(
                    grid.nominal[codec],
                    grid.rates[codec].T,
                    grid.scores[codec].T,
                    grid.same[codec],
                    strict=True,
                )
            ),
        )
        for codec in grid.scores
    ]


def _compare(grid: Grid, anchor: str, codec: str, interpolation: Interpolation) -> Comparison:
    flat = [told for name in (anchor, codec) if (told := _find_flat(grid, name))]

    def rate(rows: Rows) -> Delta:
        if flat:
            raise DataError("; ".join(flat))
        curves = [_rising(*_means(grid, name, rows)) for name in (anchor, codec)]
        return delta_rate(*curves[0], *curves[1], interpolation)

    def quality(rows: Rows) -> Delta:
        first, second = (_means(grid, name, rows) for name in (anchor, codec))
        return delta_quality(*first, *second, interpolation)

    everything = np.arange(len(grid.clips))
    return Comparison(
        *(grid.contender.name, anchor, codec),
        *_with_overlap(rate, everything),
        *_with_overlap(quality, everything),
        tuple(filter(None, (_left_out(grid, name) for name in (anchor, codec)))),
    )


def _find_flat(grid: Grid, codec: str) -> str:
    """Return that a curve is nearly flat if it is: equal qualities are then anywhere on it."""
    _, quality = _means(grid, codec, np.arange(len(grid.clips)))
    span = grid.contender.scale.span
    height = float(np.ptp(quality))
    if not np.isfinite(span) or height >= FLAT * span:
        return ""
    return f"the curve of {codec} is nearly flat: it changes by {height:.2g} in all"


def _with_overlap(delta: Callable[[Rows], Delta], everything: Rows) -> tuple[Finding, float | None]:
    found = estimate(lambda rows: delta(rows).value, everything.size)
    return found, None if found.value is None else delta(everything).overlap


def _means(grid: Grid, codec: str, rows: Rows) -> tuple[Vector, Vector]:
    """Return the mean curve over some clips: kb/s, and qualities of which more is better."""
    quality = grid.contender.sign * grid.scores[codec][rows].mean(axis=0)
    return grid.rates[codec][rows].mean(axis=0) / 1000.0, quality


def _rising(rates: Vector, qualities: Vector) -> tuple[Vector, Vector]:
    kept = rising_points(rates, qualities, FALL)
    return rates[kept], qualities[kept]


def _left_out(grid: Grid, codec: str) -> str:
    try:
        kept = rising_points(*_means(grid, codec, np.arange(len(grid.clips))), FALL)
    except DataError:
        return ""
    names = [
        f"{nominal / 1000:g}"
        for nominal, stays in zip(grid.nominal[codec], kept, strict=True)
        if not stays
    ]
    return f"{codec} {', '.join(names)}" if names else ""


def _reach(grid: Grid, codec: str, wanted: float, interpolation: Interpolation) -> Target:
    def rate(rows: Rows) -> float:
        rates, qualities = _means(grid, codec, rows)
        found = rate_for(rates, qualities, grid.contender.sign * wanted, interpolation)
        return min(found, _NEVER)

    found = estimate(rate, len(grid.clips))
    value, low, high = (
        None if one is None or one > _NEVER / 1e3 else 1000.0 * one
        for one in (found.value, found.low, found.high)
    )
    note = found.note
    if found.value is not None and value is None:
        best = grid.contender.sign * max(_means(grid, codec, np.arange(len(grid.clips)))[1])
        note = f"{best:.4g} at best"
    lowest = float(grid.rates[codec].mean(axis=0).min())
    at_most = value is not None and value <= lowest * (1.0 + 1e-9)
    target = Finding(value, low, high, note)
    return Target(grid.contender.name, codec, wanted, target, at_most)


def _find_losses(grid: Grid) -> list[Loss]:
    """Return the clips that lose most, a few of each codec and bitrate."""
    losses = []
    for codec, scores in grid.scores.items():
        drops = grid.contender.sign * (grid.original[:, np.newaxis] - scores)
        for place, nominal in enumerate(grid.nominal[codec]):
            column = drops[:, place]
            # Those that lose less than the mean do not suffer.
            worst = [row for row in np.argsort(-column)[:_WORST] if column[row] >= column.mean()]
            for row in worst:
                losses.append(
                    Loss(
                        *(grid.contender.name, codec, nominal, grid.clips[row]),
                        *(float(scores[row, place]), float(column[row])),
                        float(column[row] - column.mean()),
                    )
                )
    return losses
