"""Recipes of just-noticeable differences: twice the same damage, nearly as strong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from auricle.core.errors import ConfigError
from auricle.data.pair_recipe import ExcerptChoice, Label, PairRecipe
from auricle.degrade.base import Process, unit_of
from auricle.recipes.reading import read_recipe, recipe_kind


class Continuum(BaseModel):
    """A kind of process from its mildest to its severest value, and the difference one can hear.

    `jnd` is the just-noticeable difference: in dB where the value is in dB, else a factor. `weight`
    says how often the kind is drawn, compared with others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mildest: int
    severest: int
    jnd: Annotated[float, Field(gt=0.0)]
    weight: Annotated[float, Field(gt=0.0)] = 1.0


class JndRecipe(ExcerptChoice):
    """Pairs within a just-noticeable difference of each excerpt, at several strengths of a kind.

    Of each excerpt one kind of `continua` is drawn, and `pairs` pairs of it, spread over its range:
    those of one pair share ladder and rung and are less than a just-noticeable difference apart,
    those of different ones at least that far. So every continuum has to span two for each pair.

    Source: just-noticeable pairs of speech-to-noise ratios, JSQA (2025); a difference of 3 dB is
    noticed on average (McShefferty, Whitmer and Akeroyd, 2015).

    >>> recipe = JndRecipe(kind="jnd", excerpts={"train": 1}, split={"train": 1.0},
    ...     continua={"snr": Continuum(mildest=30, severest=0, jnd=3.0)})
    >>> [row[0] for row in recipe.draw(np.random.default_rng(0))][:2]
    ['snr:26', 'snr:25']
    """

    kind: Literal["jnd"]
    continua: dict[str, Continuum] = Field(min_length=1)
    pairs: PositiveInt = 3
    labels: tuple[Label, ...] = ()

    @model_validator(mode="after")
    def _spans_enough(self) -> Self:
        for kind, continuum in self.continua.items():
            try:
                scale = _Scale(kind, continuum)
                for place in np.linspace(0.0, scale.length, 64).tolist():
                    scale.at(place)
            except ConfigError as error:
                raise ValueError(str(error)) from error
            if scale.length < 2.0 * self.pairs:
                raise ValueError(
                    f"{kind} spans {scale.length:.1f} just-noticeable differences, too few for"
                    f" {self.pairs} pairs: it needs {2 * self.pairs}"
                )
        return self

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of processes that may be drawn."""
        return frozenset(self.continua)

    def draw(self, rng: np.random.Generator) -> Iterator[tuple[str, str, int]]:
        """Yield what happens to one excerpt: process, its ladder and its rung on it."""
        names = list(self.continua)
        weights = np.array([continuum.weight for continuum in self.continua.values()])
        kind = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        scale = _Scale(kind, self.continua[kind])
        width = scale.length / self.pairs
        for rung in range(self.pairs):
            # A pair keeps half a difference from the ends of its part: the next is a whole one off.
            centre = rung * width + rng.uniform(1.0, width - 1.0)
            half = 0.5 * rng.uniform(0.0, 1.0)
            for value in scale.pair(centre - half, centre + half):
                yield str(Process(kind, value)), kind, rung + 1


class _Scale:
    """The values of a kind along its range, counted in just-noticeable differences."""

    def __init__(self, kind: str, continuum: Continuum) -> None:
        Process(kind, continuum.mildest)  # Says what is wrong with either.
        self.kind = kind
        self.mildest = continuum.mildest
        self.adds = unit_of(kind).startswith("dB")
        if not self.adds and continuum.jnd <= 1.0:
            raise ConfigError(f"the difference of {kind} is a factor: more than 1")
        self.unit = 1000 if unit_of(kind) == "bit/s" else 1
        change = continuum.severest - continuum.mildest
        ratio = continuum.severest / continuum.mildest if not self.adds else 1.0
        self.step = continuum.jnd if self.adds else math.log(continuum.jnd)
        self.sign = math.copysign(1.0, change if self.adds else math.log(ratio))
        self.length = abs(change if self.adds else math.log(ratio)) / self.step

    def at(self, place: float) -> int:
        """Return the value so many differences from the mildest, as a process takes it."""
        way = self.sign * place * self.step
        exact = self.mildest + way if self.adds else self.mildest * math.exp(way)
        value = self.unit * round(exact / self.unit)
        Process(self.kind, value)
        return value

    def pair(self, one: float, other: float) -> tuple[int, int]:
        """Return two values that differ, but by less than one difference."""
        first, second = self.at(one), self.at(other)
        down = -self.unit if second < first or (second == first and self.sign < 0) else self.unit
        if second == first:
            second = first + down
        while second != first + down and self.apart(first, second) >= 1.0:
            second -= down
        return first, second

    def apart(self, one: int, other: int) -> float:
        """Return how many differences lie between two values."""
        far = abs(other - one) if self.adds else abs(math.log(other / one))
        return far / self.step


def read_pair_recipe(source: Path | str, overrides: tuple[str, ...] = ()) -> PairRecipe | JndRecipe:
    """Read a pair recipe of either kind from a YAML file, or an embedded one by its name.

    `overrides` such as `excerpts.train=100` are applied last. Raises `ConfigError` naming the
    field that is wrong.

    >>> read_pair_recipe("open-pairs").kind, read_pair_recipe("jnd-speech").kind
    ('ladders', 'jnd')
    """
    if recipe_kind(source, "pairs") == "jnd":
        return read_recipe(JndRecipe, source, "pairs", overrides)
    return read_recipe(PairRecipe, source, "pairs", overrides)
