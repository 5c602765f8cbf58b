"""Mixes: known sources summed, degraded by known processes, and labelled on two axes.

`proxy_quality` is ViSQOL's MOS-LQO of the degraded mixture against the mixture as it was, and
`source_count` how many sources were mixed. Both stand in for what listeners would say: the first
for production quality, the second for production complexity. No listener rated these clips.

What is mixed is a pure function of recipe and corpora; a row of the table says all that is needed
to make its clip again. Finished mixtures are journalled, so that a killed build goes on.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import DataError, InputError, LabelError, SignalError
from auricle.data.generate import hash_pcm
from auricle.data.journal import Progress, run_journalled
from auricle.data.manifest import SPLITS, Split
from auricle.data.mix_plan import SAMPLE_RATE, Ingredient, MixClip, plan_mixes, read_pool
from auricle.data.mix_recipe import MixRecipe
from auricle.data.rated import Domain, RatedClip, write_rated
from auricle.data.recordings import write_rows
from auricle.degrade.base import apply_cascade, parse_cascade
from auricle.reference.visqol import Visqol, engine_name
from auricle.signal.io import read_audio, write_audio
from auricle.signal.loudness import normalise_loudness

LABELS: Final = "labels.csv"
RATED: Final = "rated.csv"
_JOURNAL: Final = "journal.jsonl"
_COLUMNS: Final = (
    "id", "mixture", "split", "domain", "path", "process", "sources", "seed",
    "proxy_quality", "source_count", "engine", "pcm_sha256", "error",
)  # fmt: skip
_IDENTITY: Final = ("mixture", "split", "process", "sources")


def build_mixes(
    recipe: MixRecipe,
    corpora: Sequence[Path],
    output: Path,
    *,
    splits: Mapping[str, Split] | None = None,
    labelled: Sequence[MixClip] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[MixClip]:
    """Make and label all clips of `recipe` from corpora of single sources.

    Audio goes to `output/clips`, the table to `output/labels.csv`, and the scores alone to
    `output/rated.csv`, as `auricle.data.rated` reads them. Clips that cannot be made keep their
    row, with `error` filled. `splits` says where recordings are that were used before. With
    `labelled`, a table that an earlier build made, its labelled clips are made again and keep
    their labels, if they come out as the same samples. Raises `DataError` as `read_pool` and
    `plan_mixes` do, and for a table without a label.
    """
    if labelled is None:
        engine_name()  # a missing engine concerns the whole build, not a clip
        planned = plan_mixes(recipe, read_pool(recipe, corpora, splits or {}))
    else:
        planned = [clip for clip in labelled if clip.proxy_quality is not None]
        if not planned:
            raise DataError("no clip of the table has a label: take another one")
    output.mkdir(parents=True, exist_ok=True)
    done = _read_journal(output, recipe, planned)
    waiting = [clip for clip in planned if clip.id not in done]
    tasks = [
        _Task(recipe, tuple(corpora), output, tuple(group))
        for _, group in groupby(waiting, key=lambda clip: clip.mixture)
    ]
    finished = run_journalled(
        _make_mixture, tasks, planned, done, output / _JOURNAL, partial(_journal_line, recipe),
        jobs=jobs, progress=progress,
    )  # fmt: skip
    write_mixes(finished, output / LABELS)
    write_rated(to_rated(finished), output / RATED)
    return finished


def mix_sources(sources: Sequence[Ingredient], recipe: MixRecipe, corpora: Sequence[Path]) -> Audio:
    """Return the mixture, mono, 48 kHz, at the recipe's loudness.

    Raises `DataError` for an excerpt that none of the corpora has, and `SignalError` for a silent
    one.
    """
    frames = round(recipe.seconds * SAMPLE_RATE)
    total = np.zeros((1, frames), dtype=np.float64)
    for source in sources:
        path = next((c / source.path for c in corpora if (c / source.path).is_file()), None)
        if path is None:
            raise DataError(f"no corpus holds {source.path}: build the one that it is from")
        excerpt = read_audio(path, sample_rate=SAMPLE_RATE).mono()
        if excerpt.frames < frames:
            raise SignalError(f"{source.path} lasts {excerpt.duration:.3f} s: too short to mix")
        cut = Audio.from_array(excerpt.samples[:, :frames], SAMPLE_RATE)
        level = normalise_loudness(cut, recipe.loudness)
        total += 10.0 ** (source.gain / 20.0) * level.samples
    return normalise_loudness(Audio.from_array(total, SAMPLE_RATE), recipe.loudness)


def degrade_mixture(mixture: Audio, process: str, recipe: MixRecipe) -> Audio:
    """Return a mixture after a cascade, equally loud, rounded to the samples of a 16-bit file."""
    degraded = normalise_loudness(apply_cascade(mixture, parse_cascade(process)), recipe.loudness)
    steps = np.clip(np.round(degraded.samples * 32768.0), -32768, 32767)
    return Audio.from_array(steps / 32768.0, degraded.sample_rate)


def to_rated(clips: Sequence[MixClip]) -> list[RatedClip]:
    """Return the labelled clips with their scores on both axes.

    `recording` is the mixture, and `system` the kind of process: "none", a kind, or "cascade".
    """
    return [
        RatedClip(
            clip.id, clip.path, clip.split, _system_of(clip.process), clip.mixture, clip.domain,
            {"proxy_quality": (clip.proxy_quality,), "source_count": (float(clip.source_count),)},
        )
        for clip in clips
        if clip.proxy_quality is not None
    ]  # fmt: skip


def write_mixes(clips: Sequence[MixClip], path: Path) -> None:
    """Write the table of mixes as CSV, at once."""
    write_rows(path, _COLUMNS, (_to_cells(clip) for clip in clips))


def read_mixes(path: Path) -> list[MixClip]:
    """Read the table of mixes from a CSV file.

    Raises `DataError` naming the row when a column is missing or a value does not fit.
    """
    if not path.is_file():
        raise DataError(f"there is no table of mixes at {path}: make one with 'auricle data mix'")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [_from_row(row, f"{path}, row {number}") for number, row in enumerate(rows, start=1)]


@dataclass(frozen=True, slots=True)
class _Task:
    recipe: MixRecipe
    corpora: tuple[Path, ...]
    output: Path
    clips: tuple[MixClip, ...]


def _make_mixture(task: _Task) -> list[MixClip]:
    """Make the clips of one mixture: they share the analysis of their reference."""
    try:
        mixture = mix_sources(task.clips[0].sources, task.recipe, task.corpora)
        # Labelled clips need no engine.
        unlabelled = any(clip.proxy_quality is None for clip in task.clips)
        judge = Visqol(mixture) if unlabelled else None
    except InputError as error:
        return [replace(clip, error=f"{error.kind}: {error}") for clip in task.clips]
    return [_make_clip(task, clip, mixture, judge) for clip in task.clips]


def _make_clip(task: _Task, clip: MixClip, mixture: Audio, judge: Visqol | None) -> MixClip:
    try:
        degraded = degrade_mixture(mixture, clip.process, task.recipe)
        digest = hash_pcm(degraded)
        if judge is not None:
            clip = replace(
                clip,
                # FFT plans differ from process to process, and with them the last of 15 digits.
                proxy_quality=round(judge(degraded), 6),
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


def _system_of(process: str) -> str:
    kinds = [step.kind for step in parse_cascade(process)]
    return "cascade" if len(kinds) > 1 else kinds[0] if kinds else "none"


def _settings(recipe: MixRecipe, engine: str) -> str:
    """What besides sources and process decides how a clip sounds and is labelled."""
    return f"{recipe.seconds} s, {recipe.loudness} LUFS, {engine or engine_name()}"


def _journal_line(recipe: MixRecipe, clip: MixClip) -> str:
    row = {"settings": _settings(recipe, clip.engine), "clip": asdict(clip)}
    return json.dumps(row) + "\n"


def _read_journal(
    output: Path, recipe: MixRecipe, planned: Sequence[MixClip]
) -> dict[str, MixClip]:
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
            sources = tuple(Ingredient(**source) for source in row["clip"]["sources"])
            clip = MixClip(**{**row["clip"], "sources": sources})
        except (json.JSONDecodeError, KeyError, TypeError):
            continue
        plan = wanted.get(clip.id)
        if plan is None or clip.error or row["settings"] != _settings(recipe, plan.engine):
            continue
        same = all(getattr(clip, name) == getattr(plan, name) for name in _IDENTITY)
        same = same and plan.pcm_sha256 in ("", clip.pcm_sha256)
        if same and (output / clip.path).is_file():
            done[clip.id] = clip
    return done


def _to_cells(clip: MixClip) -> list[object]:
    values = {**asdict(clip), "source_count": clip.source_count}
    values["sources"] = json.dumps([[part.path, part.gain] for part in clip.sources])
    return ["" if values[name] is None else values[name] for name in _COLUMNS]


def _from_row(row: dict[str, Any], place: str) -> MixClip:
    missing = [name for name in _COLUMNS if row.get(name) is None]
    if missing:
        raise DataError(f"{place}: no value for {', '.join(missing)}")
    if row["split"] not in SPLITS or row["domain"] not in get_args(Domain):
        raise DataError(f"{place}: split {row['split']!r} or domain {row['domain']!r} is unknown")
    try:
        values = {name: row[name] for name in _COLUMNS if name != "source_count"}
        values["sources"] = tuple(
            Ingredient(str(path), float(gain)) for path, gain in json.loads(row["sources"])
        )
        values["seed"] = int(row["seed"])
        label = row["proxy_quality"]
        values["proxy_quality"] = float(label) if label else None
        count = int(row["source_count"])
    except (TypeError, ValueError) as error:
        raise DataError(f"{place}: {error}") from error
    if count != len(values["sources"]):
        raise DataError(f"{place}: source_count is not the number of its sources")
    return MixClip(**values)
