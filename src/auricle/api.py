"""The one door: files in, a report out."""

from __future__ import annotations

import glob
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from auricle.catalog import (
    DEFAULT_BANK_METRIC,
    DEFAULT_REFERENCE_METRIC,
    load,
    load_distance_metric,
    load_reference_metric,
)
from auricle.core.errors import (
    ConfigError,
    InputError,
    LabelError,
    MissingFileError,
    UnreadableFileError,
)
from auricle.core.score import AxisScore, History, Moment, Notice, Report, Result, Score
from auricle.data.workers import run_tasks
from auricle.reference.base import PairMetric
from auricle.reference.pairing import Pair
from auricle.signal.io import read_with_notices, search_audio
from auricle.systems.distance_bank import Bank, read_bank
from auricle.systems.metric import Metric

PathLike = str | os.PathLike[str]
Row = dict[str, Any]


def assess(
    paths: PathLike | Iterable[PathLike], metric: str = "codec-music", *, jobs: int = 1
) -> Report:
    """Score files, folders (recursively) and globs; every one of them has its result.

    `metric` is a catalog name or a bundle folder, `jobs` the number of files at a time. A file
    that cannot be scored is a `Result` with its `error`, and the rest goes on. Raises only for
    what concerns the whole request: `UnknownMetricError`, `BundleError`, `ConfigError`.

    >>> report = assess("examples/no-such-file.flac")
    >>> [str(result.error) for result in report.failures]
    ['there is no such file']
    """
    wanted = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    return Report(tuple(score_files(expand_paths(wanted), metric, jobs=jobs)))


def expand_paths(paths: Iterable[PathLike]) -> list[str]:
    """Return the files that files, folders and globs stand for, in order.

    A folder or glob that holds nothing stays as it is, so that its failure shows.

    >>> expand_paths(["examples/*.opus", "examples/*.none"])
    ['examples/opus-32k.opus', 'examples/*.none']
    """
    found: list[str] = []
    for name in [os.fspath(path) for path in paths]:
        found += _expand(name) or [name]
    return found


def _expand(name: str) -> list[str]:
    if os.path.isdir(name):
        return search_audio(name)
    if os.path.exists(name) or not glob.has_magic(name):
        return [name]
    found: list[str] = []
    for match in sorted(glob.glob(name, recursive=True)):
        found += search_audio(match) if os.path.isdir(match) else [match]
    return list(dict.fromkeys(found))


def score_files(files: Iterable[str], metric: str, *, jobs: int = 1) -> Iterator[Result]:
    """Yield the result of each file, in order, as soon as it and those before it are done."""
    if jobs < 1:
        raise ConfigError(f"at least one job is needed, not {jobs}")
    ready = load(metric)
    with ThreadPoolExecutor(jobs) as pool:
        # Not all at once: with many files the queue would grow faster than results are read.
        waiting: deque[Future[Result]] = deque()
        source = iter(files)
        try:
            for file in islice(source, 2 * jobs):
                waiting.append(pool.submit(_score_file, ready, file))
            while waiting:
                yield waiting.popleft().result()
                for file in islice(source, 1):
                    waiting.append(pool.submit(_score_file, ready, file))
        finally:
            for future in waiting:
                future.cancel()


def compare(
    pairs: Iterable[Pair | tuple[PathLike, PathLike]],
    metric: str = DEFAULT_REFERENCE_METRIC,
    *,
    jobs: int = 1,
) -> Report:
    """Compare files with their references; every pair, (reference, degraded), has its result.

    `metric` is a catalog name or a bundle folder, `jobs` the number of processes: with more than
    one, a script needs the guard `if __name__ == "__main__"`. A pair that cannot be compared is a
    `Result` with its `error`, and the rest goes on. Raises only for what concerns the whole
    request: `UnknownMetricError`, `BundleError`, `MissingDependencyError`, `ConfigError`.

    >>> pair = "examples/lossless.flac", "examples/mp3-64k.mp3"
    >>> (result,) = compare([pair], "log-spectral")
    >>> result.reference, result.path, 10.0 < result.score.value < 30.0
    ('examples/lossless.flac', 'examples/mp3-64k.mp3', True)
    """
    return Report(tuple(compare_files([_as_pair(pair) for pair in pairs], metric, jobs=jobs)))


