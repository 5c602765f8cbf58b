"""The ablation reads finished trainings, and tells which variant agrees better with the labels."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import distance_ablation as ablation
from auricle.core.errors import DataError
from auricle.training.distance_recipe import load_distance_recipe

RECORDINGS, RUNGS = 12, 5
RESAMPLES = 50
RNG = np.random.default_rng(3)
# One ladder per recording, from mild to severe.
VISQOL = 4.6 - 0.7 * np.arange(RUNGS) + RNG.uniform(-0.1, 0.1, (RECORDINGS, RUNGS))


def write_run(folder: Path, noise: float, visqol: np.ndarray = VISQOL) -> None:
    """Write what a training leaves: distances that bend, and are off by `noise`."""
    folder.mkdir(parents=True)
    for split in ablation.SPLITS:
        distance = np.exp(5.0 - visqol) + RNG.uniform(0.0, noise, visqol.shape)
        with (folder / f"{split}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(ablation.Heard._fields)
            writer.writerows(
                [f"r{n}", f"e{n} opus", rung + 1, visqol[n, rung], distance[n, rung], 1.0 + rung]
                for n in range(RECORDINGS)
                for rung in range(RUNGS)
            )
    facts = {"learns": 1000, "share": 0.1, "best": 3, "seconds_per_epoch": 2.0}
    (folder / "run.json").write_text(json.dumps({**facts, "learning_rate": 1e-3}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A base variant by two seeds, and a worse one."""
    for seed in (0, 1):
        write_run(tmp_path / "lora" / str(seed), noise=0.5)
    write_run(tmp_path / "frozen" / "0", noise=60.0)
    return tmp_path


@pytest.mark.parametrize("name", list(ablation.VARIANTS))
def test_every_variant_has_a_recipe(name: str) -> None:
    variant = ablation.VARIANTS[name]
    recipe = load_distance_recipe(variant.recipe, [*ablation.SHORT, *variant.overrides])
    assert recipe.schedule.kind == "cosine"


def test_tables_tell_the_better_variant(folder: Path) -> None:
    result, markdown = ablation.describe(ablation.read_runs(folder), RESAMPLES)
    assert result["differences"]["frozen"]["raw SRCC"]["high"] < 0.0
    assert result["figures"]["lora"]["ladders"]["value"] == 1.0
    # Distances bend: a mapping straightens them, and does not change their order.
    gain = result["gains"]["lora"]
    assert gain["cubic PCC"]["low"] > 0.0
    assert abs(gain["cubic SRCC"]["value"]) < 0.01
    assert "| lora | 1,000 | 10.0% | 0.001 | 2 | 3, 3 |" in markdown


def test_a_variant_does_not_differ_from_itself(folder: Path) -> None:
    base = ablation.read_runs(folder)["lora"]
    same = ablation.measure_runs(base, base, resamples=RESAMPLES)
    assert {(one.low, one.high) for one in same.values()} == {(0.0, 0.0)}


def test_rungs_of_other_ladders_are_not_compared() -> None:
    distance = np.array([1.0, 3.0, 2.0, 1.0])
    heard = ablation.Heard(
        ["r", "r", "s", "s"], ["a", "a", "b", "b"], np.array([1.0, 2.0, 1.0, 2.0]), distance,
        distance, distance,
    )  # fmt: skip
    right, recordings = ablation.order_rungs(heard)
    assert right.tolist() == [1.0, 0.0]
    assert recordings == ["r", "s"]


def test_trainings_on_other_pairs_are_refused(folder: Path) -> None:
    write_run(folder / "full" / "0", noise=0.5, visqol=VISQOL - 0.1)
    with pytest.raises(DataError, match="different clips"):
        ablation.read_runs(folder)


def test_tables_are_made_of_what_is_finished(folder: Path, tmp_path: Path) -> None:
    given = [
        "--pairs",
        "none",
        "--cache",
        "none",
        "--runs",
        str(folder),
        "--resamples=50",
        "--only",
    ]
    assert ablation.main([*given, "--output", str(tmp_path / "out")]) == 0
    tables = (tmp_path / "out" / "distance-ablation.md").read_text()
    assert "### Difference from `lora`\n\n| | raw SRCC |" in tables


def test_nothing_finished_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [f"--{name}={tmp_path}" for name in ("pairs", "cache", "runs", "output")]
    assert ablation.main([*folders, "--only"]) == 1
    assert "no training" in capsys.readouterr().err
