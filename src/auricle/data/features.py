"""Log-mel features of labelled clips, on disk.

```
features.npy    float16 [clip, frame, mel]
clips.csv       which clip is in which row, and its label (a mean opinion score)
features.json   the front end's settings and what the clips' digest was
```
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import DataError
from auricle.data.manifest import SPLITS, Clip, Split
from auricle.data.workers import run_tasks
from auricle.signal.io import read_audio
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
    """Features on disk: `log_mel` is float16 `[clip, frame, mel]`, memory-mapped."""

    folder: Path
    log_mel: NDArray[np.float16]
    clips: tuple[LabelledClip, ...]
    front_end: LogMel

    @property
    def frames(self) -> int:
        """Number of frames per clip."""
        return int(self.log_mel.shape[1])


def write_features(
    clips: Sequence[Clip],
    folder: Path,
    output: Path,
    front_end: LogMel,
    *,
    seconds: float = 10.0,
    jobs: int = 1,
    progress: Progress | None = None,
) -> FeatureSet:
    """Write the features of every labelled clip (paths relative to `folder`) to `output`.

    Clips are read as at inference (`read_audio`), mixed to mono, and must be `seconds` long.
    An interrupted run goes on where it stopped; a finished one with the same clips and front end
    is returned as it is.

    Raises `DataError` when no clip is labelled or a clip is shorter, `InputError` when one cannot
    be read.
    """
    labelled = [clip for clip in clips if clip.label is not None]
    if not labelled:
        raise DataError("none of the clips has a label: label them first")
    facts = _facts(labelled, front_end, seconds)
    if _read_facts(output) == facts:
        return read_features(output)
    output.mkdir(parents=True, exist_ok=True)
    (output / _FACTS).unlink(missing_ok=True)
    samples = round(seconds * front_end.sample_rate)
    shape = (len(labelled), front_end.frames(samples), front_end.n_mels)
    part, done = _open_part(output, shape, str(facts["digest"]))
    rows = np.flatnonzero(done == 0).tolist()
    waiting = [_Job(row, folder / labelled[row].path, part, front_end, samples) for row in rows]
    for count, row in enumerate(
        run_tasks(_extract, waiting, jobs), start=len(labelled) - len(rows) + 1
    ):
        done[row] = 1
        if progress is not None:
            progress(count, len(labelled))
    part.replace(output / _FEATURES)
    write_clip_table(labelled, output / _CLIPS)
    # Written last: it says that the rest is complete.
    _replace_text(output / _FACTS, json.dumps(facts, indent=2) + "\n")
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
    return FeatureSet(folder, log_mel, clips, LogMel(**cast("dict[str, Any]", facts["front_end"])))


@dataclass(frozen=True, slots=True)
class _Job:
    row: int
    path: Path
    part: Path
    front_end: LogMel
    samples: int


def _extract(job: _Job) -> int:
    audio = read_audio(job.path, sample_rate=job.front_end.sample_rate).mono()
    if audio.frames < job.samples:
        raise DataError(
            f"{job.path} has {audio.frames} samples, fewer than the {job.samples} of a segment"
        )
    features = np.load(job.part, mmap_mode="r+")
    features[job.row] = job.front_end(audio.samples[0, : job.samples])
    return job.row


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


def _facts(clips: Sequence[Clip], front_end: LogMel, seconds: float) -> dict[str, object]:
    settings = asdict(front_end)
    digest = hashlib.sha256(json.dumps([settings, seconds]).encode())
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
