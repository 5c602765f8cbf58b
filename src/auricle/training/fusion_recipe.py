"""Recipes of fused systems, and of grids of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, model_validator

from auricle.data.manifest import Split
from auricle.data.rated import Domain
from auricle.encoders.cache import Precision
from auricle.recipes.reading import read_recipe
from auricle.systems.config import Name, Part, Size
from auricle.systems.distance_config import LoraConfig
from auricle.systems.fusion_config import FusionConfig
from auricle.training.axis_adversary_recipe import AxisAdversaryConfig, RatedSource
from auricle.training.recipe import AdamConfig, AdamWConfig, NonNegative, Positive


class FusionDataConfig(Part):
    """`crop` is the longest stretch in seconds that a training clip is heard for, anew each epoch;
    embeddings are kept on disk in `precision`. With `balance` training clips are drawn so that
    each of these sources has the same labels.
    """

    crop: Annotated[float, Field(gt=0.0)] = 10.0
    precision: Precision = "float16"
    balance: RatedSource | None = None


class SquaredErrorConfig(Part):
    """`auricle.losses.regression.mean_squared_error`."""

    kind: Literal["mean_squared_error"]


class AbsoluteSquaredErrorConfig(Part):
    """`auricle.losses.regression.absolute_and_squared_error`."""

    kind: Literal["absolute_and_squared_error"]


class ContrastiveConfig(Part):
    """`auricle.losses.pairwise.contrastive_margin`, in standard deviations of the labels."""

    kind: Literal["contrastive"]
    margin: NonNegative = 0.1


class UtmosConfig(Part):
    """`auricle.losses.pairwise.utmos_loss`, in standard deviations of the labels."""

    kind: Literal["utmos"]
    tau: NonNegative = 0.5
    margin: NonNegative = 0.1


class DualCriterionConfig(Part):
    """`auricle.losses.pairwise.dual_criterion_quality`."""

    kind: Literal["dual_criterion"]


class ConcordanceConfig(Part):
    """`auricle.losses.concordance.concordance_loss`."""

    kind: Literal["concordance"]


class MultiGaussLossConfig(Part):
    """`auricle.losses.regression.multivariate_gaussian_nll`, of a member with such a head."""

    kind: Literal["multi_gauss"]


RatingLoss = Annotated[
    SquaredErrorConfig
    | AbsoluteSquaredErrorConfig
    | ContrastiveConfig
    | UtmosConfig
    | DualCriterionConfig
    | ConcordanceConfig
    | MultiGaussLossConfig,
    Field(discriminator="kind"),
]


class FusionRecipe(Part):
    """Everything that decides which weights a member gets, apart from the clips.

    Training ends after `patience` epochs in which the loss on the validation split did not fall;
    the best epoch is kept. A frozen encoder is asked once for what it makes of every clip; with
    `train_encoder` "lora" its adapters learn, with "full" all of it, at the share `encoder_lr` of
    the learning rate.

    The `adversaries` are trained against: the logged training loss holds theirs too, the validation
    loss does not.
    """

    kind: Literal["fusion"] = "fusion"
    system: FusionConfig
    data: FusionDataConfig = FusionDataConfig()
    loss: RatingLoss
    optimiser: Annotated[AdamConfig | AdamWConfig, Field(discriminator="kind")]
    train_encoder: Literal["frozen", "lora", "full"] = "frozen"
    lora: LoraConfig | None = None
    encoder_lr: Positive = 1.0
    adversaries: tuple[AxisAdversaryConfig, ...] = ()
    batch_size: Size = 32
    max_epochs: Size = 10
    patience: Size = 3
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _trains_one(self) -> Self:
        if len(self.system.members) != 1:
            raise ValueError("a recipe trains one member; a grid trains several")
        return self

    @model_validator(mode="after")
    def _hides_from_axes_that_are_there(self) -> Self:
        asked = {name for adversary in self.adversaries for name in adversary.axes}
        if unknown := sorted(asked - {axis.name for axis in self.system.axes}):
            raise ValueError(f"'adversaries' names {', '.join(unknown)}, which is no axis")
        return self

    @model_validator(mode="after")
    def _learns_what_the_head_tells(self) -> Self:
        if (self.loss.kind == "multi_gauss") != self.system.tells_covariance:
            raise ValueError("the loss 'multi_gauss' and the head 'multi_gauss' need each other")
        return self

    @model_validator(mode="after")
    def _trains_encoders_as_told(self) -> Self:
        if (self.train_encoder == "lora") != (self.lora is not None):
            raise ValueError("'lora' is given where train_encoder is 'lora', and only there")
        if self.train_encoder == "frozen":
            if self.encoder_lr != 1.0:
                raise ValueError("a frozen encoder has no 'encoder_lr'")
        elif self.data.crop > self.system.segment:
            raise ValueError("an encoder that learns hears a segment at most: lower 'data.crop'")
        return self


class ClipChoice(Part):
    """A part of the clips to judge models on: a split, data sets and domains (none: all)."""

    split: Split
    datasets: tuple[str, ...] = ()
    domains: tuple[Domain, ...] = ()
    level: Literal["utterance", "system"] = "utterance"


class Ranking(Part):
    """The `best` models by SRCC on one of the grid's sets."""

    set: Name
    best: Size


