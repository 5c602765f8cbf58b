"""Recipes of systems that judge by distance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from auricle.encoders.cache import Precision
from auricle.recipes.reading import read_recipe
from auricle.systems.config import Part, Size
from auricle.systems.distance_config import DistanceConfig
from auricle.training.recipe import AdamConfig, AdamWConfig, Positive

Metric = Literal["visqol", "zimtohrli", "log_spectral", "pesq", "stoi"]
Label = Metric | Literal["consensus", "bitrate", "ladder"]
Within = Literal["codec", "ladder", "domain"]


class PairDataConfig(Part):
    """`seconds` is how much of a clip is heard at once (None: a segment of the system), at a
    random place, anew each epoch; what the front end makes of clips is kept in `precision`.
    """

    seconds: Positive | None = None
    precision: Precision = "float16"


class PairBatchConfig(Part):
    """A batch holds `excerpts` and of each `versions`: the clean one, and others drawn anew."""

    excerpts: Size = 5
    versions: Annotated[int, Field(ge=2)] = 6


class Term(Part):
    """Rank-N-Contrast of one label, on the embeddings of clips or on distances from references.

    Distances being those of degraded clips from their own clean ones, whose distance is 0, they
    grow as the label says. `within` says which clips are compared: all, those of one codec and
    clean ones, those of one domain, or those of one ladder and their reference, whose labels are
    rungs.
    """

    of: Literal["clips", "distances"]
    label: Label
    within: Within | None = None
    weight: Positive = 1.0

    @model_validator(mode="after")
    def _compares_rungs_of_a_ladder(self) -> Self:
        if self.label == "ladder" and self.within != "ladder":
            raise ValueError("rungs are compared within a ladder: set 'within: ladder'")
        return self


class DistanceLossConfig(Part):
    """A weighted sum of `auricle.losses.rank_n_contrast`, each term per clip of the batch."""

    temperature: Positive = 1.0
    terms: Annotated[tuple[Term, ...], Field(min_length=1)]


class PlateauConfig(Part):
    """The learning rate is multiplied by `decay` after every epoch from the `patience`-th in a row
    that was no better.
    """

    kind: Literal["plateau"]
    decay: Annotated[float, Field(gt=0.0, le=1.0)] = 0.99
    patience: Size = 10


class CosineConfig(Part):
    """The learning rate rises over the share `warm_up` of all steps, then falls to nothing."""

    kind: Literal["cosine"]
    warm_up: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.05


class MappingsConfig(Part):
    """How distances become scores of 100: the kind of mapping, and the label it is fitted to."""

    kind: Literal["cubic", "mlp"] = "cubic"
    target: Literal["consensus", "visqol"] = "consensus"


class DistanceRecipe(Part):
    """Everything that decides which weights a distance gets, apart from the pairs.

    The epoch is kept that is best by `judge`: the loss on the validation split, or one of the
    figures of `auricle.training.distance_figures.Figures`. Non-matching references are as many as
    `references` clean training clips.
    """

    kind: Literal["distance"] = "distance"
    system: DistanceConfig
    data: PairDataConfig = PairDataConfig()
    batch: PairBatchConfig = PairBatchConfig()
    loss: DistanceLossConfig
    optimiser: Annotated[AdamConfig | AdamWConfig, Field(discriminator="kind")]
    schedule: Annotated[PlateauConfig | CosineConfig, Field(discriminator="kind")]
    max_epochs: Size = 100
    judge: Literal["loss", "consensus", "visqol", "ladder", "non_matching"] = "loss"
    references: Size = 16
    mappings: MappingsConfig = MappingsConfig()
    seed: Annotated[int, Field(ge=0)] = 0

    @property
    def crop_samples(self) -> int:
        """Number of samples that are heard at once, at the system's rate."""
        return round((self.data.seconds or self.system.segment_seconds) * self.system.sample_rate)

    @model_validator(mode="after")
    def _hears_a_segment_at_most(self) -> Self:
        if self.crop_samples > self.system.segment_samples:
            raise ValueError("'data.seconds' must not be longer than a segment of the system")
        return self


def load_distance_recipe(source: Path | str, overrides: Sequence[str] = ()) -> DistanceRecipe:
    """Load a recipe from a file, or an embedded one by its name; see `recipes.reading`.

    Raises `ConfigError` that names the key which is wrong.

    >>> load_distance_recipe("deepaq", ["optimiser.lr=3e-4"]).system.lora.rank
    8
    """
    return read_recipe(DistanceRecipe, source, "systems", overrides)