def _as_pair(pair: Pair | tuple[PathLike, PathLike]) -> Pair:
    if isinstance(pair, Pair):
        return pair
    if isinstance(pair, str | os.PathLike) or len(pair) != 2:
        raise ConfigError(f"pairs are tuples (reference, degraded), not {pair!r}")
    reference, degraded = pair
    return Pair(os.fspath(reference), os.fspath(degraded))


def compare_with_bank(
    paths: PathLike | Iterable[PathLike],
    bank: PathLike,
    metric: str | None = None,
    *,
    jobs: int = 1,
) -> Report:
    """Compare files, folders and globs with the clean recordings of a bank, of other content.

    `metric` is the one that made the bank, by default the one of the name that the bank tells.
    Results have the bank as their `reference`; `jobs` and errors are as for `compare`, and a bank
    of another model raises `ConfigError`.
    """
    wanted = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    name = metric or read_bank(Path(bank)).metric
    pairs = [Pair(os.fspath(bank), path) for path in expand_paths(wanted)]
    return Report(tuple(compare_files(pairs, name, jobs=jobs, bank=True)))


def compare_files(
    pairs: Iterable[Pair], metric: str, *, jobs: int = 1, bank: bool = False
) -> Iterator[Result]:
    """Yield the result of each pair, in order, as soon as it and those before it are done.

    With `bank` the reference of a pair is a bank of clean recordings.
    """
    if jobs < 1:
        raise ConfigError(f"at least one job is needed, not {jobs}")
    wanted = list(pairs)
    if bank:
        ready = load_distance_metric(metric)
        for name in {pair.reference for pair in wanted}:
            ready.require_bank(read_bank(Path(name)))
    else:
        load_reference_metric(metric)
    # Processes, not threads: ViSQOL's engine cannot bear several threads.
    tasks = list(enumerate(wanted))
    work = partial(_compare_pair, metric, bank)
    early: dict[int, Result] = {}
    due = 0
    for number, result in run_tasks(work, tasks, min(jobs, len(tasks))):
        early[number] = result
        while due in early:
            yield early.pop(due)
            due += 1


