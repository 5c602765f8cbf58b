"""Generating labelled clips: plan what to make, then make and label it.

The plan is a pure function of recipe and corpus; every excerpt draws its processes from a
seed of its own, so that a corpus that grows keeps the clips it had. Finished clips are
journalled line by line: a build that was killed goes on where it stopped, and the manifest,
written last, does not depend on the number of workers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from auricle.core.audio import Audio
from auricle.core.errors import DataError, InputError, LabelError, SignalError
from auricle.data.manifest import SPLITS, Clip, Split, read_manifest, write_manifest
from auricle.data.recordings import Recording, read_corpus
from auricle.data.workers import run_tasks
from auricle.degrade.base import apply_cascade, parse_cascade
from auricle.degrade.processes import PROCESSES, REDUNDANT, draw_cascade
from auricle.recipes.reading import read_recipe
from auricle.reference.visqol import Visqol, engine_name
from auricle.signal.io import read_audio, write_audio
from auricle.signal.loudness import normalise_loudness

Progress = Callable[[int, int], None]

SAMPLE_RATE = 48000
MANIFEST = "manifest.csv"
_JOURNAL = "journal.jsonl"


class ClipRecipe(BaseModel):
    """What to make of every excerpt of a corpus, after Kasperuk and Zielinski (2024, III.B).

    Per excerpt: the clean one if `clean`, `single` processes of Tables I and II drawn without
    the redundant ones, and `cascades` of two drawn from all 45. Everything is mono, at 48 kHz,
    cut to `seconds` and equalised to `loudness` (LUFS). `split` gives each part's share of
    the recordings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    seconds: float = Field(10.0, gt=1.0)
    loudness: float = Field(-23.0, lt=0.0)
    clean: bool = True
    single: int = Field(5, ge=0)
    cascades: int = Field(6, ge=0)
    split: dict[Split, float]

    @model_validator(mode="after")
    def _shares_fill_one(self) -> ClipRecipe:
        if abs(sum(self.split.values()) - 1.0) > 1e-6 or min(self.split.values()) < 0:
            raise ValueError("the shares of 'split' must add up to 1")
        if self.single > len(PROCESSES) - len(REDUNDANT):
            raise ValueError("'single' exceeds the number of distinct processes")
        return self


def plan_clips(recipe: ClipRecipe, recordings: Sequence[Recording]) -> list[Clip]:
    """Return the clips to make, unlabelled, in the order of the corpus.

    Excerpts shorter than the recipe's `seconds` are left out: clips are equally long.
    """
    return [
        clip
        for recording in recordings
        if recording.duration >= recipe.seconds
        for clip in _plan_excerpt(recipe, recording)
    ]


