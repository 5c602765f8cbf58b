"""Mix recipes: single sources, how many of them to mix, and how to degrade the mixture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator, model_validator

from auricle.core.errors import ConfigError
from auricle.data.corpus_recipe import CorpusSource, Soundfont
from auricle.data.manifest import Split
from auricle.data.voices import Speakers
from auricle.degrade.base import Process
from auricle.recipes.reading import read_recipe

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class PartsRecipe(BaseModel):
    """Which scores to render part by part, and which voices to let speak.

    Of a score, `windows` excerpts of `seconds` are cut at the same places from each of its parts,
    where most parts sound. A part sounds where the share of time in which it is heard reaches
    `activity` (see `auricle.data.parts.measure_activity`); one of fewer than `notes` notes is
    left out, and so is one that doubles another. Of its texts a voice reads one, the next voice
    the next.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(10.0, gt=0.0)
    windows: int = Field(2, gt=0)
    activity: Share = 0.7
    notes: int = Field(16, gt=0)
    soundfonts: tuple[Soundfont, ...] = ()
    scores: tuple[CorpusSource, ...] = ()
    speakers: tuple[Speakers, ...] = ()

    @field_validator("scores")
    @classmethod
    def _only_midi(cls, scores: tuple[CorpusSource, ...]) -> tuple[CorpusSource, ...]:
        if any(score.format != "midi" for score in scores):
            raise ValueError("scores are of format midi")
        return scores


class MixRecipe(BaseModel):
    """What to mix of corpora of single sources, and how to degrade the mixtures.

    Sources are the excerpts whose id matches a pattern of `take` and none of `leave`, and of whose
    time they are heard the share `activity`. A mixture holds one of the numbers in `sources`, all
    numbers equally often; each source is equalised to `loudness` (LUFS) and then moved by up to
    `spread` dB. The share `together` of the mixtures is, where one is large enough, of parts of
    one score at the same place; the others are of recordings drawn kind by kind. Of each mixture
    there are `versions`: as it is with chance `clean`, degraded by two processes with chance
    `cascade`, else by one. `processes` gives the range of each kind: bitrates, rates and shares
    are drawn evenly in their logarithm, decibels evenly. `clips` says how many of each split, and
    `split` which shares of the recordings are in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    seconds: float = Field(10.0, gt=1.0)
    loudness: float = Field(-23.0, lt=0.0)
    spread: float = Field(4.0, ge=0.0)
    take: tuple[str, ...] = Field(("*",), min_length=1)
    leave: tuple[str, ...] = ()
    activity: Share = 0.7
    sources: tuple[PositiveInt, ...] = Field((1, 2, 3, 4, 5, 6), min_length=1)
    together: Share = 0.5
    versions: PositiveInt = 2
    clean: Share = 0.12
    cascade: Share = 0.25
    processes: dict[str, tuple[int, int]] = Field(min_length=1)
    clips: dict[Split, PositiveInt] = Field(min_length=1)
    split: dict[Split, Share]
    parts: PartsRecipe | None = None

    @field_validator("processes")
    @classmethod
    def _real_processes(cls, ranges: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        for kind, (low, high) in ranges.items():
            if low > high or low <= 0:
                raise ValueError(f"the range of {kind} must go from low to high, above zero")
            try:
                Process(kind, low), Process(kind, high)
            except ConfigError as error:
                raise ValueError(str(error)) from error
        return ranges

    @model_validator(mode="after")
    def _shares_add_up(self) -> MixRecipe:
        if abs(sum(self.split.values()) - 1.0) > 1e-6:
            raise ValueError("the shares of 'split' must add up to 1")
        if not all(self.split.get(name) for name in self.clips):
            raise ValueError("'clips' names a part that has no share in 'split'")
        if self.clean + self.cascade > 1.0:
            raise ValueError("'clean' and 'cascade' together are more than 1")
        if self.clean * self.versions > 1.0:
            raise ValueError("at most one in 'versions' is clean: lower 'clean' or 'versions'")
        return self


def read_mix_recipe(source: Path | str, overrides: tuple[str, ...] = ()) -> MixRecipe:
    """Read a mix recipe from a YAML file, or an embedded one by its name.

    `overrides` such as `clips.train=100` are applied last. Raises `ConfigError` naming the field
    that is wrong.

    >>> read_mix_recipe("open-mixes").sources
    (1, 2, 3, 4, 5, 6)
    """
    return read_recipe(MixRecipe, source, "mixes", overrides)
