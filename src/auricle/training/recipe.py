"""How a system is trained, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from auricle.core.errors import ConfigError
from auricle.systems.config import Part, Rate, Size, SystemConfig

Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]


class LabelScaleConfig(Part):
    """Opinion scores that count as 0 and as 1: `auricle.data.features.LabelScale`."""

    low: float
    high: float


class AugmentationConfig(Part):
    """The fields of `auricle.data.batches.Augmentation`."""

    level_db: NonNegative = 0.0
    tilt_db: NonNegative = 0.0
    top_bands: Annotated[int, Field(ge=0)] = 0


class DataConfig(Part):
    """`crop` is the seconds of each clip heard per epoch (None: all)."""

    label_scale: LabelScaleConfig
    crop: Positive | None = None
    augmentation: AugmentationConfig = AugmentationConfig()


class MeanSquaredErrorConfig(Part):
    """`auricle.losses.regression.mean_squared_error`."""

    kind: Literal["mean_squared_error"]


class GaussianNllConfig(Part):
    """`auricle.losses.regression.gaussian_nll`."""

    kind: Literal["gaussian_nll"]
    beta: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0


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


class Recipe(Part):
    """Everything that decides which weights come out, apart from the data.

    The learning rate is halved after `plateau` epochs without a better validation loss, training
    stops after `patience` such epochs. `averaging` is the decay per step of the moving average
    of weights that is validated and kept (None: the weights themselves). `precision` is that of
    the convolutions in training.
    """

    system: SystemConfig
    data: DataConfig
    loss: LossConfig
    optimiser: OptimiserConfig
    batch_size: Size = 64
    max_epochs: Size = 300
    plateau: Size = 10
    patience: Size = 50
    averaging: Rate | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    seed: Annotated[int, Field(ge=0)] = 0


def load_recipe(source: Path | str, overrides: Sequence[str] = ()) -> Recipe:
    """Load a recipe from a file, or an embedded one by its name.

    A recipe may say `extends:` another (a name, or a path relative to its own folder) and state
    only what differs. `overrides` such as `optimiser.lr=3e-4` are applied last.

    Raises `ConfigError` that names the key which is wrong.

    >>> load_recipe("codec-conv1d", ["optimiser.lr=3e-4"]).optimiser.lr
    0.0003
    """
    tree = _read_tree(_locate(source, None))
    for override in overrides:
        tree = _merge(tree, _parse_override(override))
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        problems = "\n".join(
            f"  {_path(tree, problem['loc'])}: {problem['msg']}" for problem in error.errors()
        )
        raise ConfigError(f"recipe {source} is wrong:\n{problems}") from error


def embedded_recipes() -> tuple[str, ...]:
    """Return the names of the recipes that come with Auricle.

    >>> "codec-music" in embedded_recipes()
    True
    """
    files = (resources.files("auricle") / "recipes").iterdir()
    return tuple(sorted(file.name[:-5] for file in files if file.name.endswith(".yaml")))


def _locate(source: Path | str, beside: Traversable | None) -> Traversable:
    name = str(source)
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if isinstance(beside, Path):
            path = beside.parent / path
        if not path.is_file():
            raise ConfigError(f"there is no recipe at {path}")
        return path
    if name not in embedded_recipes():
        known = ", ".join(embedded_recipes())
        raise ConfigError(f"no embedded recipe is called {name!r}; there are {known}")
    return resources.files("auricle") / "recipes" / f"{name}.yaml"


def _read_tree(file: Traversable) -> dict[str, Any]:
    tree = _read_yaml(file)
    if "extends" not in tree:
        return tree
    base = _read_yaml(_locate(str(tree.pop("extends")), file))
    if "extends" in base:
        raise ConfigError(f"recipe {file} extends one that itself extends another")
    return _merge(base, tree)


def _read_yaml(file: Traversable) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"recipe {file} is not YAML: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"recipe {file} must be a mapping")
    return tree


def _parse_override(override: str) -> dict[str, Any]:
    keys, equals, value = override.partition("=")
    if not equals or not all(keys.split(".")):
        raise ConfigError(f"an override looks like optimiser.lr=3e-4, not {override!r}")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"the value of override {override!r} is not YAML") from error
    *outer, last = keys.split(".")
    tree: dict[str, Any] = {last: parsed}
    for key in reversed(outer):
        tree = {key: tree}
    return tree


def _merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        old: Any = merged.get(key)
        # Another kind of part shares no options with the one it replaces.
        mergeable = isinstance(old, dict) and isinstance(value, dict)
        if mergeable and value.get("kind", old.get("kind")) == old.get("kind"):
            merged[key] = _merge(old, value)
        else:
            merged[key] = value
    return merged


def _path(tree: object, location: Sequence[str | int]) -> str:
    """The dotted path as written: without the kinds that pydantic puts into locations."""
    keys: list[str] = []
    for place, key in enumerate(location):
        if isinstance(tree, dict) and key not in tree and place < len(location) - 1:
            continue
        tree = tree.get(key) if isinstance(tree, dict) else None
        keys.append(str(key))
    return ".".join(keys)