def build_bank(
    paths: PathLike | Iterable[PathLike],
    metric: str = DEFAULT_BANK_METRIC,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Bank:
    """Embed clean recordings, for `compare_with_bank`; save it by `distance_bank.save_bank`.

    `metric` is one that judges by distance, `progress` is told how many of how many are done.
    Raises `InputError` for the first file that cannot be read, `ConfigError` for fewer than two,
    and what loading a metric raises.
    """
    ready = load_distance_metric(metric)
    files = expand_paths([paths] if isinstance(paths, str | os.PathLike) else paths)
    embeddings = []
    for done, file in enumerate(files, start=1):
        try:
            embeddings.append(ready.embed(read_with_notices(file)[0]))
        except InputError as error:
            raise type(error)(f"{file}: {_explain(error, file)}") from error
        if progress is not None:
            progress(done, len(files))
    found = np.array(embeddings).reshape(len(files), -1 if files else 0)
    return Bank(found, tuple(files), ready.spec.full_name, ready.model_sha256)


def to_row(result: Result, *, track: bool = False, explain: bool = False) -> Row:
    """Return a result as the flat, JSON-ready row that docs/output.md describes.

    With `track` it has the score over time, with `explain` the history; metrics of several axes
    add `axes` and, if they tell it, `correlation`, comparisons `reference` and `distance`.

    >>> row = to_row(assess("examples/no-such-file.flac").results[0])
    >>> row["score"], row["error"]["kind"]
    (None, 'missing')
    """
    score, error = result.score, result.error
    row: Row = {
        "path": result.path,
        "metric": result.metric,
        "score": None,
        "interval": None,
        "worst": None,
        "duration": None,
        "warnings": [],
        "error": None if error is None else {"kind": error.kind, "message": str(error)},
        "model_sha256": result.model_sha256,
        "version": version("auricle"),
    }
    if result.reference is not None:
        row = {"reference": result.reference, **row, "distance": None}
    if score is not None:
        row["score"] = round(score.value, 3)
        row["interval"] = [round(bound, 3) for bound in score.interval] or None
        row["worst"] = None if score.worst is None else _moment_row(score.worst)
        row["duration"] = round(score.duration, 3)
        row["warnings"] = [asdict(notice) for notice in score.warnings]
        if score.distance is not None:
            row["distance"] = round(score.distance, 6)
        if score.axes:
            row["axes"] = {axis.name: _axis_row(axis) for axis in score.axes}
        if score.correlation:
            row["correlation"] = [[round(one, 3) for one in line] for line in score.correlation]
    if track:
        row["track"] = [] if score is None else [_moment_row(m) for m in score.track]
    if explain:
        told = None if score is None else score.history
        row["history"] = None if told is None else _history_row(told)
    return row


def _axis_row(axis: AxisScore) -> Row:
    return {
        "score": round(axis.value, 3),
        "interval": [round(bound, 3) for bound in axis.interval],
        "joint": None if axis.joint is None else [round(bound, 3) for bound in axis.joint],
        "scale": [axis.scale.low, axis.scale.high],
    }


def _history_row(history: History) -> Row:
    return {
        "lossy": round(history.lossy, 3),
        "lossy_threshold": round(history.threshold, 3),
        "verdict": history.verdict,
        "codec": None if history.codec is None else history.codec.name,
        "bandwidth_hz": round(history.bandwidth_hz),
        "traces": [
            {
                "name": trace.name,
                "probability": round(trace.probability, 3),
                "low": trace.rate[0],
                "high": trace.rate[1],
            }
            for trace in history.traces
        ],
    }


def _moment_row(moment: Moment) -> Row:
    return {name: round(value, 3) for name, value in asdict(moment).items()}


def _score_file(metric: Metric, path: str) -> Result:
    name, sha256 = metric.spec.full_name, metric.model_sha256
    try:
        return Result(path, name, sha256, score=metric.score_file(path))
    except InputError as error:
        return Result(path, name, sha256, error=_explain(error, path))


def _explain(error: InputError, path: str) -> InputError:
    """Say of a folder or glob that it holds nothing: as a file it would only be unreadable."""
    if os.path.isdir(path):
        try:
            os.scandir(path).close()
        except OSError:
            return UnreadableFileError("the folder cannot be searched: permission denied")
        return MissingFileError("the folder holds no audio files")
    if isinstance(error, MissingFileError) and glob.has_magic(path):
        return MissingFileError("no file matches")
    return error


def _compare_pair(name: str, bank: bool, task: tuple[int, Pair]) -> tuple[int, Result]:
    number, pair = task
    metric = load_reference_metric(name)
    sha256 = metric.model_sha256
    told = partial(Result, pair.degraded, metric.spec.full_name, sha256, reference=pair.reference)
    try:
        score = _score_with_bank(name, pair) if bank else _score_pair(metric, pair)
        return number, told(score=score)
    except (InputError, LabelError) as error:
        return number, told(error=error)


def _score_pair(metric: PairMetric, pair: Pair) -> Score:
    if pair.problem:
        raise MissingFileError(pair.problem)
    try:
        reference, notices = read_with_notices(pair.reference)
    except InputError as error:
        raise type(error)(f"the reference: {error}") from error
    degraded, more = read_with_notices(pair.degraded)
    score = metric(reference, degraded)
    about = [Notice(notice.kind, f"the reference: {notice.message}") for notice in notices]
    return replace(score, warnings=(*about, *more, *score.warnings))


def _score_with_bank(name: str, pair: Pair) -> Score:
    degraded, notices = read_with_notices(pair.degraded)
    score = load_distance_metric(name).compare_with_bank(degraded, read_bank(Path(pair.reference)))
    return replace(score, warnings=(*notices, *score.warnings))
