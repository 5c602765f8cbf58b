"""Planning mixes: which sources there are, which to mix, and which processes to draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import ceil
from pathlib import Path

import numpy as np

from auricle.core.errors import DataError
from auricle.data.clip_recipe import seed_of
from auricle.data.manifest import SPLITS, Split
from auricle.data.mix_recipe import MixRecipe
from auricle.data.parts import measure_activity
from auricle.data.rated import Domain
from auricle.data.recordings import Kind, Recording, read_corpus
from auricle.degrade.base import Process, format_cascade
from auricle.signal.io import read_audio

SAMPLE_RATE = 48000


@dataclass(frozen=True, slots=True)
class Source:
    """A single source that can be mixed: its excerpt, and the split that its recording is in."""

    path: str
    recording: str
    kind: Kind
    start: float
    split: Split


@dataclass(frozen=True, slots=True)
class Ingredient:
    """One source in a mixture: the excerpt's path in its corpus, and its gain in dB."""

    path: str
    gain: float


@dataclass(frozen=True, slots=True)
class MixClip:
    """One clip: how it comes about, and what it is worth.

    Clips of one `mixture` hold the same `sources`, put together with `seed`, and differ in
    `process` ("" for the mixture as it was). `proxy_quality` is the mean opinion score (1..5) that
    `engine` predicted (None with `error` set when it could not), `pcm_sha256` the hash of the
    16-bit samples that were labelled, and `path` the clip's own in the data folder.
    """

    id: str
    mixture: str
    split: Split
    domain: Domain
    path: str
    process: str
    sources: tuple[Ingredient, ...]
    seed: int
    proxy_quality: float | None = None
    engine: str = ""
    pcm_sha256: str = ""
    error: str = ""

    @property
    def source_count(self) -> int:
        """How many sources sound."""
        return len(self.sources)


def read_pool(
    recipe: MixRecipe, corpora: Sequence[Path], splits: Mapping[str, Split]
) -> list[Source]:
    """Return the single sources that a recipe takes of corpora, each with its split.

    A recording that `splits` has in training stays there; one that it has elsewhere is drawn into
    one of the other parts, and one that it doesn't have into any, by its name alone.
    Raises `DataError` for an excerpt that two corpora have, when nothing is left, and when there is
    no part that a recording may be in.
    """
    pool: dict[str, Source] = {}
    for corpus in corpora:
        for row in read_corpus(corpus):
            if not _is_taken(recipe, row):
                continue
            if row.path in pool:
                raise DataError(f"two corpora hold {row.path}: give one of them alone")
            excerpt = read_audio(corpus / row.path, sample_rate=SAMPLE_RATE).mono()
            if measure_activity(excerpt.samples, SAMPLE_RATE) >= recipe.activity:
                split = _split_of(recipe, row.recording, splits.get(row.recording))
                pool[row.path] = Source(row.path, row.recording, row.kind, row.start, split)
    if not pool:
        raise DataError("no excerpt is taken: see 'take', 'seconds' and 'activity' of the recipe")
    return list(pool.values())


def plan_mixes(recipe: MixRecipe, pool: Sequence[Source]) -> list[MixClip]:
    """Return the clips that a recipe makes of a pool, unlabelled.

    Raises `DataError` when a split has fewer recordings than a mixture needs sources.
    """
    clips: list[MixClip] = []
    for split in sorted(recipe.clips, key=SPLITS.index):
        part = [source for source in pool if source.split == split]
        recordings = len({source.recording for source in part})
        if recordings < max(recipe.sources):
            raise DataError(
                f"the {split} split has {recordings} recordings, but {max(recipe.sources)} are to"
                " be mixed: add sources, or raise its share in 'split'"
            )
        total = recipe.clips[split]
        made: list[MixClip] = []
        for number in range(ceil(total / recipe.versions)):
            made += _plan_mixture(recipe, part, split, number)
        clips += made[:total]
    return clips


def _is_taken(recipe: MixRecipe, row: Recording) -> bool:
    taken = any(fnmatchcase(row.id, pattern) for pattern in recipe.take)
    left = any(fnmatchcase(row.id, pattern) for pattern in recipe.leave)
    return taken and not left and row.duration >= recipe.seconds


