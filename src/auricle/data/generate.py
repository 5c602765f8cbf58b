"""Generating labelled clips: plan what to make, then make and label it.

The plan is a pure function of recipe and corpus; every excerpt draws its processes from a
seed of its own, so that a corpus that grows keeps the clips it had. Finished clips are
journalled line by line: a build that was killed goes on where it stopped, and the manifest,
written last, does not depend on the number of workers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Audio
from auricle.core.errors import DataError, InputError, LabelError, SignalError
from auricle.data.clip_recipe import ClipRecipe, DrawRecipe, plan_clips
from auricle.data.draw import Guess, chances_of, draw_pilot, draw_strata, plan_draw, thin
from auricle.data.manifest import SPLITS, Clip, Split, read_manifest, write_manifest
from auricle.data.recordings import read_corpus
from auricle.data.workers import run_tasks
from auricle.degrade.base import apply_cascade, parse_cascade
from auricle.reference.visqol import Visqol, engine_name
from auricle.signal.checks import is_silent
from auricle.signal.io import read_audio, write_audio
from auricle.signal.loudness import normalise_loudness
from auricle.signal.spectra import LogMel

Progress = Callable[[int, int], None]

SAMPLE_RATE = 48000
MANIFEST = "manifest.csv"
_JOURNAL = "journal.jsonl"
_IDENTITY = ("reference", "master", "channels", "process")


def build_clips(
    recipe: ClipRecipe,
    corpus: Path,
    output: Path,
    *,
    labelled: Sequence[Clip] | None = None,
    leave_out: Collection[str] = (),
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[Clip]:
    """Make and label all clips of `recipe` from the recordings in `corpus`.

    Audio goes to `output/clips`, the table to `output/manifest.csv`. Clips that cannot be made
    keep their row, with `error` filled. With `labelled`, a table that an earlier build made, its
    labelled clips are made again and keep their labels, if they come out as the same samples.
    Recordings named in `leave_out` are not used. Raises `DataError` for a corpus without audio that
    is long enough, a table without a label, and when fewer clips than to be drawn can be labelled.
    """
    if labelled is None:
        engine_name()  # a missing engine concerns the whole build, not a clip
        recordings = [row for row in read_corpus(corpus) if row.recording not in leave_out]
        planned = plan_clips(recipe, recordings)
    else:
        planned = [
            clip for clip in labelled if clip.label is not None and clip.recording not in leave_out
        ]
        if not planned:
            raise DataError("no clip has a label, of those not left out: take another table")
    output.mkdir(parents=True, exist_ok=True)
    bench = _Bench(recipe, corpus, output, jobs, progress or (lambda done, total: None))
    bench.read_journal(planned)
    if labelled is not None or recipe.draw is None:
        finished = bench.make(planned)
    else:
        finished = _draw(recipe, recipe.draw, planned, bench)
    write_manifest(finished, output / MANIFEST)
    return finished


def regenerate(clip: Clip, recipe: ClipRecipe, corpus: Path) -> tuple[Audio, Audio]:
    """Return the equalised reference and the degraded clip that a manifest row describes."""
    reference = _read_reference(recipe, corpus, clip)
    return normalise_loudness(reference, recipe.loudness), _degrade(reference, clip, recipe)


@dataclass(frozen=True, slots=True)
class _Task:
    recipe: ClipRecipe
    corpus: Path
    output: Path
    clips: tuple[Clip, ...]


class _Bench:
    """Where clips are made: in worker processes, with a journal of what is done."""

    def __init__(
        self, recipe: ClipRecipe, corpus: Path, output: Path, jobs: int, progress: Progress
    ) -> None:
        self.recipe, self.corpus, self.output = recipe, corpus, output
        self._jobs = jobs
        self._progress = progress
        self._done: dict[str, Clip] = {}

    def read_journal(self, planned: Sequence[Clip]) -> None:
        """Take over what an earlier run finished of this plan."""
        self._done = _read_journal(self.output, self.recipe, planned)
        _write_journal(self.output, self.recipe, self._done.values())

    def make(self, clips: Sequence[Clip]) -> list[Clip]:
        """Make and label clips that aren't yet; all are returned, in the same order."""
        waiting = [clip for clip in clips if clip.id not in self._done]
        ready = len(clips) - len(waiting)
        # One excerpt is one task: its clips share the analysis of their reference.
        waiting.sort(key=lambda clip: clip.reference)
        tasks = [
            _Task(self.recipe, self.corpus, self.output, tuple(group))
            for _, group in groupby(waiting, key=lambda clip: clip.reference)
        ]
        with (self.output / _JOURNAL).open("a", encoding="utf-8") as journal:
            for made in run_tasks(_make_clips, tasks, self._jobs):
                for clip in made:
                    self._done[clip.id] = clip
                    journal.write(_journal_line(self.recipe, clip))
                journal.flush()
                ready += len(made)
                self._progress(ready, len(clips))
        return [self._done[clip.id] for clip in clips]


