"""A few-shot study from its trainings to its tables, and that it goes on where it stopped."""

import csv
from pathlib import Path

import numpy as np
import pytest
from tests.training.test_fine_tuning import plain, save_encoder

from auricle.core.errors import ConfigError, DataError
from auricle.core.spec import Scale
from auricle.training.few_shot import PROBE, FewShots, Shot, run_few_shots
from auricle.training.few_shot_report import difference_of_rmse, report_few_shots
from auricle.training.recipe import Recipe
from auricle.training.trial import Trial, read_trial

MOS = ("system.scale={low: 1, high: 5}", "system.label_scale={low: 1, high: 5}", "max_epochs=1")


def test_every_arm_is_trained_with_every_number_of_labels(features: Path, tmp_path: Path) -> None:
    start = save_encoder(plain(), tmp_path / "encoder.safetensors")
    arms = {"scratch": plain(*MOS), "probe": plain(*MOS, *PROBE, f"start={start}")}
    seen: list[tuple[str, int, int]] = []

    def study() -> FewShots:
        seen.clear()
        return run_few_shots(
            arms,
            features,
            tmp_path / "study",
            counts=(200, 12),
            seeds=2,
            on_epoch=lambda epoch: seen.append(("", 0, 0)),
            on_shot=lambda shot: seen.append((shot.arm, shot.labels, shot.seed)),
        )

    found = study()
    runs = [run for run in seen if run[0]]
    assert runs == [(arm, labels, seed) for labels in (12, 60) for arm in arms for seed in (0, 1)]
    assert len(seen) == 2 * len(runs)
    with (tmp_path / "study" / "few_shot.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["arm"], int(row["labels"]), int(row["seed"])) for row in rows] == runs
    trial = read_trial(tmp_path / "study" / "probe" / "12" / "2" / "test.csv")
    assert float(rows[3]["rmse"]) == pytest.approx(trial.rmse, abs=1e-3)
    assert found.scale == Scale(1.0, 5.0)
    assert not list((tmp_path / "study").rglob("*.pt"))
    # Nothing is trained twice.
    again = study()
    assert seen == runs
    text = report_few_shots(again, "scratch")
    assert text == report_few_shots(found, "scratch")
    assert "RMSE and MAE on 1 to 5" in text
    assert "| all 60 | probe |" in text


def test_arms_and_features_that_do_not_fit_are_refused(features: Path, tmp_path: Path) -> None:
    arms: dict[str, Recipe] = {"mos": plain(*MOS), "of 100": plain()}
    with pytest.raises(ConfigError, match=r"one system\.scale"):
        run_few_shots(arms, features, tmp_path)
    for name in ("features.npy", "features.json"):
        (tmp_path / name).write_bytes((features / name).read_bytes())
    table = (features / "clips.csv").read_text("utf-8").replace(",test,", ",train,")
    (tmp_path / "clips.csv").write_text(table, "utf-8")
    with pytest.raises(DataError, match="no clips of the test split"):
        run_few_shots({"mos": plain()}, tmp_path, tmp_path / "study")


def invent(arm: str, labels: int, seed: int, error: float) -> Shot:
    rng = np.random.default_rng(0)
    label = rng.uniform(1.0, 5.0, 40)
    predicted = label + error * np.random.default_rng([1, seed]).standard_normal(40)
    texts = tuple(str(row) for row in range(40))
    return Shot(
        arm, labels, labels == 100, seed, 9, Trial(texts, texts, texts, texts, label, predicted)
    )


def test_a_better_start_is_told_with_its_uncertainty() -> None:
    shots = [
        invent(arm, labels, seed, error * (1.0 + 0.02 * seed))
        for labels in (25, 100)
        for seed in range(3)
        for arm, error in (("scratch", 1.0), ("fine-tuned", 0.8))
    ]
    study = FewShots(Scale(1.0, 5.0), tuple(shots))
    found = difference_of_rmse(study.of("fine-tuned", 25), study.of("scratch", 25))
    errors = {
        arm: np.mean([shot.trial.rmse for shot in study.of(arm, 25)])
        for arm in ("fine-tuned", "scratch")
    }
    assert found.value == pytest.approx(errors["fine-tuned"] - errors["scratch"])
    assert found.low < found.value < found.high < 0.0
    lines = report_few_shots(study, "scratch").splitlines()
    (row,) = [line for line in lines if line.startswith("| 25 | fine-tuned | -")]
    assert row.startswith("| 25 | fine-tuned | -20.0 % | -20.0 % | +")
    assert "t(2) = " in row
    assert "| all 100 | scratch | 3 |" in "\n".join(lines)