class Based(Part):
    """A recipe of variants of another, the `base`: an embedded one or a file."""

    base: str

    def beside(self, source: Path | str) -> Self:
        """Return the same with a file as base that lies beside the file `source`."""
        if not self.base.endswith((".yaml", ".yml")):
            return self
        return self.model_copy(update={"base": str(Path(source).parent / self.base)})


class GridRecipe(Based):
    """A recipe in many variants, judged on several sets, and ensembles of the best.

    Each entry of `variants` is one thing that varies: names, and what a recipe of that name states
    differently. All combinations are trained. An ensemble are the models in the intersection of its
    rankings (all without any); `bundle` says which one becomes the bundle, and `baseline` on which
    set the single model is chosen that ensembles are compared with. `resamples` are those of each
    bootstrap interval.
    """

    kind: Literal["grid"]
    variants: Annotated[tuple[dict[Name, dict[str, Any]], ...], Field(min_length=1)]
    sets: Annotated[dict[Name, ClipChoice], Field(min_length=1)]
    ensembles: Annotated[dict[Name, tuple[Ranking, ...]], Field(min_length=1)]
    bundle: Name
    baseline: Name
    resamples: Size = 500

    @model_validator(mode="after")
    def _knows_its_sets(self) -> Self:
        asked = {ranking.set for rankings in self.ensembles.values() for ranking in rankings}
        if unknown := sorted({*asked, self.baseline} - self.sets.keys()):
            raise ValueError(f"no set is called {', '.join(unknown)}")
        if self.bundle not in self.ensembles:
            raise ValueError(f"no ensemble is called {self.bundle}")
        names = [*(name for name, _ in self.models()), *self.ensembles]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two models or ensembles are called {', '.join(twice)}")
        return self

    def models(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the name of every combination, with its overrides of the base."""
        for chosen in product(*(variant.items() for variant in self.variants)):
            changes = [item for _, change in chosen for item in change.items()]
            overrides = (f"{key}={yaml.safe_dump(value)}" for key, value in changes)
            yield "-".join(name for name, _ in chosen), tuple(overrides)


def load_fusion_recipe(source: Path | str, overrides: Sequence[str] = ()) -> FusionRecipe:
    """Load a recipe from a file, or an embedded one by its name; see `recipes.reading`.

    Raises `ConfigError` that names the key which is wrong.

    >>> load_fusion_recipe("mmmos", ["loss.kind=concordance"]).system.axes[0].name
    'production_quality'
    """
    return read_recipe(FusionRecipe, source, "systems", overrides)


def load_grid(source: Path | str, overrides: Sequence[str] = ()) -> GridRecipe:
    """Load a grid; a file named as its base lies beside it.

    >>> len(list(load_grid("mmmos-grid").models()))
    16
    """
    return read_recipe(GridRecipe, source, "systems", overrides).beside(source)
