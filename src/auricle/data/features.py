"""Log-mel features of labelled clips, on disk.

```
features.npy    float16 [clip, frame, mel]
clips.csv       which clip is in which row, and its label (a mean opinion score)
features.json   the front end's settings, what the clips' digest was, and what could not be heard
```
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Audio, Samples
from auricle.core.errors import DataError, InputError, SignalError
from auricle.data.excerpts import repeat_to
from auricle.data.manifest import SPLITS, Clip, Split
from auricle.data.rated import RatedClip
from auricle.data.workers import run_tasks
from auricle.signal.checks import SignalMonitor, is_silent
from auricle.signal.io import read_audio
from auricle.signal.resample import resample
from auricle.signal.spectra import LogMel

_FEATURES = "features.npy"
_CLIPS = "clips.csv"
_FACTS = "features.json"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """A row of features: which clip it is, its label (a mean opinion score), how it came about.

    The fields are those of `auricle.data.manifest.Clip`.
    """

    id: str
    recording: str
    source: str
    split: Split
    label: float
    process: str
    reference: str = ""
    kbps: float | None = None
    channels: int = 1
    similarity: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSet:
    """Features on disk: `log_mel` is float16 `[clip, frame, mel]`, memory-mapped.

    `unheard` are the paths of clips that were left out since they could not be heard, and why.
    """

    folder: Path
    log_mel: NDArray[np.float16]
    clips: tuple[LabelledClip, ...]
    front_end: LogMel
    unheard: tuple[tuple[str, str], ...] = ()

    @property
    def frames(self) -> int:
        """Number of frames per clip."""
        return int(self.log_mel.shape[1])


def label_rated(clips: Iterable[RatedClip], axis: str) -> list[Clip]:
    """Return rated clips as clips labelled with the mean of an axis, without those it lacks.

    Their source is the system, their reference the recording. Raises `DataError` when none is rated
    on the axis.

    >>> label_rated([RatedClip("a", "a.wav", "train", scores={"mos": (4.0, 5.0)})], "mos")[0].label
    4.5
    """
    labelled = [
        Clip(
            clip.id,
            clip.recording or clip.id,
            clip.system,
            clip.recording,
            clip.split,
            "",
            clip.path,
            label=clip.mean(axis),
        )
        for clip in clips
        if not math.isnan(clip.mean(axis))
    ]
    if not labelled:
        raise DataError(f"none of the clips is rated for {axis}: it is no axis of the table")
    return labelled


def write_features(
    clips: Sequence[Clip],
    folder: Path,
    output: Path,
    front_end: LogMel,
    *,
    seconds: float = 10.0,
    any_length: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> FeatureSet:
    """Write the features of every labelled clip (paths relative to `folder`) to `output`.

    Clips are read as at inference (`read_audio`), mixed to mono, and must be `seconds` long.
    An interrupted run goes on where it stopped; a finished one with the same clips and front end
    is returned as it is.

    With `any_length` a shorter clip is repeated until it is as long, and of a longer one the middle
    is taken; clips that could not be scored (unreadable, not finite, silent or so in the middle)
    are left out and named.

    Raises `DataError` when no clip is labelled, a clip is shorter or none can be heard,
    `InputError` when one cannot be read.
    """
    labelled = [clip for clip in clips if clip.label is not None]
    if not labelled:
        raise DataError("none of the clips has a label: label them first")
    facts = _facts(labelled, front_end, seconds, any_length)
    known = _read_facts(output)
    if known is not None and known.items() >= facts.items():
        return read_features(output)
    output.mkdir(parents=True, exist_ok=True)
    (output / _FACTS).unlink(missing_ok=True)
    samples = round(seconds * front_end.sample_rate)
    shape = (len(labelled), front_end.frames(samples), front_end.n_mels)
    part, done = _open_part(output, shape, str(facts["digest"]))
    waiting = [
        _Job(row, folder / labelled[row].path, part, front_end, samples, any_length)
        for row in np.flatnonzero(done == 0).tolist()
    ]
    unheard = _extract_all(waiting, done, jobs, progress)
    if unheard:
        part = _leave_out(part, unheard, f"{labelled[min(unheard)].path}: {unheard[min(unheard)]}")
    part.replace(output / _FEATURES)
    heard = [clip for row, clip in enumerate(labelled) if row not in unheard]
    write_clip_table(heard, output / _CLIPS)
    named = [(labelled[row].path, unheard[row]) for row in sorted(unheard)]
    # Written last: it says that the rest is complete.
    _replace_text(output / _FACTS, json.dumps({**facts, "unheard": named}, indent=2) + "\n")
    for leftover in output.glob(".*.part"):
        leftover.unlink()
    return read_features(output)


def read_features(folder: Path) -> FeatureSet:
    """Open features; raises `DataError` when they are incomplete or don't fit together."""
    facts = _read_facts(folder)
    if facts is None:
        raise DataError(f"{folder} holds no complete features: write them first")
    log_mel = np.load(folder / _FEATURES, mmap_mode="r")
    clips = tuple(_read_clips(folder / _CLIPS))
    if len(clips) != len(log_mel):
        raise DataError(f"{folder} holds {len(log_mel)} features but {len(clips)} clips")
    front_end = LogMel(**cast("dict[str, Any]", facts["front_end"]))
    named = cast("list[list[str]]", facts.get("unheard", []))
    unheard = tuple((path, reason) for path, reason in named)
    return FeatureSet(folder, log_mel, clips, front_end, unheard)