def _draw(
    recipe: ClipRecipe, draw: DrawRecipe, planned: Sequence[Clip], bench: _Bench
) -> list[Clip]:
    """Label a pilot, then what the guesses learned from it promise, and thin it to the draw.

    Clips that fail are returned besides, and so are all of a reference without a spectrum.
    """
    rng = np.random.default_rng(recipe.seed)
    pool = [clip for clip in planned if clip.split in draw.clips]
    spectra = _long_term_spectra(recipe, bench.corpus, {clip.reference: clip for clip in pool})
    mute = [clip for clip in pool if clip.reference not in spectra]
    made = [clip for clip in bench.make(mute) if clip.error]
    usable = [clip for clip in pool if clip.reference in spectra]
    parts = _split_up([*made, *usable], draw.clips)
    pilots = {split: draw_pilot(part, draw.pilot, rng) for split, part in parts.items()}
    made += bench.make([clip for part in pilots.values() for clip in part])
    pilot = _split_up(made, dict.fromkeys(draw.clips, 1))
    guess = Guess([clip for part in pilot.values() for clip in part], spectra)
    more: list[Clip] = []
    chances: dict[str, float] = {}
    for split, total in draw.clips.items():
        known = {clip.id for clip in pilots[split]}
        waiting = [clip for clip in parts[split] if clip.id not in known]
        shares = plan_draw(waiting, pilot[split], guess, total)
        drawn = draw_strata(waiting, guess, shares, rng)
        more += drawn
        labelled = [*pilots[split], *drawn]
        chance = chances_of(labelled, guess, shares, len(known) / len(parts[split]))
        chances |= {clip.id: value for clip, value in zip(labelled, chance.tolist(), strict=True)}
    made += bench.make(more)
    kept: dict[str, float] = {}
    for split, part in _split_up(made, draw.clips).items():
        kept |= thin(part, draw.clips[split], rng)
    rows = {clip.id: clip for clip in made if clip.error} | {
        clip.id: replace(clip, probability=round(chances[clip.id] * kept[clip.id], 6))
        for clip in made
        if clip.id in kept
    }
    return [rows[clip.id] for clip in pool if clip.id in rows]


def _split_up(clips: Sequence[Clip], least: Mapping[Split, int]) -> dict[Split, list[Clip]]:
    """Return the clips of each split that haven't failed; there must be so many of them."""
    parts: dict[Split, list[Clip]] = {}
    for split, count in least.items():
        parts[split] = [clip for clip in clips if clip.split == split and not clip.error]
        errors = [clip.error for clip in clips if clip.split == split and clip.error]
        if len(parts[split]) < count:
            raise DataError(
                f"the {split} split has {len(parts[split])} clips, but {count} are needed"
                + (f" ({len(errors)} failed, the first with {errors[0]!r})" if errors else "")
                + ": lower 'clips' of the recipe's 'draw', raise its 'pilot', or add recordings"
            )
    return parts


def _long_term_spectra(
    recipe: ClipRecipe, corpus: Path, references: Mapping[str, Clip]
) -> dict[str, NDArray[np.float64]]:
    """Mean level in 32 mel bands of each reference that has one, by path."""
    front_end = LogMel(n_mels=32)
    spectra = {}
    for path, clip in sorted(references.items()):
        # What cannot be read or is silent fails again where its clips are made, and is told there.
        with suppress(InputError):
            samples = _read_reference(recipe, corpus, clip).mono().samples[0]
            if not is_silent(samples):
                spectra[path] = front_end(samples).mean(axis=0).astype(np.float64)
    return spectra


