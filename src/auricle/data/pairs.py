"""Pairs: clean excerpts and degraded versions of them, with what reference metrics say of each.

Labels of a degraded clip, each on its metric's own scale: `visqol` (MOS-LQO 1..5), `zimtohrli`
(MOS 1..5), `log_spectral` (dB, 0 is identical), and for speech `pesq` (1..4.64) and `stoi` (0..1).
No listener rated these clips. What is made is a pure function of recipe and corpora; a row of the
table says all that is needed to make its clip again. Finished excerpts are journalled, so that a
killed build goes on.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any, Final, get_args

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import DataError, InputError, LabelError, MissingFileError
from auricle.data.generate import MANIFEST, hash_pcm
from auricle.data.journal import Progress, run_journalled
from auricle.data.manifest import SPLITS, Clip, read_manifest
from auricle.data.pair_plan import PairClip
from auricle.data.pair_recipe import ExcerptChoice, Label
from auricle.data.rated import Domain
from auricle.data.recordings import write_rows
from auricle.degrade.base import apply_cascade, parse_cascade
from auricle.reference.base import ReferenceMetric
from auricle.reference.log_spectral import LogSpectral
from auricle.reference.pesq import Pesq
from auricle.reference.stoi import Stoi
from auricle.reference.visqol import SAMPLE_RATE, Visqol
from auricle.reference.visqol_metric import VisqolMetric
from auricle.reference.zimtohrli import Zimtohrli
from auricle.signal.io import read_audio, write_audio
from auricle.signal.loudness import normalise_loudness

Judges = dict[Label, Callable[[Audio], float]]

TABLE: Final = "pairs.csv"

LABELS: Final[tuple[Label, ...]] = get_args(Label)
_JOURNAL: Final = "journal.jsonl"
_METRICS: Final[Mapping[Label, type[ReferenceMetric]]] = {
    "visqol": VisqolMetric,
    "zimtohrli": Zimtohrli,
    "log_spectral": LogSpectral,
    "pesq": Pesq,
    "stoi": Stoi,
}
_SPEECH_ONLY: Final[frozenset[Label]] = frozenset({"pesq", "stoi"})
_COLUMNS: Final = (
    "id", "excerpt", "recording", "split", "domain", "path", "reference", "source", "start",
    "process", "ladder", "rung", *LABELS, "pcm_sha256", "error",
)  # fmt: skip
# Only tables with recorded noise have them.
_NOISE_COLUMNS: Final = ("noise", "noise_start")


def build_pairs(
    recipe: ExcerptChoice,
    planned: Sequence[PairClip],
    corpora: Sequence[Path],
    output: Path,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[PairClip]:
    """Make and label the planned clips of `recipe` from corpora.

    Audio goes to `output/clips`, the table to `output/pairs.csv`. A clip that has labels already
    keeps them, if it comes out as the same samples; what cannot be made or labelled keeps its row,
    with `error` filled. Raises `MissingDependencyError` or `ConfigError` when a metric that labels
    need is not installed.
    """
    if any(not clip.clean and not clip.labels for clip in planned):
        for name in recipe.labels:
            _METRICS[name]()  # What is missing concerns the whole build, not a clip.
    output.mkdir(parents=True, exist_ok=True)
    done = _read_journal(output, recipe, planned)
    waiting = [clip for clip in planned if clip.id not in done]
    tasks = [
        _Task(recipe, tuple(corpora), output, tuple(group))
        for _, group in groupby(waiting, key=lambda clip: clip.excerpt)
    ]
    finished = run_journalled(
        _make_excerpt, tasks, planned, done, output / _JOURNAL, partial(_journal_line, recipe),
        jobs=jobs, progress=progress,
    )  # fmt: skip
    write_pairs(finished, output / TABLE)
    return finished


def write_pairs(clips: Sequence[PairClip], path: Path) -> None:
    """Write the table of pairs as CSV, at once."""
    noisy = any(clip.noise for clip in clips)
    columns = (*_COLUMNS, *_NOISE_COLUMNS) if noisy else _COLUMNS
    write_rows(path, columns, (_to_cells(clip, columns) for clip in clips))


def read_pairs(path: Path) -> list[PairClip]:
    """Read the table of pairs from a CSV file.

    Raises `DataError` naming the row when a column is missing or a value does not fit.
    """
    if not path.is_file():
        raise DataError(f"there is no table of pairs at {path}: make one with 'auricle data pairs'")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [_from_row(row, f"{path}, row {number}") for number, row in enumerate(rows, start=1)]


def read_clips(folder: Path) -> list[PairClip]:
    """Read the pairs of a folder that `build_pairs` made, or `auricle data build`.

    The latter's clips have the label `visqol` alone; each goes with the clean one of its excerpt.
    Where its manifest has no validation split, the calibration split stands in for it. Raises
    `DataError` when there is neither table, or it does not fit.
    """
    manifest = folder / MANIFEST
    if (folder / TABLE).is_file() or not manifest.is_file():
        return read_pairs(folder / TABLE)
    return pair_clips(read_manifest(manifest))


def pair_clips(clips: Sequence[Clip]) -> list[PairClip]:
    """Return labelled clips of a manifest as pairs; those without a clean version are left out."""
    clean = {(clip.reference, clip.master): clip for clip in clips if not clip.process}
    validated = any(clip.split == "validation" for clip in clips)
    pairs = []
    for clip in clips:
        reference = clean.get((clip.reference, clip.master))
        if reference is None:
            continue
        heard = clip.split == "calibration" and not validated
        labels = {} if clip is reference or clip.label is None else {"visqol": clip.label}
        pairs.append(
            PairClip(
                id=clip.id, excerpt=reference.id, recording=clip.recording,
                split="validation" if heard else clip.split, domain="music", path=clip.path,
                reference=reference.path, source=clip.reference, start=0.0, process=clip.process,
                labels=labels, pcm_sha256=clip.pcm_sha256, error=clip.error,
            )
        )  # fmt: skip
    return pairs


@dataclass(frozen=True, slots=True)
class _Task:
    recipe: ExcerptChoice
    corpora: tuple[Path, ...]
    output: Path
    clips: tuple[PairClip, ...]


def _make_excerpt(task: _Task) -> list[PairClip]:
    """Make the clips of one excerpt: they share their reference, and its analysis."""
    first = task.clips[0]
    try:
        reference = _finish(_cut(task, first.source, first.start), task.recipe)
        unlabelled = any(not clip.clean and not clip.labels for clip in task.clips)
        judges = _open_judges(task.recipe, first, reference) if unlabelled else {}
    except InputError as error:
        return [replace(clip, error=f"{error.kind}: {error}") for clip in task.clips]
    return [_make_clip(task, clip, reference, judges) for clip in task.clips]


def _cut(task: _Task, name: str, start: float) -> Audio:
    """Return so much of a corpus's recording as a clip lasts, mono."""
    path = next((c / name for c in task.corpora if (c / name).is_file()), None)
    if path is None:
        raise MissingFileError(f"no corpus holds {name}: give or build the one that it is from")
    whole = read_audio(path, sample_rate=SAMPLE_RATE).mono()
    begin = round(start * SAMPLE_RATE)
    samples = whole.samples[:, begin : begin + round(task.recipe.seconds * SAMPLE_RATE)]
    return Audio.from_array(samples, SAMPLE_RATE)


