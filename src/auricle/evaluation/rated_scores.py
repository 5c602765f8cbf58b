"""Values of metrics on rated pairs: computed once, kept on disk, listed when they fail."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from auricle.core.errors import (
    DecodeError,
    InputError,
    LabelError,
    MissingFileError,
    UnreadableFileError,
)
from auricle.data.listening_sets import RatedPair
from auricle.data.workers import run_tasks
from auricle.evaluation.identities import identify_file
from auricle.evaluation.journal import Journal
from auricle.evaluation.rated_metrics import Contender, load_contender, score_pair
from auricle.signal.io import read_audio, write_audio

Progress = Callable[[int, int], None]
# Of these the file is at fault; what else is wrong, another metric may not mind.
_UNREADABLE = (MissingFileError, UnreadableFileError, DecodeError)


@dataclass(frozen=True, slots=True)
class RatedValue:
    """What a metric said of a pair: a `value` on its own scale, or why there is none.

    `low` and `high` are the ends of the metric's own 90% interval, if it tells one. `seconds` is
    the processor time it took, all threads together, `duration` the length of what was judged, both
    in seconds. `unreadable` tells that a file is not there or cannot be read, which no metric can
    help; `error` then names it.
    """

    key: str
    value: float | None = None
    error: str = ""
    seconds: float = 0.0
    duration: float = 0.0
    low: float | None = None
    high: float | None = None
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class _Task:
    metric: str
    key: str
    reference: Path
    degraded: Path


class Studio:
    """A folder that holds what listeners heard, and the values that were found before.

    `audio/` has copies of files that a test's listeners did not hear at their own rate; `scores/`
    a journal of each metric. A value is known by its metric's identity (its version and model, and
    the versions of Auricle and of the package that computes it) and the SHA-256 of both files; what
    else may move it, another library or processor, is not noticed. What a metric could not judge is
    kept, too, and tried again with `retry`; files that cannot be read always are.
    """

    def __init__(self, folder: Path, *, retry: bool = False) -> None:
        self._folder = folder
        self._retry = retry
        self._hashed = cache(identify_file)
        self._heard = cache(self._hear)

    def score(
        self,
        contender: Contender,
        pairs: Sequence[RatedPair],
        *,
        jobs: int = 1,
        progress: Progress | None = None,
    ) -> list[RatedValue]:
        """Return the value of each pair, in order; what is not known yet is computed.

        Pairs of the same files, asked about several attributes, are scored once. An interrupted
        run is taken up where it ended.
        """
        tasks = [self._task(contender, pair) for pair in pairs]
        journal = Journal(self._folder / "scores" / f"{contender.identity[:16]}.jsonl")
        known = {one.key: self._recall(one, journal) for one in tasks}
        waiting = {one.key: one for one in known.values() if isinstance(one, _Task)}
        found = {one.key: one for one in known.values() if isinstance(one, RatedValue)}
        made = run_tasks(_score, list(waiting.values()), min(jobs, len(waiting)))
        for done, value in enumerate(made, start=1):
            found[value.key] = value
            if not value.unreadable:
                facts = asdict(value)
                del facts["unreadable"]
                journal.put(facts.pop("key"), facts)
            if progress is not None:
                progress(done, len(waiting))
        return [found[one.key] for one in tasks]

    def _task(self, contender: Contender, pair: RatedPair) -> _Task | RatedValue:
        files = pair.reference, pair.degraded
        try:
            heard = [self._heard(path, pair.sample_rate) for path in files]
            contents = [self._hashed(path) for path in files]
        except InputError as error:
            told = _find_unreadable(files) or str(error)
            key = f"{pair.reference}|{pair.degraded}"
            return RatedValue(key, error=told, unreadable=isinstance(error, _UNREADABLE))
        key = "-".join(f"{content}@{pair.sample_rate or 'own'}" for content in contents)
        return _Task(contender.name, key, heard[0], heard[1])

    def _recall(self, task: _Task | RatedValue, journal: Journal) -> _Task | RatedValue:
        """Return what was said of a task before; the task itself where that was nothing."""
        facts = journal.get(task.key) if isinstance(task, _Task) else None
        if facts is None or (facts["error"] and self._retry):
            return task
        return RatedValue(key=task.key, **facts)

    def _hear(self, path: Path, sample_rate: int | None) -> Path:
        """Return a file as listeners heard it: itself, or a copy at the rate of their test."""
        if not path.is_file():
            raise MissingFileError(f"{path} is not there")
        if sample_rate is None or read_audio(path).sample_rate == sample_rate:
            return path
        copy = self._folder / "audio" / f"{self._hashed(path)[:16]}-{sample_rate}.wav"
        if not copy.is_file():
            write_audio(copy, read_audio(path, sample_rate=sample_rate))
        return copy


def _score(task: _Task) -> RatedValue:
    # Loaded before the clock starts: that takes as long for one pair as for a thousand.
    load_contender(task.metric)
    begun = processor_seconds()
    try:
        score = score_pair(task.metric, task.reference, task.degraded)
    except (InputError, LabelError) as error:
        unreadable = isinstance(error, _UNREADABLE) and _find_unreadable(
            (task.reference, task.degraded)
        )
        return RatedValue(task.key, error=unreadable or str(error), unreadable=bool(unreadable))
    spent = processor_seconds() - begun
    low, high = score.interval or (None, None)
    return RatedValue(task.key, score.value, "", spent, score.duration, low, high)


def _find_unreadable(files: Sequence[Path]) -> str:
    """Name the first file that cannot be read, and say why; "" where all can."""
    for path in files:
        if not path.is_file():
            return f"{path} is not there"
        try:
            read_audio(path)
        except _UNREADABLE as error:
            return f"{path}: {error}"
    return ""


def processor_seconds() -> float:
    """Processor time of this process and of programs that it ran and that have ended."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system
