"""Clip recipes: what to make of the recordings of a corpus, as checked YAML, and the plan."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from auricle.core.errors import DataError
from auricle.data.manifest import SPLITS, Clip, Split
from auricle.data.recordings import Recording
from auricle.degrade.base import format_cascade
from auricle.degrade.processes import PROCESSES, REDUNDANT, draw_cascade, draw_defect
from auricle.recipes.reading import read_recipe

_USUAL = tuple(key for key in PROCESSES if key not in REDUNDANT)


class DrawRecipe(BaseModel):
    """How many clips of each split to draw, of near-uniform labels; see `auricle.data.draw`.

    `pilot` is the share of the pool that is labelled first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clips: dict[Split, PositiveInt] = Field(min_length=1)
    pilot: float = Field(0.03, gt=0.0, le=1.0)


class ClipRecipe(BaseModel):
    """What to make of every excerpt of a corpus, after Kasperuk and Zielinski (2024, III.B).

    Per excerpt: the clean one if `clean`, `single` processes of Tables I and II drawn without
    the redundant ones, and `cascades` of two drawn from all 45; besides, `defects` that are no
    codec's (`auricle.degrade.processes.draw_defect`). Everything is at 48 kHz, in one channel (or
    two where the recording has them), cut to `seconds` and equalised to `loudness` (LUFS).
    `excerpts` limits how many are taken of one recording. `split` gives each part's share
    of the recordings, or their number; what is beyond these numbers is left out, and
    `test_sources` names the sources that test recordings come from, one from each in turn.
    Every excerpt becomes a reference by one of `masters`, drawn at random: as it is (""), or
    after a process such as "darken:3". With `draw`, all this is a pool, of which only so many clips
    are drawn, uniform in quality.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    seconds: float = Field(10.0, gt=1.0)
    loudness: float = Field(-23.0, lt=0.0)
    channels: Literal[1, 2] = 1
    excerpts: int | None = Field(None, gt=0)
    clean: bool = True
    single: int = Field(5, ge=0, le=len(_USUAL))
    cascades: int = Field(6, ge=0)
    defects: int = Field(0, ge=0)
    split: dict[Split, float]
    test_sources: tuple[str, ...] = ()
    masters: tuple[str, ...] = Field(("",), min_length=1)
    draw: DrawRecipe | None = None

    @property
    def counted(self) -> bool:
        """Whether `split` holds numbers of recordings rather than shares."""
        return max(self.split.values()) > 1.0

    @model_validator(mode="after")
    def _shares_or_numbers(self) -> ClipRecipe:
        values = self.split.values()
        if not self.split or min(values) < 0:
            raise ValueError("'split' needs a share or a number of recordings for each part")
        if self.counted and any(value != int(value) for value in values):
            raise ValueError("numbers of recordings in 'split' must be whole")
        if not self.counted and abs(sum(values) - 1.0) > 1e-6:
            raise ValueError("the shares of 'split' must add up to 1")
        if self.draw is not None and not set(self.draw.clips) <= set(self.split):
            raise ValueError("'draw' names a part that 'split' doesn't have")
        if self.test_sources and not self.counted:
            raise ValueError("'test_sources' needs numbers of recordings in 'split'")
        return self


def plan_clips(recipe: ClipRecipe, recordings: Sequence[Recording]) -> list[Clip]:
    """Return the clips that a recipe makes, or draws from, unlabelled, in the corpus's order.

    Excerpts shorter than the recipe's `seconds` are left out: clips are equally long. Raises
    `DataError` when there are too few recordings for the recipe's split.
    """
    usable = [row for row in recordings if row.duration >= recipe.seconds]
    if not usable:
        raise DataError(
            f"none of {len(recordings)} excerpts lasts {recipe.seconds:g} s: lower 'seconds' of the"
            " recipe, or take longer recordings"
        )
    everything = {row.recording for row in recordings}
    short = len(everything) - len({row.recording for row in usable})
    splits = _split_recordings(recipe, usable, short)
    taken: dict[str, int] = {}
    clips: list[Clip] = []
    for row in usable:
        count = taken[row.recording] = taken.get(row.recording, 0) + 1
        split = splits.get(row.recording)
        if split is not None and (recipe.excerpts is None or count <= recipe.excerpts):
            clips += _plan_excerpt(recipe, row, split)
    return clips


def read_clip_recipe(source: Path | str) -> ClipRecipe:
    """Read a clip recipe from a YAML file, or an embedded one by its name.

    Raises `ConfigError` naming the field that is wrong.

    >>> read_clip_recipe("codec-music").seconds
    10.0
    """
    return read_recipe(ClipRecipe, source, "clips")


def seed_of(text: str) -> int:
    """Return a number that depends on nothing but a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _plan_excerpt(recipe: ClipRecipe, recording: Recording, split: Split) -> Iterator[Clip]:
    rng = np.random.default_rng(seed_of(f"{recipe.seed}|{recording.path}"))
    drawn = sorted(rng.choice(_USUAL, size=recipe.single, replace=False).tolist())
    processes = [str(PROCESSES[key]) for key in drawn]
    processes += [format_cascade(draw_cascade(rng)) for _ in range(recipe.cascades)]
    if recipe.clean:
        processes.insert(0, "")
    master = recipe.masters[int(rng.integers(len(recipe.masters)))]
    # Drawn last, so that a recipe that gains them keeps its other clips.
    processes += [format_cascade(draw_defect(rng)) for _ in range(recipe.defects)]
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
            master=master,
            kbps=recording.kbps,
            channels=min(recipe.channels, recording.channels),
        )


def _split_recordings(
    recipe: ClipRecipe, recordings: Sequence[Recording], short: int
) -> dict[str, Split]:
    """Return the split of each recording; `short` others, too short, are only told of."""
    sources = {row.recording: row.source for row in recordings}
    if not recipe.counted:
        return {name: _split_by_share(recipe, name) for name in sources}
    # Ordered by the names' hashes: at random, but the same for the same corpus.
    order = sorted(sources, key=lambda name: seed_of(f"{recipe.seed}|split|{name}"))
    splits: dict[str, Split] = {}
    # The test split first: it may want sources of its own.
    for split in sorted(recipe.split, key=lambda name: name != "test"):
        for index in range(int(recipe.split[split])):
            wanted = None
            if split == "test" and recipe.test_sources:
                wanted = recipe.test_sources[index % len(recipe.test_sources)]
            name = next(
                (n for n in order if n not in splits and wanted in (None, sources[n])), None
            )
            if name is None:
                raise DataError(
                    f"the recipe splits {sum(recipe.split.values()):.0f} recordings; the corpus has"
                    f" {len(sources)} that last {recipe.seconds:g} s ({short} are too short) and"
                    f" none left for {split}"
                    + (f" from {wanted}" if wanted else "")
                    + ": a recipe of your own can split by shares"
                )
            splits[name] = split
    return splits


def _split_by_share(recipe: ClipRecipe, recording: str) -> Split:
    """Draw the split by the recording's name alone: other recordings do not matter."""
    position = seed_of(f"{recipe.seed}|split|{recording}") / 2.0**64
    edge = 0.0
    for split in SPLITS:
        edge += recipe.split.get(split, 0.0)
        if position < edge:
            return split
    return SPLITS[-1]