def _make_clips(task: _Task) -> list[Clip]:
    try:
        reference = _read_reference(task.recipe, task.corpus, task.clips[0])
        # Labelled clips need no engine.
        judge = (
            Visqol(normalise_loudness(reference, task.recipe.loudness))
            if any(clip.label is None for clip in task.clips)
            else None
        )
    except InputError as error:
        return [replace(clip, error=f"{error.kind}: {error}") for clip in task.clips]
    return [_make_clip(task, clip, reference, judge) for clip in task.clips]


def _make_clip(task: _Task, clip: Clip, reference: Audio, judge: Visqol | None) -> Clip:
    try:
        degraded = _degrade(reference, clip, task.recipe)
        digest = hash_pcm(degraded)
        if judge is not None:
            judgement = judge.compare(degraded)
            clip = replace(
                clip,
                # FFT plans differ from process to process, and with them the last of 15 digits.
                label=round(judgement.mos, 6),
                similarity=tuple(round(float(part), 4) for part in judgement.patches),
                engine=engine_name(),
                pcm_sha256=digest,
            )
        elif clip.pcm_sha256 != digest:
            message = "other samples than were labelled: another corpus, or other codec versions"
            return replace(clip, error=f"data: {message}")
    except (InputError, LabelError) as error:
        return replace(clip, error=f"{error.kind}: {error}")
    write_audio(task.output / clip.path, degraded, bits=16)
    return clip


def hash_pcm(audio: Audio) -> str:
    """Return the SHA-256 of the interleaved 16-bit samples, as a WAV file holds them."""
    pcm = np.round(audio.samples.T * 32768.0).astype("<i2").tobytes()
    return hashlib.sha256(pcm).hexdigest()


def _read_reference(recipe: ClipRecipe, corpus: Path, clip: Clip) -> Audio:
    whole = read_audio(corpus / clip.reference, sample_rate=SAMPLE_RATE)
    if recipe.channels == 1:
        whole = whole.mono()
    wanted = round(recipe.seconds * SAMPLE_RATE)
    if whole.frames < wanted:
        raise SignalError(
            f"{clip.reference} lasts {whole.duration:.3f} s, not {recipe.seconds:g} s"
        )
    excerpt = Audio.from_array(whole.samples[:, :wanted], SAMPLE_RATE)
    return apply_cascade(excerpt, parse_cascade(clip.master))


def _degrade(reference: Audio, clip: Clip, recipe: ClipRecipe) -> Audio:
    degraded = apply_cascade(reference, parse_cascade(clip.process))
    return _to_16_bit(normalise_loudness(degraded, recipe.loudness))


def _to_16_bit(audio: Audio) -> Audio:
    """Round to the samples a 16-bit file holds, so that what is labelled is what is stored."""
    steps = np.clip(np.round(audio.samples * 32768.0), -32768, 32767)
    return Audio.from_array(steps / 32768.0, audio.sample_rate)


def _journal_line(recipe: ClipRecipe, clip: Clip) -> str:
    return json.dumps({"settings": _settings(recipe, clip), "clip": asdict(clip)}) + "\n"


def _settings(recipe: ClipRecipe, clip: Clip) -> str:
    """What besides its process decides how a clip sounds and is labelled."""
    engine = clip.engine or engine_name()
    return f"{recipe.seconds} s, {recipe.loudness} LUFS, {recipe.channels} ch, {engine}"


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
            clip = Clip(**{**row["clip"], "similarity": tuple(row["clip"]["similarity"])})
        except (json.JSONDecodeError, KeyError, TypeError):
            continue
        plan = wanted.get(clip.id)
        if plan is None or clip.error or row["settings"] != _settings(recipe, plan):
            continue
        same = all(getattr(clip, name) == getattr(plan, name) for name in _IDENTITY)
        same = same and plan.pcm_sha256 in ("", clip.pcm_sha256)
        if same and (output / clip.path).is_file():
            done[clip.id] = replace(plan, **_outcome(clip))
    return done


def _outcome(clip: Clip) -> dict[str, Any]:
    names = ("label", "similarity", "engine", "pcm_sha256")
    return {name: getattr(clip, name) for name in names}


def inspect_manifest(path: Path) -> dict[str, Any]:
    """Summarise a manifest, or that of a folder which `build_clips` filled.

    Counts per split and source, label histogram, failures.
    """
    clips = read_manifest(path / MANIFEST if path.is_dir() else path)
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
