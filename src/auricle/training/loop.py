"""From a recipe and features to a finished bundle."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml
from numpy.typing import NDArray

from auricle.core.errors import DataError, MissingDependencyError
from auricle.core.traces import TRACES
from auricle.data.features import read_features
from auricle.heads.calibration import (
    Calibration,
    apply_correction,
    calibrate,
    fit_correction,
)
from auricle.systems.bundle import save_bundle
from auricle.systems.history import sigmoid
from auricle.training.adversary_recipe import domains_file
from auricle.training.recipe import Recipe
from auricle.training.trial import TEST, write_trial

if TYPE_CHECKING:
    from auricle.systems.system import System
    from auricle.training.fit import Predictions
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

    `output` receives what `train_system` leaves there, and `bundle/`. Raises what that raises, and
    `BundleError` when torch and ONNX Runtime disagree.
    """
    system, calibration = train_system(recipe, features, output, resume=resume, on_epoch=on_epoch)
    from auricle.systems.export import export_onnx
    from auricle.training.checkpoint import save_weights

    weights = output / "weights.safetensors"
    save_weights(weights, system.state_dict())
    onnx = export_onnx(system, recipe.system)
    save_bundle(
        *(output / "bundle", recipe.system, calibration),
        onnx=onnx,
        weights=weights,
        domains=domains_file(output),
    )
    weights.unlink()
    return output / "bundle"


def train_system(
    recipe: Recipe,
    features: Path,
    output: Path,
    *,
    resume: bool = True,
    on_epoch: OnEpoch | None = None,
) -> tuple[System, Calibration]:
    """Train and calibrate; return the system with its best weights, and how it is calibrated.

    `features` is a folder that `auricle.data.features.write_features` wrote, with the splits
    train, validation and the recipe's `calibrate_on`. `output` receives `recipe.yaml`, `log.csv`,
    `tensorboard/`, the checkpoint and, when the features have a test split, `test.csv` with the
    predictions for it (see `auricle.training.trial`). With `resume`, an interrupted training goes
    on to the same weights as without interruption; the same seed and number of threads give the
    same weights.

    Raises `MissingDependencyError` without torch and its companions, `DataError` when features
    and recipe don't fit or there are too few clips to calibrate on (9 are needed), `ConfigError`
    when the output belongs to another training or the loss is not finite any more.
    """
    _require()
    from auricle.training.fit import fit, predict, used_rows

    data = read_features(features)
    output.mkdir(parents=True, exist_ok=True)
    # It would not be this training's until the end.
    (output / TEST).unlink(missing_ok=True)
    # Asked for before the training: what is missing should not be missed afterwards.
    calibrating = used_rows(recipe, data, recipe.calibrate_on)
    _require_clips(recipe, calibrating.size)
    system = fit(recipe, data, output, resume=resume, on_epoch=on_epoch)
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    (output / "recipe.yaml").write_text(text, encoding="utf-8")
    unseen = predict(recipe, system, data, calibrating)
    calibration = calibrate_by(recipe, unseen)
    unheard = [clip for clip in data.clips if clip.split == "test"]
    if unheard:
        test = predict(recipe, system, data, "test")
        corrected = apply_correction(test.mean, calibration.correction)
        scale = recipe.system.spec.scale
        write_trial(unheard, scale.show(test.label), scale.show(corrected), output / TEST)
    return system, calibration


def calibrate_by(recipe: Recipe, unseen: Predictions) -> Calibration:
    """Fit what a recipe wants calibrated, on clips that were not trained on."""
    return calibrate(
        unseen.mean,
        unseen.log_variance,
        unseen.label,
        correction=fit_correction(unseen.mean, unseen.label) if recipe.correct_mean else None,
        genuine=_genuine(unseen),
    )


def _genuine(found: Predictions) -> NDArray[np.float64] | None:
    """How likely the system finds a lossy past where there is none, if it tells the past."""
    if found.history.shape[1] == 0:
        return None
    never = found.traces[:, TRACES.index("lossy"), 0] == 0.0
    return sigmoid(found.history[never, TRACES.index("lossy"), 0])


def _require_clips(recipe: Recipe, clips: int) -> None:
    """Raise `DataError` when so few clips give no interval, whatever the system says of them."""
    try:
        calibrate(*np.zeros((3, clips)))
    except DataError as error:
        raise DataError(
            f"the {recipe.calibrate_on} split (calibrate_on) is too small: {error}"
        ) from error


def _require() -> None:
    for package in _NEEDED:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise MissingDependencyError(package, extra="train") from error