def _split_of(recipe: MixRecipe, recording: str, known: Split | None) -> Split:
    shares = {name: recipe.split.get(name, 0.0) for name in SPLITS}
    if known == "train":
        return "train"
    if known is not None:
        shares["train"] = 0.0
    position = seed_of(f"{recipe.seed}|split|{recording}") / 2.0**64 * sum(shares.values())
    parts = [name for name in SPLITS if shares[name] > 0.0]
    if not parts:
        raise DataError(
            f"recording {recording} was used outside of training, but 'split' has no other part:"
            " give one a share, or 'leave' it out"
        )
    for name in parts[:-1]:
        position -= shares[name]
        if position < 0.0:
            return name
    return parts[-1]


def _plan_mixture(
    recipe: MixRecipe, pool: Sequence[Source], split: Split, number: int
) -> Iterator[MixClip]:
    seed = seed_of(f"{recipe.seed}|{split}|{number}")
    rng = np.random.default_rng(seed)
    count = recipe.sources[number % len(recipe.sources)]
    chosen = _draw_sources(recipe, pool, count, rng)
    gains = rng.uniform(-recipe.spread, recipe.spread, size=count).round(2).tolist()
    ingredients = tuple(
        Ingredient(source.path, gain) for source, gain in zip(chosen, gains, strict=True)
    )
    clean = rng.random() < recipe.clean * recipe.versions
    mixture = f"{split}-{number:04d}"
    for version in range(recipe.versions):
        process = "" if clean and version == 0 else format_cascade(_draw_processes(recipe, rng))
        name = f"{mixture}-{version}"
        yield MixClip(
            id=name, mixture=mixture, split=split, domain=_domain_of(chosen),
            path=f"clips/{name}.flac", process=process, sources=ingredients, seed=seed,
        )  # fmt: skip


def _draw_sources(
    recipe: MixRecipe, pool: Sequence[Source], count: int, rng: np.random.Generator
) -> list[Source]:
    if count > 1 and rng.random() < recipe.together:
        scores: dict[tuple[str, float], list[Source]] = {}
        for source in pool:
            if source.kind == "rendered":
                scores.setdefault((source.recording, source.start), []).append(source)
        if large := [parts for parts in scores.values() if len(parts) >= count]:
            parts = large[int(rng.integers(len(large)))]
            return [parts[index] for index in rng.choice(len(parts), count, replace=False)]
    return _draw_apart(pool, count, rng)


def _draw_apart(pool: Sequence[Source], count: int, rng: np.random.Generator) -> list[Source]:
    """Draw sources of different recordings: the kind first, rare kinds more than their share."""
    kinds: dict[Kind, dict[str, list[Source]]] = {}
    for source in pool:
        kinds.setdefault(source.kind, {}).setdefault(source.recording, []).append(source)
    chosen: list[Source] = []
    while len(chosen) < count:
        names = sorted(kind for kind, recordings in kinds.items() if recordings)
        weights = np.sqrt([len(kinds[name]) for name in names])
        recordings = kinds[names[int(rng.choice(len(names), p=weights / weights.sum()))]]
        excerpts = recordings.pop(list(recordings)[int(rng.integers(len(recordings)))])
        chosen.append(excerpts[int(rng.integers(len(excerpts)))])
    return chosen


def _draw_processes(recipe: MixRecipe, rng: np.random.Generator) -> list[Process]:
    kinds = list(recipe.processes)
    cascade = len(kinds) > 1 and rng.random() * (1.0 - recipe.clean) < recipe.cascade
    drawn = rng.choice(len(kinds), size=2 if cascade else 1, replace=False)
    return [_draw_process(kinds[index], *recipe.processes[kinds[index]], rng) for index in drawn]


def _draw_process(kind: str, low: int, high: int, rng: np.random.Generator) -> Process:
    if kind == "noise":
        return Process(kind, int(rng.integers(low, high + 1)))
    value = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    # Bitrates in whole kb/s, as they are written.
    step = 1000 if low >= 1000 and low % 1000 == high % 1000 == 0 else 1
    return Process(kind, min(max(step * round(value / step), low), high))


def _domain_of(sources: Sequence[Source]) -> Domain:
    kinds = {source.kind for source in sources}
    if kinds == {"speech"}:
        return "speech"
    if kinds == {"effects"}:
        return "sound"
    return "mixture" if kinds & {"speech", "effects"} else "music"