def build_clips(
    recipe: ClipRecipe,
    corpus: Path,
    output: Path,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[Clip]:
    """Make and label all clips of `recipe` from the recordings in `corpus`.

    Audio goes to `output/clips`, the table to `output/manifest.csv`. Clips that cannot be made
    keep their row, with `error` filled. Raises `DataError` for a corpus without audio that is long
    enough.
    """
    planned = plan_clips(recipe, read_corpus(corpus))
    if not planned:
        raise DataError(f"no recording in {corpus} lasts {recipe.seconds:g} s")
    engine_name()  # a missing engine concerns the whole build, not a clip
    output.mkdir(parents=True, exist_ok=True)
    done = _read_journal(output, recipe, planned)
    # One excerpt is one task: its clips share the analysis of their reference.
    waiting = [clip for clip in planned if clip.id not in done]
    tasks = [
        _Task(recipe, corpus, output, tuple(clips))
        for _, clips in groupby(waiting, key=lambda clip: clip.reference)
    ]
    _write_journal(output, recipe, done.values())
    with (output / _JOURNAL).open("a", encoding="utf-8") as journal:
        for clips in run_tasks(_make_clips, tasks, jobs):
            for clip in clips:
                done[clip.id] = clip
                journal.write(_journal_line(recipe, clip))
            journal.flush()
            if progress is not None:
                progress(len(done), len(planned))
    finished = [done[clip.id] for clip in planned]
    write_manifest(finished, output / MANIFEST)
    return finished


def regenerate(clip: Clip, recipe: ClipRecipe, corpus: Path) -> tuple[Audio, Audio]:
    """Return the equalised reference and the degraded clip that a manifest row describes."""
    return _degrade(_read_reference(recipe, corpus, clip.reference), clip, recipe)


@dataclass(frozen=True, slots=True)
class _Task:
    recipe: ClipRecipe
    corpus: Path
    output: Path
    clips: tuple[Clip, ...]


def _plan_excerpt(recipe: ClipRecipe, recording: Recording) -> Iterator[Clip]:
    rng = np.random.default_rng(_digest(f"{recipe.seed}|{recording.path}"))
    usual = [key for key in PROCESSES if key not in REDUNDANT]
    drawn = sorted(rng.choice(usual, size=recipe.single, replace=False).tolist())
    processes = [str(PROCESSES[key]) for key in drawn]
    processes += [
        "+".join(str(process) for process in draw_cascade(rng)) for _ in range(recipe.cascades)
    ]
    if recipe.clean:
        processes.insert(0, "")
    split = _split_of(recipe, recording.recording)
    for number, process in enumerate(processes):
        name = f"{recording.id}-{number:02d}"
        yield Clip(
            id=name,
            recording=recording.recording,
            source=recording.source,
            reference=recording.path,
            split=split,
            process=process,
            path=f"clips/{name}.flac",
        )


def _split_of(recipe: ClipRecipe, recording: str) -> Split:
    """Draw the split by the recording's name alone: other recordings do not matter."""
    position = _digest(f"{recipe.seed}|split|{recording}") / 2.0**64
    edge = 0.0
    for split in SPLITS:
        edge += recipe.split.get(split, 0.0)
        if position < edge:
            return split
    return SPLITS[-1]


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _make_clips(task: _Task) -> list[Clip]:
    try:
        reference = _read_reference(task.recipe, task.corpus, task.clips[0].reference)
        judge = Visqol(normalise_loudness(reference, task.recipe.loudness))
    except InputError as error:
        return [replace(clip, error=f"{error.kind}: {error}") for clip in task.clips]
    return [_make_clip(task, clip, reference, judge) for clip in task.clips]


def _make_clip(task: _Task, clip: Clip, reference: Audio, judge: Visqol) -> Clip:
    try:
        _, degraded = _degrade(reference, clip, task.recipe)
        # FFT plans differ from process to process, and with them the last of 15 digits.
        label = round(judge(degraded), 6)
    except (InputError, LabelError) as error:
        return replace(clip, error=f"{error.kind}: {error}")
    write_audio(task.output / clip.path, degraded, bits=16)
    pcm = np.round(degraded.samples * 32768.0).astype("<i2")
    digest = hashlib.sha256(pcm.tobytes()).hexdigest()
    return replace(clip, label=label, engine=engine_name(), pcm_sha256=digest)


def _read_reference(recipe: ClipRecipe, corpus: Path, path: str) -> Audio:
    whole = read_audio(corpus / path, sample_rate=SAMPLE_RATE).mono()
    wanted = round(recipe.seconds * SAMPLE_RATE)
    if whole.frames < wanted:
        raise SignalError(f"{path} lasts {whole.duration:.3f} s, not {recipe.seconds:g} s")
    return Audio.from_array(whole.samples[:, :wanted], SAMPLE_RATE)


def _degrade(reference: Audio, clip: Clip, recipe: ClipRecipe) -> tuple[Audio, Audio]:
    degraded = apply_cascade(reference, parse_cascade(clip.process))
    return (
        normalise_loudness(reference, recipe.loudness),
        _to_16_bit(normalise_loudness(degraded, recipe.loudness)),
    )


def _to_16_bit(audio: Audio) -> Audio:
    """Round to the samples a 16-bit file holds, so that what is labelled is what is stored."""
    steps = np.clip(np.round(audio.samples * 32768.0), -32768, 32767)
    return Audio.from_array(steps / 32768.0, audio.sample_rate)


def _journal_line(recipe: ClipRecipe, clip: Clip) -> str:
    return json.dumps({"settings": _settings(recipe), "clip": asdict(clip)}) + "\n"


def _settings(recipe: ClipRecipe) -> str:
    """What besides its process decides how a clip sounds and is labelled."""
    return f"{recipe.seconds} s, {recipe.loudness} LUFS, {engine_name()}"


def _write_journal(output: Path, recipe: ClipRecipe, clips: Iterable[Clip]) -> None:
    """Start the journal anew from what counts as done: rows to be redone would pile up."""
    part = output / f".{_JOURNAL}.part"
    part.write_text("".join(_journal_line(recipe, clip) for clip in clips), encoding="utf-8")
    part.replace(output / _JOURNAL)


def _read_journal(output: Path, recipe: ClipRecipe, planned: Sequence[Clip]) -> dict[str, Clip]:
    """Return what an earlier run finished of this plan; a line cut off by a kill is ignored.

    Failures are tried again, and so are clips whose file is gone.
    """
    journal = output / _JOURNAL
    if not journal.is_file():
        return {}
    wanted = {clip.id: clip for clip in planned}
    done = {}
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
            clip = Clip(**row["clip"])
        except (json.JSONDecodeError, TypeError):
            continue
        plan = wanted.get(clip.id)
        if plan is None or clip.error or row["settings"] != _settings(recipe):
            continue
        same = (clip.reference, clip.process) == (plan.reference, plan.process)
        if same and (output / clip.path).is_file():
            done[clip.id] = replace(plan, **_outcome(clip))
    return done


def _outcome(clip: Clip) -> dict[str, Any]:
    return {"label": clip.label, "engine": clip.engine, "pcm_sha256": clip.pcm_sha256}


def read_clip_recipe(source: Path | str) -> ClipRecipe:
    """Read a clip recipe from a YAML file, or an embedded one by its name.

    Raises `ConfigError` naming the field that is wrong.

    >>> read_clip_recipe("codec-music").seconds
    10.0
    """
    return read_recipe(ClipRecipe, source, "clips")


def inspect_manifest(path: Path) -> dict[str, Any]:
    """Summarise a manifest: counts per split and source, label histogram, failures."""
    clips = read_manifest(path)
    labels = [clip.label for clip in clips if clip.label is not None]
    histogram, edges = np.histogram(labels, bins=8, range=(1.0, 5.0))
    failures = [clip for clip in clips if clip.error]
    return {
        "clips": len(clips),
        "recordings": len({clip.recording for clip in clips}),
        "labelled": len(labels),
        "per_split": {s: sum(clip.split == s for clip in clips) for s in SPLITS},
        "per_source": dict(sorted(_count(clip.source for clip in clips).items())),
        "label_histogram": [
            {"from": float(low), "to": float(high), "clips": int(count)}
            for low, high, count in zip(edges[:-1], edges[1:], histogram, strict=True)
        ],
        "failures": _count(clip.error for clip in failures),
    }


def _count(values: Iterator[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts
