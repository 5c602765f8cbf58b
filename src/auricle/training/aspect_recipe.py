"""Recipes of the search for the domains that each axis is best trained against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from auricle.recipes.reading import read_recipe
from auricle.systems.config import Name
from auricle.systems.fusion_config import AxisName
from auricle.training.axis_adversary_recipe import AxisAdversaryConfig, RatedAdversaryConfig
from auricle.training.fusion_recipe import Based

FINAL = "aspects"
"""What the system is called whose axes are each trained by their own strategy."""


class AspectRecipe(Based):
    """Strategies to train a `base` recipe by, each against its own adversaries of all axes.

    Every strategy is trained with every one of `seeds`. `judge_by` is the figure, a mean over
    seeds, by which each axis has its strategy chosen on the validation split.
    """

    kind: Literal["aspects"]
    strategies: Annotated[dict[Name, tuple[RatedAdversaryConfig, ...]], Field(min_length=2)]
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0, 1, 2)
    judge_by: Literal["srcc", "mse"] = "srcc"

    @model_validator(mode="after")
    def _tells_models_apart(self) -> Self:
        if FINAL in self.strategies:
            raise ValueError(f"'{FINAL}' is what the chosen system is called: name it otherwise")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("'seeds' names one twice")
        return self

    def combine(self, chosen: Mapping[AxisName, Name]) -> Iterator[AxisAdversaryConfig]:
        """Yield the adversaries of a system whose axes have each a strategy of their own."""
        for name, adversaries in self.strategies.items():
            axes = tuple(axis for axis, strategy in chosen.items() if strategy == name)
            for adversary in adversaries if axes else ():
                yield AxisAdversaryConfig.model_validate({**adversary.model_dump(), "axes": axes})


def load_aspects(source: Path | str, overrides: Sequence[str] = ()) -> AspectRecipe:
    """Load a search; a file named as its base lies beside it.

    Raises `ConfigError` that names the key which is wrong.

    >>> list(load_aspects("dat-aspect").strategies)[:3]
    ['none', 'source', 'kmeans-2']
    """
    return read_recipe(AspectRecipe, source, "systems", overrides).beside(source)
