import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
import yaml
from tests.training.conftest import tiny_recipe

from auricle.core.errors import ConfigError, DataError, MissingDependencyError
from auricle.data.features import read_features
from auricle.systems.bundle import read_bundle
from auricle.systems.config import MelCnnConfig, SystemConfig
from auricle.systems.export import OUTPUTS
from auricle.systems.system import System, load_system
from auricle.training.fit import fit, predict
from auricle.training.loop import train
from auricle.training.recipe import (
    AugmentationConfig,
    AuxiliaryConfig,
    DataConfig,
    Recipe,
    load_recipe,
)
from auricle.training.track import Epoch, read_log


class Interrupted(Exception):
    pass


def weights_of(system: System) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in system.state_dict().items()}


def change(recipe: Recipe, **fields: object) -> Recipe:
    return recipe.model_copy(update=fields)


def assert_same_weights(one: System, other: System) -> None:
    for name, value in weights_of(one).items():
        np.testing.assert_array_equal(value, weights_of(other)[name], err_msg=name)


@pytest.fixture(scope="module")
def finished(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training from recipe to bundle; the folder it wrote to."""
    output = tmp_path_factory.mktemp("training") / "run"
    recipe = tiny_recipe(["max_epochs=25", "precision=float32"])
    assert train(recipe, features, output) == output / "bundle"
    return output


def test_a_small_set_is_learned(finished: Path, features: Path) -> None:
    data = read_features(features)
    system = load_system(read_bundle(finished / "bundle"))
    predictions = predict(tiny_recipe(), system, data, "test")
    assert np.corrcoef(predictions.mean, predictions.label)[0, 1] > 0.9
    assert np.sqrt(np.mean((predictions.mean - predictions.label) ** 2)) < 0.15


def test_the_bundle_is_complete_and_its_models_agree(finished: Path, features: Path) -> None:
    bundle = read_bundle(finished / "bundle")
    log_mel = read_features(features).log_mel[:3].astype(np.float32)
    session = onnxruntime.InferenceSession(bundle.onnx)
    answers = session.run(list(OUTPUTS), {"log_mel": log_mel})
    with torch.no_grad():
        expected = load_system(bundle)(torch.from_numpy(log_mel))
    for answer, wanted in zip(answers, expected, strict=True):
        np.testing.assert_allclose(answer, wanted.numpy(), rtol=1e-4, atol=1e-4)
    assert bundle.calibration.coverage == 0.9
    assert bundle.calibration.clips == 20


def test_the_interval_covers_most_unseen_clips(finished: Path, features: Path) -> None:
    bundle = read_bundle(finished / "bundle")
    data = read_features(features)
    mean, log_variance, label, *_ = predict(tiny_recipe(), load_system(bundle), data, "test")
    inside = [
        low <= value <= high
        for value, (low, high) in zip(
            label, map(bundle.calibration.interval, mean, np.exp(log_variance / 2)), strict=True
        )
    ]
    assert np.mean(inside) >= 0.7


def test_the_log_tells_every_epoch(finished: Path) -> None:
    log = read_log(finished)
    assert [epoch.epoch for epoch in log] == list(range(1, 26))
    assert min(epoch.validation_rmse for epoch in log) < log[0].validation_rmse
    assert list((finished / "tensorboard").glob("events.*"))
    resolved = yaml.safe_load((finished / "recipe.yaml").read_text())
    assert Recipe.model_validate(resolved).max_epochs == 25


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_resuming_gives_the_weights_of_an_uninterrupted_run(
    tiny: Recipe, features: Path, tmp_path: Path, precision: str
) -> None:
    recipe = change(tiny, max_epochs=6, plateau=1, precision=precision)
    data = read_features(features)
    epochs: list[Epoch] = []
    (tmp_path / "whole").mkdir()
    whole = fit(recipe, data, tmp_path / "whole", on_epoch=epochs.append)

    def interrupt(epoch: Epoch) -> None:
        if epoch.epoch == 3:
            raise Interrupted

    (tmp_path / "parts").mkdir()
    with pytest.raises(Interrupted):
        fit(recipe, data, tmp_path / "parts", on_epoch=interrupt)
    # A crash after the log but before the checkpoint leaves a row that is done again.
    with (tmp_path / "parts" / "log.csv").open("a") as file:
        file.write("4,0,0,0,0,0\n")
    resumed = fit(recipe, data, tmp_path / "parts")
    assert_same_weights(whole, resumed)
    logs = [[row[:5] for row in read_log(tmp_path / name)] for name in ("whole", "parts")]
    assert logs[0] == logs[1] == [row[:5] for row in epochs]


def test_the_best_epoch_is_kept_not_the_last(tiny: Recipe, features: Path, tmp_path: Path) -> None:
    data = read_features(features)
    epochs: list[Epoch] = []
    recipe = change(tiny, max_epochs=8, precision="float32")
    system = fit(recipe, data, tmp_path, on_epoch=epochs.append)
    mean, _, label, *_ = predict(recipe, system, data, "validation")
    best = min(epoch.validation_rmse for epoch in epochs)
    assert np.sqrt(np.mean((mean - label) ** 2)) == pytest.approx(best, rel=1e-4)


def test_the_rate_is_halved_on_a_plateau_and_training_stops(features: Path, tmp_path: Path) -> None:
    # At such a rate nothing changes, so no epoch after the first improves.
    stopping = ["schedule=plateau", "plateau=2", "patience=5", "max_epochs=50"]
    recipe = tiny_recipe(["optimiser.lr=1e-12", "averaging=null", *stopping])
    recipe = change(recipe, system=_without_normalisation(recipe))
    epochs: list[Epoch] = []
    fit(recipe, read_features(features), tmp_path, on_epoch=epochs.append)
    stale = len(epochs) - 1 - int(np.argmin([epoch.validation_rmse for epoch in epochs]))
    assert stale == 5
    rates = [epoch.learning_rate for epoch in epochs]
    assert rates[-1] == rates[0] / 4


def test_a_cosine_rises_and_falls_once(tiny: Recipe, features: Path, tmp_path: Path) -> None:
    epochs: list[Epoch] = []
    recipe = change(tiny, max_epochs=4)
    fit(recipe, read_features(features), tmp_path, on_epoch=epochs.append)
    # Each row holds the rate that its epoch began with.
    rates = [epoch.learning_rate for epoch in epochs[1:]]
    assert tiny.optimiser.lr > rates[0] > rates[1] > rates[2] > 0.0
    # Its end decides its course, so such a training is not prolonged.
    with pytest.raises(ConfigError, match="belongs to another recipe"):
        fit(change(recipe, max_epochs=5), read_features(features), tmp_path)


def _without_normalisation(recipe: Recipe) -> object:
    encoder = {"kind": "conv1d", "filters": (4,), "lengths": (3,)}
    return type(recipe.system).model_validate(recipe.system.model_dump() | {"encoder": encoder})


def test_another_recipe_does_not_go_on_from_this_checkpoint(
    tiny: Recipe, features: Path, tmp_path: Path
) -> None:
    data = read_features(features)
    recipe = change(tiny, max_epochs=1, schedule="plateau")
    fit(recipe, data, tmp_path)
    longer: list[Epoch] = []
    fit(change(recipe, max_epochs=2), data, tmp_path, on_epoch=longer.append)
    assert [epoch.epoch for epoch in longer] == [2]
    with pytest.raises(ConfigError, match="belongs to another recipe"):
        fit(change(recipe, seed=1), data, tmp_path)
    fit(change(recipe, seed=1), data, tmp_path, resume=False)


def test_a_split_that_is_missing_is_missed_before_training(features: Path, tmp_path: Path) -> None:
    shutil.copytree(features, tmp_path / "features")
    table = tmp_path / "features" / "clips.csv"
    table.write_text(table.read_text("utf-8").replace(",calibration,", ",train,"), "utf-8")
    with pytest.raises(DataError, match="calibration split"):
        train(tiny_recipe(), tmp_path / "features", tmp_path / "out")
    assert not (tmp_path / "out" / "log.csv").exists()


def test_every_key_of_a_recipe_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    table = text.partition("## Keys of a training recipe")[2]
    for part in (
        Recipe,
        DataConfig,
        AugmentationConfig,
        AuxiliaryConfig,
        SystemConfig,
        MelCnnConfig,
    ):
        missing = [name for name in part.model_fields if not re.search(rf"\b{name}\b", table)]
        assert missing == [], part.__name__


def test_too_few_clips_to_calibrate_on_are_missed_before_training(
    features: Path, tmp_path: Path
) -> None:
    shutil.copytree(features, tmp_path / "features")
    table = tmp_path / "features" / "clips.csv"
    head, *rows = table.read_text("utf-8").splitlines()
    kept = [row for row in rows if ",calibration," in row][:8]
    others = [row.replace(",calibration,", ",train,") for row in rows]
    changed = [row if row in kept else other for row, other in zip(rows, others, strict=True)]
    table.write_text("\n".join([head, *changed]) + "\n", "utf-8")
    with pytest.raises(DataError, match=r"calibration split.*needs 9 calibration clips or more"):
        train(tiny_recipe(), tmp_path / "features", tmp_path / "out")
    assert not (tmp_path / "out" / "log.csv").exists()


def test_what_comes_after_training_may_change(
    finished: Path, features: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    epochs: list[Epoch] = []
    recipe = tiny_recipe(["max_epochs=25", "precision=float32", "calibrate_on=validation"])
    train(recipe, features, tmp_path / "run", on_epoch=epochs.append)
    assert epochs == []


def test_a_checkpoint_that_is_damaged_or_holds_code_is_refused(
    tiny: Recipe, features: Path, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    for content in (b"nonsense", None):
        if content is None:
            torch.save({"fingerprint": Interrupted}, checkpoint)
        else:
            checkpoint.write_bytes(content)
        with pytest.raises(ConfigError, match="is damaged"):
            fit(tiny, read_features(features), tmp_path)


def test_features_of_another_front_end_are_refused(
    tiny: Recipe, features: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="the recipe needs"):
        train(load_recipe("codec-music"), features, tmp_path / "one")
    longer = change(tiny, system=tiny.system.model_copy(update={"segment": 1.0}))
    with pytest.raises(DataError, match="frames per clip"):
        train(longer, features, tmp_path / "two")


def test_without_torch_the_error_says_what_to_install(
    tiny: Recipe, features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match=r"auricle\[train\]"):
        train(tiny, features, tmp_path)


def test_calibration_file_is_plain_json(finished: Path) -> None:
    text = (finished / "bundle" / "calibration.json").read_text()
    assert set(json.loads(text)) == {
        *("coverage", "scale", "temperature", "clips", "correction", "lossy_threshold"),
    }
