"""Recipes of contrastive pretraining."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from auricle.recipes.reading import read_recipe
from auricle.systems.config import (
    Conv1dConfig,
    LogMelConfig,
    MelCnnConfig,
    Part,
    ResidualCnnConfig,
    Size,
)
from auricle.training.distance_recipe import CosineConfig
from auricle.training.recipe import AdamConfig, AdamWConfig, AugmentationConfig, Positive


class ProjectionConfig(Part):
    """A layer of `hidden` values and ReLU, then one of `size` values, which are compared."""

    hidden: Size = 256
    size: Size = 128


class ViewBatchConfig(Part):
    """A batch holds `contents` ladders of excerpts and of each up to `rungs`, drawn anew, in pairs.

    Rungs of a ladder are each other's hard negatives.
    """

    contents: Size = 32
    rungs: Size = 4

    @model_validator(mode="after")
    def _has_negatives(self) -> Self:
        if self.contents * self.rungs < 2:
            raise ValueError("one pair has no negatives: raise 'contents' or 'rungs'")
        return self


class NtXentConfig(Part):
    """The options of `auricle.losses.contrastive.nt_xent`."""

    temperature: Positive = 0.1
    hard: Positive = 1.0


class PretrainingRecipe(Part):
    """Everything that decides which weights an encoder gets from JND pairs, apart from the pairs.

    Views are `crop` seconds of whole clips as the front end hears them; all of a content are
    augmented alike, and `cut` at one place ("together"), or each at a place of its own ("apart"):
    then what is said does not tell partners, only how it sounds. Without `projection`, embeddings
    of clips are compared themselves. `precision` is that of the network in training. With `chunk`,
    so many views go through the network at a time, whatever the batch: see
    `auricle.training.pretraining_network.backward`.
    """

    kind: Literal["pretraining"] = "pretraining"
    front_end: LogMelConfig
    encoder: Annotated[Conv1dConfig | MelCnnConfig | ResidualCnnConfig, Field(discriminator="kind")]
    projection: ProjectionConfig | None = ProjectionConfig()
    loss: NtXentConfig = NtXentConfig()
    crop: Positive
    cut: Literal["together", "apart"] = "together"
    batch: ViewBatchConfig = ViewBatchConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    optimiser: Annotated[AdamConfig | AdamWConfig, Field(discriminator="kind")]
    schedule: CosineConfig
    max_epochs: Size
    precision: Literal["float32", "bfloat16"] = "float32"
    chunk: Size | None = None
    seed: Annotated[int, Field(ge=0)] = 0

    @property
    def crop_frames(self) -> int:
        """Number of spectrogram frames in a view."""
        front_end = self.front_end.build()
        return front_end.frames(round(self.crop * front_end.sample_rate))


def load_pretraining_recipe(source: Path | str, overrides: Sequence[str] = ()) -> PretrainingRecipe:
    """Load a recipe from a file, or an embedded one by its name; see `recipes.reading`.

    Raises `ConfigError` that names the key which is wrong.

    >>> load_pretraining_recipe("jsqa-small-pretraining", ["crop=2"]).crop_frames
    126
    """
    return read_recipe(PretrainingRecipe, source, "systems", overrides)
