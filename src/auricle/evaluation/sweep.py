"""Clips through codecs at bitrates, and what metrics say of the result: kept as it is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from auricle.core.audio import Audio
from auricle.core.errors import InputError, LabelError
from auricle.data.workers import run_tasks
from auricle.degrade.codecs import Coded, code
from auricle.degrade.programs import Program, run_program
from auricle.evaluation.identities import identify_degrading
from auricle.evaluation.journal import Journal
from auricle.evaluation.rated_metrics import score_audio
from auricle.evaluation.sweep_plan import Clip, SweepPlan, find_clip, read_clip, setting_of

Progress = Callable[[int, int], None]

ORIGINAL = ""
"""The codec of a clip that was not encoded."""


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """What a metric said of a clip after a codec.

    `nominal` is the bitrate asked for, `setting` the one that the codec was set to, `bitrate` what
    it took, all in bit/s and 0 for the `ORIGINAL`. `interval` is the metric's own, empty where it
    tells none.
    """

    clip: str
    codec: str
    nominal: int
    setting: int
    bitrate: float
    metric: str
    score: float
    interval: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class SweepFailure:
    """Why there is no score: of a clip, or of what a codec and a bitrate (bit/s) made of it."""

    clip: str
    message: str
    codec: str = ""
    nominal: int = 0
    metric: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A plan, the clips that could be read, and a point or a failure for all that was to do.

    `computed` counts the encodings of this run; what was known from a run before is not in it.
    """

    plan: SweepPlan
    clips: tuple[Clip, ...]
    points: tuple[SweepPoint, ...]
    failures: tuple[SweepFailure, ...]
    computed: int


@dataclass(frozen=True, slots=True)
class _Task:
    """A clip to encode once, and the metrics that are to listen, by the key of their values."""

    clip: Clip
    codec: str | Program
    setting: int
    metrics: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Value:
    key: str
    facts: dict[str, Any]


def run_sweep(
    plan: SweepPlan,
    files: Sequence[str],
    folder: Path,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Sweep:
    """Encode and score all files as planned, in `jobs` processes; of equal files only the first.

    Values are kept in `folder`, under `scores/`, as they are found, so that an interrupted or a
    repeated run computes only what is new. They are known by the SHA-256 of the file, what was
    done to it, the metric's identity and the versions of the packages that encode. What programs
    made is computed anew every time, as they may have changed, and so are failures. A codec's
    settings that fall together are computed once. `progress` is told how many encodings of how
    many are done.
    """
    clips, failures = _find_clips(plan, files)
    journal = Journal(folder / "scores" / "sweep.jsonl")
    tasks = list(
        {task.metrics: task for clip in clips for task in _plan_tasks(plan, clip)}.values()
    )
    lasting = {key for one in tasks if isinstance(one.codec, str) for _, key in one.metrics}
    found = {key: facts for key in lasting if (facts := journal.get(key)) is not None}
    waiting = [left for one in tasks if (left := _leave_out(one, found)).metrics]
    for done, values in enumerate(run_tasks(_work, waiting, min(jobs, len(waiting))), start=1):
        for value in values:
            found[value.key] = value.facts
            if value.key in lasting and "error" not in value.facts:
                journal.put(value.key, value.facts)
        if progress is not None:
            progress(done, len(waiting))
    points, more = _collect(plan, clips, found)
    return Sweep(plan, tuple(clips), tuple(points), (*failures, *more), len(waiting))


def _find_clips(plan: SweepPlan, files: Sequence[str]) -> tuple[list[Clip], list[SweepFailure]]:
    clips: dict[str, Clip] = {}
    failures = []
    for file in dict.fromkeys(files):
        try:
            clip = find_clip(file, plan.excerpt)
        except InputError as error:
            failures.append(SweepFailure(file, str(error)))
        else:
            # A copy would make intervals narrower than what is known.
            clips.setdefault(clip.sha256, clip)
    return list(clips.values()), failures


def _plan_tasks(plan: SweepPlan, clip: Clip) -> list[_Task]:
    steps = [(ORIGINAL, 0), *((name, rate) for name in plan.codecs for rate in plan.bitrates)]
    return [
        *(_task(plan, clip, codec, _setting(plan, codec, rate, clip)) for codec, rate in steps),
        *(_task(plan, clip, one, rate) for one in plan.programs for rate in plan.bitrates),
    ]


def _task(plan: SweepPlan, clip: Clip, codec: str | Program, setting: int) -> _Task:
    name = codec if isinstance(codec, str) else codec.name
    keys = tuple((one.name, _key(clip, name, setting, one.identity)) for one in plan.contenders)
    return _Task(clip, codec, setting, keys)


def _setting(plan: SweepPlan, codec: str, nominal: int, clip: Clip) -> int:
    return setting_of(codec, nominal, clip) if codec in plan.codecs else nominal


def _key(clip: Clip, codec: str, setting: int, metric: str) -> str:
    facts = [clip.sha256, clip.excerpt, codec, setting, metric, identify_degrading()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _leave_out(task: _Task, found: dict[str, dict[str, Any]]) -> _Task:
    """Return a task without the values that are known."""
    return replace(task, metrics=tuple(one for one in task.metrics if one[1] not in found))


def _work(task: _Task) -> list[_Value]:
    try:
        reference = read_clip(task.clip)
        coded = _encode(reference, task)
    except InputError as error:
        return [_Value(key, {"error": str(error)}) for _, key in task.metrics]
    values = []
    for metric, key in task.metrics:
        try:
            score = score_audio(metric, reference, coded.audio)
        except (InputError, LabelError) as error:
            values.append(_Value(key, {"error": str(error)}))
        else:
            facts = {"bitrate": coded.bitrate, "score": score.value}
            values.append(_Value(key, facts | {"interval": list(score.interval)}))
    return values


def _encode(audio: Audio, task: _Task) -> Coded:
    if isinstance(task.codec, Program):
        return run_program(audio, task.codec, task.setting)
    if task.codec == ORIGINAL:
        return Coded(audio, 0.0)
    return code(audio, task.codec, task.setting)


def _collect(
    plan: SweepPlan, clips: Sequence[Clip], found: dict[str, dict[str, Any]]
) -> tuple[list[SweepPoint], list[SweepFailure]]:
    """Return a point or a failure for each clip, codec, bitrate and metric, in this order."""
    points, failures = [], []
    steps = [(ORIGINAL, 0), *((name, rate) for name in plan.names for rate in plan.bitrates)]
    for clip in clips:
        for codec, nominal in steps:
            setting = _setting(plan, codec, nominal, clip)
            for one in plan.contenders:
                facts = found[_key(clip, codec, setting, one.identity)]
                if "error" in facts:
                    told = SweepFailure(clip.name, facts["error"], codec, nominal, one.name)
                    failures.append(told)
                    continue
                bitrate, interval = facts["bitrate"], tuple(facts["interval"])
                points.append(
                    SweepPoint(
                        *(clip.name, codec, nominal, setting, bitrate, one.name),
                        facts["score"],
                        interval,
                    )
                )
    return points, failures
