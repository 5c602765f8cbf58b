"""Planning pairs: which excerpts to take of corpora, and which degradations to make of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from auricle.core.errors import DataError
from auricle.data.clip_recipe import seed_of
from auricle.data.manifest import SPLITS, Split
from auricle.data.pair_recipe import Family, PairRecipe
from auricle.data.rated import Domain
from auricle.data.recordings import Kind, Recording, read_corpus
from auricle.degrade.base import Process, format_cascade

# Rungs of a ladder keep this share of the even distance, so that no two of them meet.
_APART = 0.7


@dataclass(frozen=True, slots=True)
class PairClip:
    """One clip: how it comes about, and how far it is from its reference.

    Clips of one `excerpt` share their `reference`, of which they differ by `process`; the clean
    clip has none, and is its own reference. Those of one `ladder`, the kind of a single process,
    are the milder the lower their `rung`, from 1 on; others have none and rung 0. `source` is the
    excerpt's path in its corpus, of which it begins at `start` seconds. `labels` holds what
    reference metrics say, each on its own scale (see `auricle.data.pairs`), `pcm_sha256` the hash
    of the 16-bit samples, and `error` why there is no clip. Paths are relative to the data folder.
    """

    id: str
    excerpt: str
    recording: str
    split: Split
    domain: Domain
    path: str
    reference: str
    source: str
    start: float
    process: str
    ladder: str = ""
    rung: int = 0
    labels: Mapping[str, float] = field(default_factory=dict)
    pcm_sha256: str = ""
    error: str = ""

    @property
    def clean(self) -> bool:
        """Whether this is the reference itself."""
        return self.path == self.reference


_DOMAINS: Mapping[Kind, Domain] = {"speech": "speech", "effects": "sound"}


def plan_pairs(
    recipe: PairRecipe, corpora: Sequence[Path], speech: Sequence[Path] = ()
) -> list[PairClip]:
    """Return the clips that a recipe makes of corpora, unlabelled, excerpt by excerpt.

    All that lies in the folders of `speech` is speech, whatever their tables say. Raises
    `DataError` when a split has no recording of what is wanted.
    """
    pool = _read_pool(recipe, corpora, speech)
    clips: list[PairClip] = []
    for split in sorted(recipe.excerpts, key=SPLITS.index):
        part = [row for row in pool if _split_of(recipe, row.recording) == split]
        rng = np.random.default_rng(seed_of(f"{recipe.seed}|{split}"))
        for number in range(recipe.excerpts[split]):
            row = _draw_excerpt(recipe, part, split, rng)
            clips += _plan_excerpt(recipe, row, split, f"{split}-{number:04d}")
    return clips


def _read_pool(
    recipe: PairRecipe, corpora: Sequence[Path], speech: Sequence[Path]
) -> list[Recording]:
    rows: dict[str, Recording] = {}
    for folder, spoken in [(f, False) for f in corpora] + [(f, True) for f in speech]:
        for row in read_corpus(folder):
            if not _is_taken(recipe, row):
                continue
            if row.path in rows:
                raise DataError(f"two corpora hold {row.path}: give one of them alone")
            rows[row.path] = replace(row, kind="speech") if spoken else row
    if not rows:
        raise DataError("no excerpt is taken: see 'take', 'leave' and 'seconds' of the recipe")
    return list(rows.values())


def _is_taken(recipe: PairRecipe, row: Recording) -> bool:
    taken = any(fnmatchcase(row.id, pattern) for pattern in recipe.take)
    left = any(fnmatchcase(row.id, pattern) for pattern in recipe.leave)
    return taken and not left and row.duration >= recipe.seconds


def _split_of(recipe: PairRecipe, recording: str) -> Split:
    position = seed_of(f"{recipe.seed}|split|{recording}") / 2.0**64
    parts = [name for name in SPLITS if recipe.split.get(name, 0.0) > 0.0]
    for name in parts[:-1]:
        position -= recipe.split[name]
        if position < 0.0:
            return name
    return parts[-1]


def _draw_excerpt(
    recipe: PairRecipe, rows: Iterable[Recording], split: Split, rng: np.random.Generator
) -> Recording:
    """Draw speech or not, then the kind (rare ones more than their share), then the recording."""
    spoken = rng.random() < recipe.speech
    kinds: dict[Kind, dict[str, list[Recording]]] = {}
    for row in rows:
        if (row.kind == "speech") == spoken:
            kinds.setdefault(row.kind, {}).setdefault(row.recording, []).append(row)
    if not kinds:
        wanted = "speech" if spoken else "anything but speech"
        raise DataError(
            f"the {split} split has no recording of {wanted}: add corpora, or change 'speech'"
        )
    names = sorted(kinds)
    weights = np.sqrt([len(kinds[name]) for name in names])
    recordings = kinds[names[int(rng.choice(len(names), p=weights / weights.sum()))]]
    excerpts = recordings[list(recordings)[int(rng.integers(len(recordings)))]]
    return excerpts[int(rng.integers(len(excerpts)))]


def _plan_excerpt(
    recipe: PairRecipe, row: Recording, split: Split, excerpt: str
) -> Iterator[PairClip]:
    rng = np.random.default_rng(seed_of(f"{recipe.seed}|{excerpt}"))
    start = round(float(rng.uniform(0.0, row.duration - recipe.seconds)), 3)
    reference = f"clips/{excerpt}-0.flac"
    drawn = [("", "", 0), *_draw_processes(recipe, rng)]
    for version, (process, ladder, rung) in enumerate(drawn):
        name = f"{excerpt}-{version}"
        yield PairClip(
            id=name, excerpt=excerpt, recording=row.recording, split=split,
            domain=_DOMAINS.get(row.kind, "music"), path=f"clips/{name}.flac",
            reference=reference, source=row.path, start=start, process=process,
            ladder=ladder, rung=rung,
        )  # fmt: skip


def _draw_processes(recipe: PairRecipe, rng: np.random.Generator) -> Iterator[tuple[str, str, int]]:
    """Yield processes with their ladder and rung."""
    families = list(recipe.families.values())
    for family in families:
        kinds = list(family.kinds)
        for index in rng.choice(len(kinds), family.ladders, replace=False):
            for rung, place in enumerate(_draw_rungs(family.rungs, rng), start=1):
                yield str(family.at(kinds[index], place)), kinds[index], rung
    for _ in range(recipe.cascades):
        order = rng.permutation(len(families))[:2]
        pair = [families[index] for index in order] * (2 if len(families) == 1 else 1)
        yield format_cascade(_draw_any(family, rng) for family in pair), "", 0


def _draw_rungs(count: int, rng: np.random.Generator) -> Iterator[float]:
    """Yield places on a range of 0 to 1, one in each of `count` equal parts."""
    for part in range(count):
        within = 0.5 + _APART * (rng.random() - 0.5) if count > 1 else rng.random()
        yield (part + float(within)) / count


def _draw_any(family: Family, rng: np.random.Generator) -> Process:
    kinds = list(family.kinds)
    return family.at(kinds[int(rng.integers(len(kinds)))], float(rng.random()))
