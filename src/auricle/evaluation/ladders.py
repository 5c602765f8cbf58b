"""Whether harder degradation is scored worse: metrics on ladders of degraded clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import ConfigError
from auricle.evaluation.ladder_results import (
    LadderFailure,
    LadderResult,
    LadderResults,
    LeftOut,
    Mean,
    Order,
    Step,
)
from auricle.evaluation.ladder_scores import Climb, Progress, Rung, RungScore
from auricle.evaluation.ladder_table import ALL, CLEAN, LADDERS, Ladder
from auricle.evaluation.rated_metrics import Contender
from auricle.stats.concordance import count_beyond, count_orders, ratio_interval, tau_b

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Ground:
    """Scores by clip, process and metric, and rungs by clip and process."""

    clips: tuple[Path, ...]
    rungs: Mapping[tuple[Path, str], Rung]
    scores: Mapping[tuple[Path, str, str], RungScore]


@dataclass(frozen=True, slots=True)
class _Tally:
    """What is counted of each `[clip]`: pairs `[clip, 3]`, neighbours, tau-b, and those beyond."""

    every: NDArray[np.int64]
    adjacent: NDArray[np.int64]
    tau: Vector
    beyond: NDArray[np.int64]
    margins: bool


def run_ladders(
    contenders: Sequence[Contender],
    clips: Sequence[Path],
    *,
    ladders: Sequence[Ladder] = tuple(LADDERS.values()),
    folder: Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> LadderResults:
    """Degrade clean clips step by step, score every step by every metric, and count the orders.

    Metrics with a reference compare with the clean clip, which is the top rung itself. Scores are
    kept in `folder`/scores, so that another run computes only what is new. `jobs` is the number of
    processes, `progress` is told how many of how many steps were degraded. What fails is listed in
    the results, and the rest goes on. Raises `ConfigError` without a metric, clip or ladder.
    """
    for wanted, name in ((contenders, "metric"), (clips, "clip"), (ladders, "ladder")):
        if not wanted:
            raise ConfigError(f"ladders need at least one {name}")
    files = tuple(dict.fromkeys(clips))
    processes = list(dict.fromkeys((CLEAN, *(text for one in ladders for text in one.rungs))))
    with ExitStack() as stack:
        kept = folder or Path(stack.enter_context(TemporaryDirectory()))
        climb = Climb(kept, contenders)
        found = list(climb.score(files, processes, jobs=jobs, progress=progress))
    rungs = {(rung.clip, rung.process): rung for rung, _ in found}
    scores = {(one.clip, one.process, one.metric): one for _, part in found for one in part}
    ground = _Ground(files, rungs, scores)
    return LadderResults(
        contenders=tuple(contenders),
        ladders=tuple(ladders),
        clips=tuple(map(str, files)),
        results=tuple(result for one in contenders for result in _describe(ground, one, ladders)),
        left_out=_find_left_out(ground, ladders),
        failures=_find_failures(ground),
        scores=_sort_scores(ground, contenders, processes),
    )


def _describe(
    ground: _Ground, contender: Contender, ladders: Sequence[Ladder]
) -> list[LadderResult]:
    """Return a metric's results, ladder by ladder and then on all of them."""
    tallies = [_tally(ground, contender, ladder) for ladder in ladders]
    results = [
        _summarise(contender.name, ladder.name, [tally], _curve(ground, contender, ladder))
        for ladder, tally in zip(ladders, tallies, strict=True)
    ]
    return [*results, _summarise(contender.name, ALL, tallies)]


def _tally(ground: _Ground, contender: Contender, ladder: Ladder) -> _Tally:
    texts = (CLEAN, *ladder.rungs)
    missing = np.full((len(ground.clips), len(texts)), np.nan)
    values, margins = missing.copy(), missing.copy()
    for row, clip in enumerate(ground.clips):
        for column, text in enumerate(texts):
            score = ground.scores.get((clip, text, contender.name))
            if _explain_left_out(ground, clip, ladder, text) or score is None:
                continue
            values[row, column] = _or_nan(score.value)
            margins[row, column] = _or_nan(score.margin)
    every = count_orders(contender.sign * values)
    return _Tally(
        every,
        count_orders(contender.sign * values, adjacent=True),
        tau_b(every),
        count_beyond(contender.sign * values, margins),
        margins=not np.isnan(margins).all(),
    )


