"""How a system is trained, as data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from auricle.core.errors import ConfigError
from auricle.data.features import LabelledClip
from auricle.recipes.reading import read_recipe
from auricle.systems.config import Part, Rate, Size, SystemConfig
from auricle.training.adversary_recipe import AdversaryConfig

Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class AugmentationConfig(Part):
    """The fields of `auricle.data.batches.Augmentation`."""

    shift: Annotated[int, Field(ge=0)] = 0
    level_db: NonNegative = 0.0
    tilt_db: NonNegative = 0.0
    equaliser_db: NonNegative = 0.0
    top_bands: Annotated[int, Field(ge=0)] = 0


class DataConfig(Part):
    """`crop` is the seconds of each clip heard per epoch (None: all), `splice` the share of clips
    that go over into another one of the same reference.

    `labels` is the number of training clips used (None: all), drawn by the recipe's seed: fewer
    are among more. `steps` is the least number of steps in an epoch: where the clips are too few,
    an epoch goes over them several times. With `balance` they are drawn so that every source has
    the same labels (`auricle.data.domains.balance_sources`), some often and some never.

    Clips from `without_sources`, and clips whose cascade holds one of `without_codecs`, are neither
    trained nor validated on: how a model does on what it never met is then seen on them.
    """

    crop: Positive | None = None
    splice: Share = 0.0
    labels: Size | None = None
    steps: Size = 1
    balance: bool = False
    without_sources: tuple[str, ...] = ()
    without_codecs: tuple[str, ...] = ()
    augmentation: AugmentationConfig = AugmentationConfig()


class MeanSquaredErrorConfig(Part):
    """`auricle.losses.regression.mean_squared_error`."""

    kind: Literal["mean_squared_error"]


class GaussianNllConfig(Part):
    """`auricle.losses.regression.gaussian_nll`."""

    kind: Literal["gaussian_nll"]
    beta: Share = 0.0


class AdamConfig(Part):
    """Adam (Kingma and Ba, 2015)."""

    kind: Literal["adam"]
    lr: Positive = 1e-3


class AdamWConfig(Part):
    """AdamW (Loshchilov and Hutter, 2019): weight decay apart from the gradient."""

    kind: Literal["adamw"]
    lr: Positive = 1e-3
    weight_decay: NonNegative = 1e-2


LossConfig = Annotated[MeanSquaredErrorConfig | GaussianNllConfig, Field(discriminator="kind")]
OptimiserConfig = Annotated[AdamConfig | AdamWConfig, Field(discriminator="kind")]


class AuxiliaryConfig(Part):
    """Weights of what is learned besides the quality: its course over time, and the history."""

    course: NonNegative = 0.0
    history: NonNegative = 0.0


class Recipe(Part):
    """Everything that decides which weights come out, apart from the data.

    By the schedule "plateau" the learning rate is halved after `plateau` epochs without a better
    validation loss; "cosine" lets it rise over a tenth of all steps and then fall to nothing.
    Training stops after `patience` epochs without improvement. `averaging` is the decay per step of
    the moving average of weights that is validated and kept (None: the weights themselves).
    `precision` is that of the convolutions in training. `calibrate_on` is the split that the
    interval is fitted on, and with `correct_mean` also a correction of the mean.

    The `adversary` reads what the head reads, and takes it for clusters as well: of a pretrained
    encoder's embeddings before the training, or of the spectrogram's bands (mean and deviation).

    `start` is a file with the encoder's pretrained weights (None: those of a fresh system). A
    frozen `encoder` keeps its weights and the statistics that it normalises by, and drops nothing
    out: what stands behind it is trained alone. `encoder_lr` is the share of the learning rate that
    a trained encoder has.
    """

    system: SystemConfig
    data: DataConfig
    start: str | None = None
    encoder: Literal["trained", "frozen"] = "trained"
    encoder_lr: Positive = 1.0
    loss: LossConfig
    auxiliary: AuxiliaryConfig = AuxiliaryConfig()
    adversary: AdversaryConfig | None = None
    optimiser: OptimiserConfig
    batch_size: Size = 64
    max_epochs: Size = 300
    schedule: Literal["plateau", "cosine"] = "plateau"
    plateau: Size = 10
    patience: Size = 50
    averaging: Rate | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    calibrate_on: Literal["validation", "calibration"] = "calibration"
    correct_mean: bool = False
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.system.history is None) != (self.auxiliary.history == 0.0):
            raise ValueError(
                "'auxiliary.history' must be above 0 where 'system.history' is, and only there"
            )
        if self.data.crop is not None and self.system.fixed_length:
            raise ValueError("'data.crop' needs a network that hears clips of any length")
        if self.encoder == "frozen" and self.encoder_lr != 1.0:
            raise ValueError("a frozen encoder has no 'encoder_lr'")
        if self.encoder == "frozen" and self.adversary is not None:
            raise ValueError("an adversary changes what the encoder learns: it cannot be 'frozen'")
        pretrained = self.start or getattr(self.system.encoder, "weights", None)
        if self.encoder == "frozen" and not pretrained:
            # Without statistics to normalise by, a fresh one lets hardly anything through.
            raise ValueError("a frozen encoder needs pretrained weights: 'start'")
        return self


def identify_training(
    recipe: Recipe, clips: Sequence[LabelledClip], beside: Iterable[str] = ()
) -> str:
    """Return the SHA-256 of what decides the weights: recipe, pretrained weights, labelled clips.

    Keys of the recipe that are `beside` the question don't count, nor where the pretrained weights
    lie. Raises `ConfigError` when those cannot be read.
    """
    digest = hashlib.sha256(recipe.model_dump_json(exclude={"start", *beside}).encode())
    if recipe.start is not None:
        try:
            digest.update(Path(recipe.start).read_bytes())
        except OSError as error:
            raise ConfigError(
                f"start: the pretrained encoder cannot be read: {recipe.start}: {error.strerror}"
            ) from error
    for clip in clips:
        digest.update(repr(clip).encode())
    return digest.hexdigest()


def load_recipe(source: Path | str, overrides: Sequence[str] = ()) -> Recipe:
    """Load a recipe from a file, or an embedded one by its name; see `recipes.reading`.

    Raises `ConfigError` that names the key which is wrong.

    >>> load_recipe("codec-conv1d", ["optimiser.lr=3e-4"]).optimiser.lr
    0.0003
    """
    return read_recipe(Recipe, source, "systems", overrides)