def _finish(audio: Audio, recipe: ExcerptChoice) -> Audio:
    """Return a clip at the recipe's loudness, rounded to the samples of a 16-bit file."""
    level = normalise_loudness(audio, recipe.loudness)
    steps = np.clip(np.round(level.samples * 32768.0), -32768, 32767)
    return Audio.from_array(steps / 32768.0, audio.sample_rate)


def _open_judges(recipe: ExcerptChoice, clip: PairClip, reference: Audio) -> Judges:
    asked = _choose_labels(recipe, clip)
    judges = {name: _compare_with(_METRICS[name](), reference) for name in asked}
    if "visqol" in judges:
        judges["visqol"] = Visqol(reference)  # It analyses the reference but once.
    return judges


def _choose_labels(recipe: ExcerptChoice, clip: PairClip) -> list[Label]:
    """Return the labels that the recipe asks of clips of this domain."""
    return [n for n in recipe.labels if clip.domain == "speech" or n not in _SPEECH_ONLY]


def _compare_with(metric: ReferenceMetric, reference: Audio) -> Callable[[Audio], float]:
    return lambda degraded: metric(reference, degraded).value


def _make_clip(task: _Task, clip: PairClip, reference: Audio, judges: Judges) -> PairClip:
    try:
        noise = _cut(task, clip.noise, clip.noise_start) if clip.noise else None
        processed = apply_cascade(reference, parse_cascade(clip.process), noise)
        audio = _finish(processed, task.recipe)
        digest = hash_pcm(audio)
        if clip.pcm_sha256 and clip.pcm_sha256 != digest:
            message = "other samples than were labelled: another corpus, or other codec versions"
            return replace(clip, error=f"data: {message}")
        if not clip.clean and not clip.labels:
            # FFT plans differ from process to process, and with them the last of 15 digits.
            labels: dict[str, float] = {n: round(judge(audio), 6) for n, judge in judges.items()}
            clip = replace(clip, labels=labels)
    except (InputError, LabelError) as error:
        return replace(clip, error=f"{error.kind}: {error}")
    write_audio(task.output / clip.path, audio, bits=16)
    return replace(clip, pcm_sha256=digest, error="")


