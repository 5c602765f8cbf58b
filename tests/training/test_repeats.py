import json
import statistics
from pathlib import Path

import numpy as np
import pytest
import yaml
from tests.training.conftest import TINY, tiny_recipe
from typer.testing import CliRunner

from auricle.cli.main import app
from auricle.core.errors import ConfigError
from auricle.data.features import read_features
from auricle.heads.calibration import apply_correction
from auricle.systems.bundle import read_bundle
from auricle.systems.system import load_system
from auricle.training.fit import predict
from auricle.training.repeats import train_repeats
from auricle.training.track import Epoch, read_log
from auricle.training.trial import read_trial

SHORT = ["max_epochs=2", "precision=float32", "seed=5"]


@pytest.fixture(scope="module")
def study(features: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Two trainings by the command line: their folder, and what was printed."""
    output = tmp_path_factory.mktemp("repeats") / "out"
    settings = [word for setting in (*TINY, *SHORT) for word in ("--set", setting)]
    places = ["--features", str(features), "--output", str(output)]
    arguments = ["train", "codec-music", *places, "--repeats", "2", *settings]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return output, result.output


def test_each_repeat_is_a_training_with_a_seed_of_its_own(study: tuple[Path, str]) -> None:
    weights = []
    for number in (1, 2):
        folder = study[0] / str(number)
        assert yaml.safe_load((folder / "recipe.yaml").read_text())["seed"] == 4 + number
        assert len(read_log(folder)) == 2
        weights.append(read_bundle(folder / "bundle").weights.read_bytes())
    assert weights[0] != weights[1]


def test_the_test_split_is_predicted_by_the_best_weights(
    study: tuple[Path, str], features: Path
) -> None:
    folder = study[0] / "1"
    trial = read_trial(folder / "test.csv")
    data = read_features(features)
    wanted = predict(tiny_recipe(), load_system(read_bundle(folder / "bundle")), data, "test")
    assert trial.id == tuple(clip.id for clip in data.clips if clip.split == "test")
    np.testing.assert_allclose(trial.label, 100 * wanted.label, atol=1e-3)
    knots = read_bundle(folder / "bundle").calibration.correction
    corrected = apply_correction(wanted.mean, knots)
    np.testing.assert_allclose(trial.predicted, 100 * corrected, atol=1e-3)


def test_the_summary_holds_means_and_deviations(study: tuple[Path, str]) -> None:
    output, printed = study
    facts = json.loads((output / "repeats.json").read_text())
    assert [repeat["seed"] for repeat in facts["repeats"]] == [5, 6]
    errors = [read_trial(output / str(number) / "test.csv").rmse for number in (1, 2)]
    assert facts["summary"]["test_rmse"]["mean"] == pytest.approx(np.mean(errors))
    assert facts["summary"]["test_rmse"]["sd"] == pytest.approx(statistics.stdev(errors))
    assert facts["summary"]["epochs"] == {"mean": 2.0, "sd": 0.0}
    table = printed.splitlines()
    assert any(line.split()[:1] == ["mean"] and f"{np.mean(errors):.2f}" in line for line in table)
    assert any(line.split()[:1] == ["SD"] for line in table)


def test_finished_repeats_are_not_done_again(study: tuple[Path, str], features: Path) -> None:
    output = study[0]
    before = (output / "1" / "bundle").stat().st_mtime_ns
    epochs: list[Epoch] = []
    found = train_repeats(tiny_recipe(SHORT), features, output, 2, on_epoch=epochs.append)
    assert [repeat.seed for repeat in found] == [5, 6]
    assert epochs == []
    assert (output / "1" / "bundle").stat().st_mtime_ns == before
    # Another training must not pass for this one.
    with pytest.raises(ConfigError, match="belongs to another recipe"):
        train_repeats(tiny_recipe([*SHORT, "batch_size=8"]), features, output, 2)


def test_there_is_at_least_one(features: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least once"):
        train_repeats(tiny_recipe(), features, tmp_path, 0)