@dataclass(frozen=True, slots=True)
class _Job:
    row: int
    path: Path
    part: Path
    front_end: LogMel
    samples: int
    any_length: bool


def _extract_all(
    waiting: Sequence[_Job], done: NDArray[np.uint8], jobs: int, progress: Progress | None
) -> dict[int, str]:
    """Write the waiting rows and note them as done; return why some could not be heard."""
    unheard: dict[int, str] = {}
    for count, (row, reason) in enumerate(
        run_tasks(_extract, waiting, jobs), start=len(done) - len(waiting) + 1
    ):
        if reason:
            unheard[row] = reason
        else:
            done[row] = 1
        if progress is not None:
            progress(count, len(done))
    return unheard


def _extract(job: _Job) -> tuple[int, str]:
    """Write a row; return its number, and why it could not be heard where that may happen."""
    try:
        samples = _read_mono(job)
    except InputError as error:
        if not job.any_length:
            raise
        return job.row, str(error)
    features = np.load(job.part, mmap_mode="r+")
    features[job.row] = job.front_end(samples)
    return job.row, ""


def _read_mono(job: _Job) -> Samples:
    rate = job.front_end.sample_rate
    if job.any_length:
        fitted = _fit_length(_read_sound(job.path, rate), job.samples)
        if is_silent(fitted):
            # Scoring leaves such segments out: it would be learned from what is never heard.
            raise SignalError("its middle, of which features would be made, is silent")
        return fitted
    audio = read_audio(job.path, sample_rate=rate).mono()
    if audio.frames < job.samples:
        raise DataError(
            f"{job.path} has {audio.frames} samples, fewer than the {job.samples} of a segment"
        )
    return audio.samples[0, : job.samples]


def _read_sound(path: Path, sample_rate: int) -> Samples:
    """Return a file's `[1, time]`; raises `InputError` for what scoring it would refuse."""
    audio = read_audio(path)
    monitor = SignalMonitor(audio.sample_rate, audio.channels)
    (mono,) = monitor.mix([audio.samples])
    if mono.size == 0 or is_silent(mono):
        raise SignalError("it is silent: there is nothing to judge")
    return resample(Audio.from_array(mono, audio.sample_rate), sample_rate).samples


def _fit_length(samples: Samples, length: int) -> Samples:
    """Return the middle of `[1, time]`, or all of it again and again: `[length]`."""
    start = max(0, samples.shape[1] - length) // 2
    fitted: Samples = repeat_to(samples[:, start : start + length], length)[0]
    return fitted


def _leave_out(part: Path, unheard: Container[int], example: str) -> Path:
    """Write the other rows alone; raises `DataError` when there are none."""
    features = np.load(part, mmap_mode="r")
    rows = [row for row in range(len(features)) if row not in unheard]
    if not rows:
        raise DataError(f"none of the clips could be heard: {example}")
    kept = part.with_name(f".heard{part.name}")
    shape = (len(rows), *features.shape[1:])
    copy = np.lib.format.open_memmap(kept, mode="w+", dtype=features.dtype, shape=shape)
    for place, row in enumerate(rows):
        copy[place] = features[row]
    return kept


def _open_part(output: Path, shape: tuple[int, ...], digest: str) -> tuple[Path, NDArray[np.uint8]]:
    """Unfinished features and their flags, under a name that only this very job continues."""
    part = output / f".{digest[:16]}.features.part"
    flags = output / f".{digest[:16]}.done.part"
    if not (part.exists() and flags.exists()):
        for leftover in output.glob(".*.part"):
            leftover.unlink()
        np.lib.format.open_memmap(part, mode="w+", dtype=np.float16, shape=shape)
        np.lib.format.open_memmap(flags, mode="w+", dtype=np.uint8, shape=shape[:1])
    return part, np.load(flags, mmap_mode="r+")


def _facts(
    clips: Sequence[Clip], front_end: LogMel, seconds: float, any_length: bool
) -> dict[str, object]:
    settings = asdict(front_end)
    what = [settings, seconds, "any length"] if any_length else [settings, seconds]
    digest = hashlib.sha256(json.dumps(what).encode())
    for clip in clips:
        digest.update(json.dumps(asdict(clip)).encode())
    return {"front_end": settings, "seconds": seconds, "digest": digest.hexdigest()}


def _read_facts(folder: Path) -> dict[str, object] | None:
    path = folder / _FACTS
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _replace_text(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def write_clip_table(clips: Sequence[Clip] | Sequence[LabelledClip], path: Path) -> None:
    """Write `clips.csv`: which clip is in which row of the features, and its label."""
    names = [field.name for field in fields(LabelledClip)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _to_cell(getattr(clip, name)) for name in names} for clip in clips)


def _to_cell(value: object) -> object:
    if isinstance(value, tuple):
        return " ".join(f"{part:.4f}" for part in value)
    return "" if value is None else value


def _read_clips(path: Path) -> Iterator[LabelledClip]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {field.name for field in fields(LabelledClip)} - set(reader.fieldnames or ())
        if missing:
            lacking = ", ".join(sorted(missing))
            raise DataError(f"{path} lacks the columns {lacking}: write the features again")
        for row in reader:
            if row["split"] not in SPLITS:
                raise DataError(f"{path}: split {row['split']!r} is none of {', '.join(SPLITS)}")
            yield LabelledClip(
                row["id"],
                row["recording"],
                row["source"],
                cast("Split", row["split"]),
                float(row["label"]),
                row["process"],
                row["reference"],
                float(row["kbps"]) if row["kbps"] else None,
                int(row["channels"]),
                tuple(map(float, row["similarity"].split())),
            )
