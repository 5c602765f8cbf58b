"""From a recipe and features to a finished bundle."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from auricle.core.errors import MissingDependencyError
from auricle.data.features import read_features
from auricle.heads.calibration import calibrate
from auricle.systems.bundle import save_bundle
from auricle.training.recipe import Recipe

if TYPE_CHECKING:
    from auricle.training.track import OnEpoch

_NEEDED = ("torch", "safetensors", "onnx", "onnxscript", "onnxruntime", "tensorboard")


def train(
    recipe: Recipe,
    features: Path,
    output: Path,
    *,
    resume: bool = True,
    on_epoch: OnEpoch | None = None,
) -> Path:
    """Train, calibrate, export; return the folder of the finished bundle.

    `features` is a folder that `auricle.data.features.write_features` wrote, with the splits
    train, validation and calibration. `output` receives `recipe.yaml`, `log.csv`,
    `tensorboard/`, the checkpoint and `bundle/`. With `resume`, an interrupted training goes on
    to the same weights as without interruption; the same seed and number of threads give the
    same weights.

    Raises `MissingDependencyError` without torch and its companions, `DataError` when features
    and recipe don't fit, `ConfigError` when the output belongs to another training or the loss
    is not finite any more, `BundleError` when torch and ONNX Runtime disagree.
    """
    _require()
    from auricle.systems.export import export_onnx
    from auricle.training.checkpoint import save_weights
    from auricle.training.fit import fit, predict, scale_labels

    data = read_features(features)
    output.mkdir(parents=True, exist_ok=True)
    system = fit(recipe, data, output, resume=resume, on_epoch=on_epoch)
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    (output / "recipe.yaml").write_text(text, encoding="utf-8")
    unseen = predict(system, data, scale_labels(recipe, data), "calibration")
    calibration = calibrate(unseen.mean, unseen.log_variance, unseen.label)
    weights = output / "weights.safetensors"
    save_weights(weights, system.state_dict())
    onnx = export_onnx(system, recipe.system)
    save_bundle(output / "bundle", recipe.system, calibration, onnx=onnx, weights=weights)
    weights.unlink()
    return output / "bundle"


def _require() -> None:
    for package in _NEEDED:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise MissingDependencyError(package, extra="train") from error
