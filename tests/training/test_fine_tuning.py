"""Training from a pretrained encoder, a frozen one, with few labels, for opinion scores."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.training.conftest import tiny_recipe

from auricle.catalog import load
from auricle.core.errors import ConfigError, DataError
from auricle.core.spec import Scale
from auricle.data.features import read_features
from auricle.systems.system import build_system
from auricle.training.fit import fit, used_rows
from auricle.training.loop import train
from auricle.training.pretraining_recipe import load_pretraining_recipe
from auricle.training.recipe import Recipe, load_recipe
from auricle.training.repeats import train_repeats
from auricle.training.trial import read_trial

PLAIN = ["system.history=null", "auxiliary.history=0", "data.splice=0", "precision=float32"]


def plain(*overrides: str) -> Recipe:
    return tiny_recipe([*PLAIN, *overrides])


def save_encoder(recipe: Recipe, path: Path, seed: int = 1) -> str:
    torch.manual_seed(seed)
    save_file(build_system(recipe.system).encoder.state_dict(), path)
    return str(path)


@pytest.fixture
def start(tmp_path: Path) -> str:
    return save_encoder(plain(), tmp_path / "encoder.safetensors")


def test_a_frozen_encoder_keeps_every_weight_it_started_with(
    features: Path, tmp_path: Path, start: str
) -> None:
    recipe = plain(f"start={start}", "encoder=frozen", "max_epochs=2")
    system = fit(recipe, read_features(features), tmp_path)
    torch.manual_seed(recipe.seed)
    fresh = build_system(recipe.system)
    torch.manual_seed(1)
    started = build_system(recipe.system)
    for name, value in started.encoder.state_dict().items():
        np.testing.assert_array_equal(system.encoder.state_dict()[name], value, err_msg=name)
    moved = [
        not torch.equal(value, fresh.head.state_dict()[name])
        for name, value in system.head.state_dict().items()
    ]
    assert any(moved)


def test_a_trained_encoder_moves_away_from_its_start(
    features: Path, tmp_path: Path, start: str
) -> None:
    def distance(name: str, *overrides: str) -> float:
        recipe = plain(f"start={start}", "max_epochs=1", *overrides)
        (tmp_path / name).mkdir()
        system = fit(recipe, read_features(features), tmp_path / name)
        torch.manual_seed(1)
        started = build_system(recipe.system)
        pairs = zip(system.encoder.parameters(), started.encoder.parameters(), strict=True)
        with torch.no_grad():
            return sum(float((one - other).square().sum()) for one, other in pairs)

    assert distance("whole") > 10 * distance("slow", "encoder_lr=0.01") > 0.0


def test_what_a_training_starts_from_is_part_of_what_it_is(
    features: Path, tmp_path: Path, start: str
) -> None:
    recipe = plain(f"start={start}", "max_epochs=1", "schedule=plateau")
    data = read_features(features)
    fit(recipe, data, tmp_path)
    # Elsewhere, but the same weights.
    moved = Path(start).rename(tmp_path / "moved.safetensors")
    fit(recipe.model_copy(update={"start": str(moved), "max_epochs": 2}), data, tmp_path)
    save_encoder(recipe, Path(start), seed=2)
    with pytest.raises(ConfigError, match="belongs to another recipe"):
        fit(recipe, data, tmp_path)


def test_a_start_that_does_not_fit_is_refused(features: Path, tmp_path: Path) -> None:
    data = read_features(features)
    other = save_encoder(plain("system.encoder.features=8"), tmp_path / "other.safetensors")
    with pytest.raises(ConfigError, match=r"does not fit the recipe's system\.encoder"):
        fit(plain(f"start={other}"), data, tmp_path)
    with pytest.raises(ConfigError, match="cannot be read: nowhere"):
        fit(plain("start=nowhere.safetensors"), data, tmp_path)
    (tmp_path / "text.safetensors").write_text("no weights")
    with pytest.raises(ConfigError, match="cannot be read as safetensors"):
        fit(plain(f"start={tmp_path / 'text.safetensors'}"), data, tmp_path)
    with pytest.raises(ConfigError, match="a frozen encoder has no 'encoder_lr'"):
        plain("encoder=frozen", "encoder_lr=0.1")
    with pytest.raises(ConfigError, match="a frozen encoder needs pretrained weights"):
        plain("encoder=frozen")


def test_few_labels_are_among_more_of_the_same_seed(features: Path) -> None:
    data = read_features(features)

    def drawn(*overrides: str) -> set[int]:
        return set(used_rows(plain(*overrides), data, "train").tolist())

    few, more = drawn("data.labels=10"), drawn("data.labels=25")
    assert len(few) == 10
    assert len(more) == 25
    assert few < more < drawn()
    assert few != drawn("data.labels=10", "seed=1")
    assert set(used_rows(plain("data.labels=10"), data, "validation")) == set(
        used_rows(plain(), data, "validation")
    )
    with pytest.raises(DataError, match="there are 60 training clips only"):
        drawn("data.labels=61")


def test_scores_run_over_the_shown_scale(features: Path, tmp_path: Path) -> None:
    scale = ["system.scale={low: 1, high: 5}", "system.label_scale={low: 1, high: 5}"]
    recipe = plain(*scale, "max_epochs=8", "data.labels=20", "data.steps=6", "correct_mean=true")
    (repeat,) = train_repeats(recipe, features, tmp_path, 1)
    trial = read_trial(tmp_path / "1" / "test.csv")
    clips = [clip for clip in read_features(features).clips if clip.split == "test"]
    np.testing.assert_allclose(trial.label, [clip.label for clip in clips], atol=1e-4)
    assert trial.predicted.min() >= 1.0
    assert trial.predicted.max() <= 5.0
    assert repeat.test_rmse == pytest.approx(trial.rmse)
    assert trial.rmse < 2.0
    assert repeat.validation_rmse < 2.0
    metric = load(tmp_path / "1" / "bundle")
    noise = np.random.default_rng(0).standard_normal(2 * 48000).astype(np.float32) / 10
    score = metric(noise, 48000)
    assert metric.spec.scale == score.scale == Scale(1.0, 5.0)
    assert 1.0 <= score.interval[0] <= score.value <= score.interval[1] <= 5.0
    assert all(1.0 <= moment.score <= 5.0 for moment in score.track)


def test_a_bundle_of_a_frozen_probe_is_complete(features: Path, tmp_path: Path, start: str) -> None:
    probe = ["system.pooling={kind: mean}", "loss={kind: mean_squared_error}", "max_epochs=2"]
    head = "system.head={kind: regression, hidden: [], dropout: 0}"
    recipe = plain(f"start={start}", "encoder=frozen", head, *probe)
    assert (train(recipe, features, tmp_path / "run") / "model.onnx").is_file()
    assert (tmp_path / "run" / "test.csv").is_file()


@pytest.mark.parametrize("name", ["jsqa", "jsqa-small"])
def test_a_recipe_starts_from_what_its_pretraining_leaves(name: str) -> None:
    pretraining = load_pretraining_recipe(f"{name}-pretraining")
    system = load_recipe(name).system
    assert system.encoder == pretraining.encoder
    assert system.front_end == pretraining.front_end


@pytest.mark.parametrize("name", ["jsqa", "jsqa-small", "speech"])
def test_recipes_of_opinion_scores(name: str) -> None:
    system = load_recipe(name).system
    assert system.spec.scale == Scale(1.0, 5.0)
    assert (system.domain, system.segment_frames, system.name) == ("speech", 251, name)
