"""The study reads folders of trainings and compares what is comparable."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

import study
from auricle.data.features import LabelledClip
from auricle.stats.hypotheses import one_sample_t_test, welch_t_test
from auricle.training.recipe import load_recipe
from auricle.training.track import Epoch
from auricle.training.trial import write_trial

CLIPS, EACH = 60, 6
RNG = np.random.default_rng(7)
MOS = RNG.uniform(1.0, 4.732, CLIPS)


def write_training(
    folder: Path, recipe: str, noise: float, *, mos: np.ndarray = MOS, first: int = 0
) -> None:
    """Write what a training leaves, with predictions off by `noise` opinion scores."""
    folder.mkdir(parents=True)
    loaded = load_recipe(recipe)
    (folder / "recipe.yaml").write_text(yaml.safe_dump(loaded.model_dump(mode="json")))
    with (folder / "log.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Epoch._fields)
        writer.writerows([[number, 1, 1, 1, 1, 1] for number in (1, 2, 3)])
    clips = [
        LabelledClip(f"c{first + n}", f"song{n // EACH}", "s", "test", float(mos[n]), "")
        for n in range(CLIPS)
    ]
    scale = loaded.system.label_scale
    # Not truncated, so that the noise is the same on every scale.
    predicted = (mos + RNG.normal(0, noise, CLIPS) - scale.low) / (scale.high - scale.low)
    write_trial(clips, 100.0 * scale(mos), 100.0 * predicted, folder / "test.csv")


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two models, one of them better, with a repeat that was not finished."""
    for number in (1, 2, 3, 10):
        write_training(tmp_path / "bad" / str(number), "codec-conv1d", 0.5 + 0.01 * number)
        write_training(tmp_path / "good" / str(number), "codec-music", 0.1)
    (tmp_path / "good" / "11").mkdir()
    return tmp_path


def run(folders: Path, *arguments: str) -> int:
    """Run the command on both models."""
    models = (f"bad={folders / 'bad'}", f"good={folders / 'good'}")
    return int(study.main([*models, "--output", str(folders / "out"), *arguments]))


def test_models_on_different_scales_are_compared_on_one(folders: Path) -> None:
    assert run(folders, "--against", "PCC=0.875", "RMSE=11.75") == 0
    facts = json.loads((folders / "out" / "study.json").read_text())
    assert (facts["clips"], facts["recordings"]) == (60, 10)
    good, bad = facts["models"]["good"], facts["models"]["bad"]
    assert (good["repeats"], good["unfinished"], bad["unfinished"]) == (4, 1, 0)
    assert good["epochs"]["mean"] == 3
    # A noise of 0.1 opinion scores on 1..5 is 2.5 of 100, whatever the recipe's scale.
    assert good["rmse"]["mean"] == pytest.approx(2.5, abs=0.4)
    assert bad["rmse"]["mean"] == pytest.approx(100 * 0.54 / 4, abs=2.0)
    first = good["first_repeat"]["pcc"]
    assert first["value"] == pytest.approx(good["pcc"]["values"][0])
    assert first["low"] <= first["value"] <= first["high"]


def test_p_values_are_those_of_the_repeats(folders: Path) -> None:
    run(folders, "--against", "PCC=0.875")
    facts = json.loads((folders / "out" / "study.json").read_text())
    values = [facts["models"][name]["rmse"]["values"] for name in ("bad", "good")]
    (pair,) = facts["welch"]
    assert pair["models"] == ["bad", "good"]
    assert pair["rmse"]["p"] == pytest.approx(welch_t_test(*values).p)
    published = facts["against"][1]
    assert published["model"] == "good"
    wanted = one_sample_t_test(facts["models"]["good"]["pcc"]["values"], 0.875)
    assert published["test"]["p"] == pytest.approx(wanted.p)


def test_tables_and_plots_are_written(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folders, "--against", "RMSE=11.75") == 0
    text = (folders / "out" / "study.md").read_text()
    assert capsys.readouterr().out == text
    assert "| bad - good | t(" in text
    assert "| good | RMSE | 11.75 | t(" in text
    for name in ("good", "bad"):
        assert 0 < (folders / "out" / f"{name}.png").stat().st_size < 300_000


def test_a_single_training_has_no_spread(folders: Path) -> None:
    arguments = [f"one={folders / 'good' / '1'}", f"all={folders / 'bad'}", "--no-plots"]
    assert study.main([*arguments, "--output", str(folders / "out")]) == 0
    facts = json.loads((folders / "out" / "study.json").read_text())
    assert facts["models"]["one"]["rmse"]["sd"] is None
    assert facts["welch"][0]["rmse"] is None
    assert "| one - all | - | - |" in (folders / "out" / "study.md").read_text()
    assert not list((folders / "out").glob("*.png"))


def test_what_cannot_be_compared_is_refused(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_training(folders / "labels" / "1", "codec-music", 0.1, mos=MOS[::-1])
    write_training(folders / "clips" / "1", "codec-music", 0.1, first=1)
    (folders / "empty").mkdir()
    good, out = f"good={folders / 'good'}", str(folders / "out")
    for given, message in (
        ([good, f"labels={folders / 'labels'}"], "labels of labels differ"),
        ([good, f"clips={folders / 'clips'}"], "clips was tested on other clips"),
        ([f"empty={folders / 'empty'}"], "no finished training"),
        ([good, "nameless"], "is not NAME=VALUE"),
        ([good, "--against", "MAE=3"], "there is no measure mae"),
        ([good, "--against", "PCC=high"], "is not a number"),
        ([good, "--scale", "5", "1"], "must rise"),
    ):
        assert study.main([*given, "--output", out]) == 1
        assert message in capsys.readouterr().err
