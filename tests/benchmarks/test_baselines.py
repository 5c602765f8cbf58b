"""The baselines find what mel statistics tell, and refuse folders that would mislead."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import baselines
from auricle.core.errors import DataError
from auricle.stats.correlation import pearson, rmse

RECORDINGS, CLIPS_EACH, FRAMES, BANDS = 30, 5, 12, 8


def split_of(recording: int) -> str:
    """Share recordings out over the splits."""
    return ("train", "train", "validation", "calibration", "test", "test")[recording % 6]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Spectrograms whose top band is the louder, the better the label."""
    generator = np.random.default_rng(0)
    clips = RECORDINGS * CLIPS_EACH
    labels = generator.uniform(size=clips)
    features = 0.2 * generator.uniform(size=(clips, FRAMES, BANDS))
    features[:, :, -1] += 0.7 * labels[:, np.newaxis]
    np.save(tmp_path / "features.npy", features.astype(np.float16))
    rows = [
        {
            "id": f"clip{clip}",
            "recording": f"recording{clip // CLIPS_EACH}",
            "source": "noise",
            "split": split_of(clip // CLIPS_EACH),
            "label": f"{1 + 3.732 * labels[clip]:.6f}",
            "extra": "ignored",
        }
        for clip in range(clips)
    ]
    write_table(tmp_path, rows)
    return tmp_path


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a CSV as dictionaries."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_table(folder: Path, rows: list[dict[str, str]]) -> None:
    """Write the clip table of a folder."""
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_statistics_agree_with_naive_loops() -> None:
    log_mel = np.random.default_rng(1).uniform(size=(1876, 256)).astype(np.float16)
    found = baselines.mel_statistics(log_mel)
    assert found.shape == (1280,)
    for band in (0, 100, 255):
        series = [float(value) for value in log_mel[:, band]]
        mean = sum(series) / len(series)
        deviation = (sum((value - mean) ** 2 for value in series) / len(series)) ** 0.5
        change = sum(abs(b - a) for a, b in pairwise(series))
        # 5 % of the 1875 steps between sorted values is place 93.75.
        lowest = sorted(series)
        fifth = 0.25 * lowest[93] + 0.75 * lowest[94]
        ninety_fifth = 0.75 * lowest[1781] + 0.25 * lowest[1782]
        expected = [mean, deviation, fifth, ninety_fifth, change / (len(series) - 1)]
        assert found[band::256].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    "log_mel", [np.zeros((1, 4)), np.zeros(4), np.array([[0.0], [np.nan]])], ids=str
)
def test_broken_spectrograms_are_refused(log_mel: np.ndarray) -> None:
    with pytest.raises(DataError, match="spectrogram"):
        baselines.mel_statistics(log_mel)


def test_the_command_writes_results_and_predictions(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    arguments = ["--features", str(folder), "--output", str(output), "--trees", "20"]
    assert baselines.main(arguments) == 0
    results = json.loads(output.read_text(encoding="utf-8"))
    assert results["fitted_on"] == {"clips": 75, "recordings": 15}
    assert results["judged_on"] == {"clips": 50, "recordings": 10}
    table = read_table(output.with_suffix(".csv"))
    assert list(table[0]) == ["id", "recording", "source", "target", "ridge", "extra_trees"]
    target = [float(row["target"]) for row in table]
    for model in ("ridge", "extra_trees"):
        predicted = [float(row[model]) for row in table]
        found = results["models"][model]
        assert found["pcc"]["value"] == pytest.approx(pearson(predicted, target))
        assert found["rmse"]["value"] == pytest.approx(rmse(predicted, target))
        assert found["srcc"]["low"] <= found["srcc"]["value"] <= found["srcc"]["high"]
        assert found["pcc"]["value"] > 0.95
        assert found["rmse"]["value"] < 10
    difference = results["extra_trees_minus_ridge"]["rmse"]["value"]
    models = results["models"]
    expected = models["extra_trees"]["rmse"]["value"] - models["ridge"]["rmse"]["value"]
    assert difference == pytest.approx(expected)


def test_a_seed_repeats_its_predictions(folder: Path) -> None:
    known, unseen = (baselines.read_clips(folder, [split]) for split in ("train", "test"))
    first, second, other = (
        baselines.fit_baselines(
            known.features, known.labels, known.recordings, unseen.features, trees=5, seed=seed
        )
        for seed in (3, 3, 4)
    )
    for model in ("ridge", "extra_trees"):
        assert first[model].tolist() == second[model].tolist()
    assert first["extra_trees"].tolist() != other["extra_trees"].tolist()


def test_labels_follow_the_scale_of_the_recipe(folder: Path) -> None:
    shipped, paper = (
        baselines.read_clips(folder, ["test"], recipe) for recipe in ("codec-music", "codec-conv1d")
    )
    # 1..4.732 against 1..5.
    assert paper.labels == pytest.approx(shipped.labels * 3.732 / 4, abs=1e-3)


def spoil(folder: Path, column: str, value: str, split: str) -> None:
    """Change a column of the first clip in a split."""
    rows = read_table(folder / "clips.csv")
    next(row for row in rows if row["split"] == split)[column] = value
    write_table(folder, rows)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("label", "nan", "not in 1..5"),
        ("label", "75", "not in 1..5"),
        ("label", "", "no number"),
        ("recording", "recording0", "1 test recordings are also fitted on, such as recording0"),
    ],
)
def test_broken_tables_are_refused(folder: Path, column: str, value: str, message: str) -> None:
    spoil(folder, column, value, "test")
    with pytest.raises(DataError, match=message):
        baselines.run_benchmark(folder, trees=2)


def test_broken_folders_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = read_table(folder / "clips.csv")
    write_table(folder, rows[:-1])
    with pytest.raises(DataError, match="149 clips in the table, but 150 spectrograms"):
        baselines.run_benchmark(folder)
    write_table(folder, [row | {"split": "train"} for row in rows])
    with pytest.raises(DataError, match="belongs to test"):
        baselines.run_benchmark(folder)
    write_table(folder, [{"id": "a", "label": "1"}])
    with pytest.raises(DataError, match="lacks the columns recording, source, split"):
        baselines.run_benchmark(folder)
    arguments = ["--features", str(tmp_path / "none"), "--output", str(tmp_path / "out.json")]
    assert baselines.main(arguments) == 1
    assert "cannot read" in capsys.readouterr().err


def test_one_recording_is_too_few() -> None:
    with pytest.raises(DataError, match="two recordings"):
        baselines.fit_baselines(np.eye(3), np.arange(3), ["a", "a", "a"], np.eye(3))
