"""Clips on the rungs of ladders, and what metrics say of them: kept on disk as it is found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from pathlib import Path

from auricle.core.audio import Audio
from auricle.core.errors import AuricleError, SignalError, UnreadableFileError
from auricle.core.score import Score
from auricle.data.excerpts import estimate_bandwidth
from auricle.data.workers import run_tasks
from auricle.degrade.base import apply_cascade, parse_cascade
from auricle.evaluation.identities import identify_degrading, identify_file
from auricle.evaluation.journal import Journal
from auricle.evaluation.rated_metrics import Contender, score_audio
from auricle.signal.io import read_audio

Progress = Callable[[int, int], None]

# What takes away everything above a frequency and little below, and which part of its value that
# frequency is.
_CUTS = {"lowpass": 1.0, "anchor": 1.0, "resample": 0.5}

_FACTS = ("value", "margin", "error", "refused")


@dataclass(frozen=True, slots=True)
class Rung:
    """What became of a clip on a rung.

    `audio` is the SHA-256 of the samples that came out, empty where there are none: `unfelt` says
    why the clip cannot feel the process, `error` why the process, or reading the clip, failed.
    """

    clip: Path
    process: str
    audio: str = ""
    unfelt: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class RungScore:
    """What a metric said of a clip on a rung: a `value` on its own scale, or why there is none.

    `margin` is half the width of the metric's own interval, None from metrics that tell none. With
    `refused` the reason lies in the samples, not in the metric: trying again is no use.
    """

    clip: Path
    process: str
    metric: str
    value: float | None = None
    margin: float | None = None
    error: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class _Task:
    clip: Path
    sha256: str
    process: str
    metrics: tuple[str, ...]


class Climb:
    """A folder that keeps, in `scores/`, how clips were degraded and what metrics said of them.

    A value is known by the metric's identity, the SHA-256 of the clip's file and that of the
    samples that were judged; which samples a process makes, by the SHA-256 of the file and the
    versions of Auricle and of the packages that degrade. That a metric refuses samples is kept as
    well; whatever else fails is tried again.
    """

    def __init__(self, folder: Path, contenders: Sequence[Contender]) -> None:
        kept = folder / "scores"
        self._names = [one.name for one in contenders]
        self._scores = {
            one.name: Journal(kept / f"{one.identity[:16]}.jsonl") for one in contenders
        }
        self._rungs = Journal(kept / f"rungs-{identify_degrading()[:16]}.jsonl")
        self._hashed = cache(identify_file)

    def score(
        self,
        clips: Sequence[Path],
        processes: Sequence[str],
        *,
        jobs: int = 1,
        progress: Progress | None = None,
    ) -> Iterator[tuple[Rung, list[RungScore]]]:
        """Yield every clip under every process, as they are found, with a score of every metric.

        A clip is degraded once for all metrics, and only where something is not known yet. Where
        there is no audio there are no scores either.
        """
        tasks = []
        for clip, process in product(clips, processes):
            known = self._recall(clip, process)
            if isinstance(known, _Task):
                tasks.append(known)
            else:
                yield known
        for done, (rung, scores) in enumerate(run_tasks(_climb, tasks, min(jobs, len(tasks))), 1):
            self._keep(rung, scores)
            yield rung, [*self._known(rung), *(one for one in scores if not _lasts(one))]
            if progress is not None:
                progress(done, len(tasks))

    def _recall(self, clip: Path, process: str) -> tuple[Rung, list[RungScore]] | _Task:
        """Return what is known of a clip under a process, or what there is to do."""
        if not clip.is_file():
            return Rung(clip, process, error="it is no file, nor a folder that holds audio"), []
        try:
            facts = self._rungs.get(f"{self._hashed(clip)} {process}")
        except UnreadableFileError as error:
            return Rung(clip, process, error=str(error)), []
        if facts is None:
            return _Task(clip, self._hashed(clip), process, tuple(self._names))
        rung = Rung(clip, process, **facts)
        scores = self._known(rung)
        if rung.unfelt or len(scores) == len(self._names):
            return rung, scores
        known = {score.metric for score in scores}
        missing = tuple(name for name in self._names if name not in known)
        return _Task(clip, self._hashed(clip), process, missing)

    def _known(self, rung: Rung) -> list[RungScore]:
        key = self._key(rung)
        found = ((name, self._scores[name].get(key)) for name in self._names)
        return [
            RungScore(rung.clip, rung.process, name, **facts)
            for name, facts in found
            if facts is not None
        ]

    def _keep(self, rung: Rung, scores: Sequence[RungScore]) -> None:
        if rung.error:
            return
        self._rungs.put(
            f"{self._hashed(rung.clip)} {rung.process}",
            {"audio": rung.audio, "unfelt": rung.unfelt},
        )
        for score in scores:
            if _lasts(score):
                facts = {name: getattr(score, name) for name in _FACTS}
                self._scores[score.metric].put(self._key(rung), facts)

    def _key(self, rung: Rung) -> str:
        return f"{self._hashed(rung.clip)}-{rung.audio}"


def _climb(task: _Task) -> tuple[Rung, list[RungScore]]:
    """Degrade a clip and ask metrics about it; what fails is told, not raised."""
    try:
        clip = _read(task.clip, task.sha256)
        unfelt = _explain_unfelt(clip, task.process)
        if unfelt:
            return Rung(task.clip, task.process, unfelt=unfelt), []
        degraded = apply_cascade(clip, parse_cascade(task.process))
    except AuricleError as error:
        return Rung(task.clip, task.process, error=str(error)), []
    audio = hashlib.sha256(degraded.samples.tobytes()).hexdigest()
    scores = [_judge(task, name, clip, degraded) for name in task.metrics]
    return Rung(task.clip, task.process, audio), scores


def _judge(task: _Task, name: str, clip: Audio, degraded: Audio) -> RungScore:
    try:
        score = score_audio(name, clip, degraded)
    except AuricleError as error:
        refused = isinstance(error, SignalError)
        return RungScore(task.clip, task.process, name, error=str(error), refused=refused)
    return RungScore(task.clip, task.process, name, score.value, _margin(score))


def _lasts(score: RungScore) -> bool:
    return score.value is not None or score.refused


def _margin(score: Score) -> float | None:
    if not score.interval:
        return None
    low, high = score.interval
    return (high - low) / 2.0


def _explain_unfelt(clip: Audio, process: str) -> str:
    """Say why a process takes away nothing that the clip has; "" when it may."""
    cascade = parse_cascade(process)
    if not cascade or any(one.kind not in _CUTS for one in cascade):
        return ""
    cut = min(_CUTS[one.kind] * one.value for one in cascade)
    if 2.0 * cut >= clip.sample_rate:
        return f"the clip is sampled at {clip.sample_rate} Hz"
    end = estimate_bandwidth(clip.samples, clip.sample_rate)
    return f"the clip ends at {end / 1000:.1f} kHz" if end <= cut else ""


@lru_cache(maxsize=1)
def _read(path: Path, sha256: str) -> Audio:
    """Read a clip, once for all of its rungs while the file stays as it is."""
    return read_audio(path)
