"""Pair recipes: clean excerpts, and the ladders of degradations to make of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Annotated, Literal, Self, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from auricle.core.errors import ConfigError
from auricle.data.manifest import Split
from auricle.degrade.base import Process, format_cascade, unit_of

Label = Literal["visqol", "zimtohrli", "log_spectral", "pesq", "stoi"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

# A range is tried there: what lies between need not be accepted because the bounds are.
_PLACES = (0.0, 0.25, 0.5, 0.75, 1.0)
# Rungs of a ladder keep this share of the even distance, so that no two of them meet.
_APART = 0.7


class Family(BaseModel):
    """Processes of one sort: `kinds` with the range of each, from the mildest to the severest.

    Of each excerpt, `ladders` kinds are drawn, and of each kind `rungs` values, spread over its
    range: bitrates, rates, shares and counts evenly in their logarithm, decibels and qualities
    evenly. Where both ends are whole thousands of bit/s or Hz, so are the values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: dict[str, tuple[int, int]] = Field(min_length=1)
    ladders: NonNegativeInt = 1
    rungs: PositiveInt = 2

    @model_validator(mode="after")
    def _real_processes(self) -> Family:
        for kind, ends in self.kinds.items():
            try:
                for end in ends:
                    Process(kind, end)
                for place in _PLACES:
                    self.at(kind, place)
            except ConfigError as error:
                raise ValueError(str(error)) from error
        if self.ladders > len(self.kinds):
            raise ValueError(f"{self.ladders} ladders cannot be drawn of {len(self.kinds)} kinds")
        return self

    def at(self, kind: str, place: float) -> Process:
        """Return the process at a place of a kind's range, 0 the mildest and 1 the severest.

        >>> str(Family(kinds={"mp3": (160_000, 24_000)}).at("mp3", 0.5))
        'mp3:62k'
        """
        mildest, severest = self.kinds[kind]
        unit = unit_of(kind)
        if unit.startswith("dB") or "quality" in unit:
            return Process(kind, round(mildest + place * (severest - mildest)))
        value = mildest * (severest / mildest) ** place
        whole = unit in ("bit/s", "Hz") and mildest % 1000 == severest % 1000 == 0
        step = 1000 if whole else 1
        return Process(kind, step * round(value / step))


class ExcerptChoice(BaseModel, ABC):
    """Which excerpts to take of corpora, and how many.

    Excerpts are those whose id matches a pattern of `take` and none of `leave`; of each, `seconds`
    from a random place, its channels averaged, at `loudness` (LUFS), as every degraded version is.
    The share `speech` of the excerpts is speech. `excerpts` says how many of each split, `split`
    which share of the recordings is in it. `labels` are the reference metrics that are asked, PESQ
    and STOI for speech only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    seconds: float = Field(4.0, gt=1.0)
    loudness: float = Field(-23.0, lt=0.0)
    take: tuple[str, ...] = Field(("*",), min_length=1)
    leave: tuple[str, ...] = ()
    speech: Share = 0.4
    labels: tuple[Label, ...] = get_args(Label)
    excerpts: dict[Split, PositiveInt] = Field(min_length=1)
    split: dict[Split, Share]

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        if abs(sum(self.split.values()) - 1.0) > 1e-6:
            raise ValueError("the shares of 'split' must add up to 1")
        if not all(self.split.get(name) for name in self.excerpts):
            raise ValueError("'excerpts' names a part that has no share in 'split'")
        return self

    @property
    @abstractmethod
    def kinds(self) -> frozenset[str]:
        """The kinds of processes that may be drawn."""

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Iterator[tuple[str, str, int]]:
        """Yield what happens to one excerpt: process, its ladder and its rung on it."""


class PairRecipe(ExcerptChoice):
    """Ladders of degradations of each excerpt, to be labelled.

    Each has the ladders of all `families`, and `cascades` of one process from each of two families,
    or twice from the only one.
    """

    kind: Literal["ladders"] = "ladders"
    families: dict[str, Family] = Field(min_length=1)
    cascades: NonNegativeInt = 1
    labels: tuple[Label, ...] = Field(get_args(Label), min_length=1)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of processes that may be drawn."""
        return frozenset(kind for family in self.families.values() for kind in family.kinds)

    def draw(self, rng: np.random.Generator) -> Iterator[tuple[str, str, int]]:
        """Yield what happens to one excerpt: process, its ladder and its rung on it."""
        families = list(self.families.values())
        for family in families:
            kinds = list(family.kinds)
            for index in rng.choice(len(kinds), family.ladders, replace=False):
                for rung, place in enumerate(_draw_rungs(family.rungs, rng), start=1):
                    yield str(family.at(kinds[index], place)), kinds[index], rung
        for _ in range(self.cascades):
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