def _summarise(
    metric: str, ladder: str, tallies: Sequence[_Tally], curve: tuple[Step, ...] = ()
) -> LadderResult:
    every = np.sum([one.every for one in tallies], axis=0)
    adjacent = np.sum([one.adjacent for one in tallies], axis=0)
    taus = np.array([one.tau for one in tallies])
    return LadderResult(
        metric,
        ladder,
        clips=int((every.sum(axis=1) > 0).sum()),
        every=_count(every),
        adjacent=_count(adjacent),
        tau=_mean(np.nan_to_num(taus).sum(axis=0), (~np.isnan(taus)).sum(axis=0)),
        beyond=(
            sum(int(one.beyond.sum()) for one in tallies)
            if any(one.margins for one in tallies)
            else None
        ),
        curve=curve,
    )


def _count(counts: NDArray[np.int64]) -> Order:
    ordered, tied, inverted = (int(count) for count in counts.sum(axis=0))
    share = _mean(counts[:, 0], counts.sum(axis=1))
    return Order(ordered + tied + inverted, ordered, tied, inverted, share)


def _mean(sums: NDArray[Any], weights: NDArray[np.int64]) -> Mean | None:
    """Return the ratio of sums over those clips that have a weight."""
    there = weights > 0
    if not there.any():
        return None
    value = float(sums[there].sum() / weights[there].sum())
    return Mean(value, ratio_interval(sums[there], weights[there]))


def _curve(ground: _Ground, contender: Contender, ladder: Ladder) -> tuple[Step, ...]:
    texts = (CLEAN, *ladder.rungs)
    values = np.array([
        [_hear(ground, clip, text, contender.name) for text in texts] for clip in ground.clips
    ])  # fmt: skip
    changes = values - values[:, :1]
    return tuple(
        Step(text, int((~np.isnan(row)).sum()), _average(row), _average(change))
        for text, row, change in zip(texts, values.T, changes.T, strict=True)
    )


def _average(values: Vector) -> Mean | None:
    return _mean(np.nan_to_num(values), (~np.isnan(values)).astype(np.int64))


def _hear(ground: _Ground, clip: Path, process: str, metric: str) -> float:
    """Return a score; what a clip does not feel leaves it as it is, and with the score it has."""
    heard = CLEAN if ground.rungs[clip, process].unfelt else process
    score = ground.scores.get((clip, heard, metric))
    return np.nan if score is None else _or_nan(score.value)


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def _explain_left_out(ground: _Ground, clip: Path, ladder: Ladder, process: str) -> str:
    """Say why a rung makes no pairs: not felt, or the same samples as a milder one; else ""."""
    rung = ground.rungs[clip, process]
    if rung.unfelt or not rung.audio:
        return rung.unfelt
    texts = (CLEAN, *ladder.rungs)
    for milder in texts[: texts.index(process)]:
        if ground.rungs[clip, milder].audio == rung.audio:
            return f"the same samples as {milder or 'the clean clip'}"
    return ""


def _find_left_out(ground: _Ground, ladders: Sequence[Ladder]) -> tuple[LeftOut, ...]:
    found = (
        (clip, ladder, text, _explain_left_out(ground, clip, ladder, text))
        for ladder in ladders
        for text in ladder.rungs
        for clip in ground.clips
    )
    return tuple(
        LeftOut(str(clip), ladder.name, text, why) for clip, ladder, text, why in found if why
    )


def _find_failures(ground: _Ground) -> tuple[LadderFailure, ...]:
    """Return failures, those of one clip and metric with the same words as one."""
    grouped: dict[tuple[Path, str, str], list[str]] = {}
    for rung in ground.rungs.values():
        if rung.error:
            grouped.setdefault((rung.clip, "", rung.error), []).append(rung.process)
    for score in ground.scores.values():
        if score.error:
            grouped.setdefault((score.clip, score.metric, score.error), []).append(score.process)
    return tuple(
        LadderFailure(str(clip), metric, tuple(processes), message)
        for (clip, metric, message), processes in sorted(grouped.items())
    )


def _sort_scores(
    ground: _Ground, contenders: Sequence[Contender], processes: Sequence[str]
) -> tuple[RungScore, ...]:
    keys = (
        (clip, process, one.name)
        for clip in ground.clips
        for process in processes
        for one in contenders
    )
    return tuple(ground.scores[key] for key in keys if key in ground.scores)