def _settings(recipe: ExcerptChoice) -> str:
    """What besides source and process decides how a clip sounds."""
    return f"{recipe.seconds} s, {recipe.loudness} LUFS"


def _journal_line(recipe: ExcerptChoice, clip: PairClip) -> str:
    row = {"settings": _settings(recipe), "clip": _to_tree(clip)}
    return json.dumps(row) + "\n"


def _to_tree(clip: PairClip) -> dict[str, Any]:
    return asdict(replace(clip, labels=dict(clip.labels)))


def _read_journal(
    output: Path, recipe: ExcerptChoice, planned: Sequence[PairClip]
) -> dict[str, PairClip]:
    """Return what an earlier run finished of this plan; a line cut off by a kill is ignored.

    Failures are tried again, and so are clips whose file is gone, or which lack a label that the
    recipe asks by now.
    """
    journal = output / _JOURNAL
    if not journal.is_file():
        return {}
    wanted = {clip.id: clip for clip in planned}
    done = {}
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
            clip = PairClip(**row["clip"])
        except (json.JSONDecodeError, KeyError, TypeError):
            continue
        plan = wanted.get(clip.id)
        if plan is None or clip.error or row["settings"] != _settings(recipe):
            continue
        same = plan.pcm_sha256 in ("", clip.pcm_sha256) and plan == replace(
            clip, labels=plan.labels, pcm_sha256=plan.pcm_sha256, error=plan.error
        )
        labelled = (
            clip.clean or plan.labels or set(_choose_labels(recipe, clip)) <= clip.labels.keys()
        )
        if same and labelled and (output / clip.path).is_file():
            done[clip.id] = replace(clip, labels=plan.labels or clip.labels)
    return done


def _to_cells(clip: PairClip, columns: Sequence[str]) -> list[object]:
    values = {**asdict(replace(clip, labels={})), **clip.labels}
    return [values.get(name, "") for name in columns]


def _from_row(row: dict[str, Any], place: str) -> PairClip:
    missing = [name for name in _COLUMNS if row.get(name) is None]
    if missing:
        raise DataError(f"{place}: no value for {', '.join(missing)}")
    if row["split"] not in SPLITS or row["domain"] not in get_args(Domain):
        raise DataError(f"{place}: split {row['split']!r} or domain {row['domain']!r} is unknown")
    for name in ("path", "reference", "source", "noise"):
        path = PurePosixPath(row.get(name) or "")
        if path.is_absolute() or ".." in path.parts:
            raise DataError(f"{place}: {name} {row[name]!r} leads out of its folder")
    values = {name: row[name] for name in _COLUMNS if name not in LABELS}
    try:
        values |= {"start": float(row["start"]), "rung": int(row["rung"])}
        values["noise"] = row.get("noise") or ""
        values["noise_start"] = float(row.get("noise_start") or 0.0)
        values["labels"] = {name: float(row[name]) for name in LABELS if row[name]}
    except ValueError as error:
        raise DataError(f"{place}: {error}") from error
    return PairClip(**values)
