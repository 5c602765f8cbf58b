import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import RATE, make_music
from typer.testing import CliRunner

from auricle.cli.main import app
from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, DataError
from auricle.data.manifest import Clip, write_manifest
from auricle.degrade.base import apply_cascade, parse_cascade
from auricle.evaluation.benchmark import Evaluation, evaluate_metric, write_predictions
from auricle.evaluation.report import to_json, to_markdown
from auricle.signal.io import write_audio
from auricle.stats.performance import agreement

PROCESSES = ("", "mp3:32k", "lowpass:3500", "opus:96k")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    clips = []
    for song in range(6):
        music = Audio.from_array(make_music(2.0, song), RATE)
        for number, process in enumerate(PROCESSES):
            name = f"{song}-{number}.flac"
            write_audio(folder / name, apply_cascade(music, parse_cascade(process)))
            label = (4.732, 2.5, 1.4, 4.5)[number] - 0.01 * song
            clips.append(Clip(name, f"song{song}", "synthetic", "r", "test", process, name, label))
    clips.append(Clip("gone", "song0", "synthetic", "r", "test", "", "gone.flac", 4.0))
    clips.append(Clip("other", "song9", "synthetic", "r", "train", "", "0-0.flac", 4.0))
    write_manifest(clips, folder / "manifest.csv")
    return folder / "manifest.csv"


@pytest.fixture(scope="module")
def evaluation(manifest: Path) -> Evaluation:
    return evaluate_metric("codec-music", manifest, "test")


def test_every_clip_of_the_split_is_accounted_for(evaluation: Evaluation) -> None:
    assert len(evaluation.clips) == 24
    assert [name for name, _ in evaluation.failures] == ["gone"]
    assert np.all((evaluation.low <= evaluation.score) & (evaluation.score <= evaluation.high))
    assert np.all(evaluation.sigma > 0)


def test_labels_are_put_on_the_scale_of_the_metric(evaluation: Evaluation) -> None:
    assert evaluation.target[0] == 100.0
    assert evaluation.target[1] == pytest.approx(100 * 1.5 / 3.732, abs=1e-3)


def test_the_report_says_what_was_found(evaluation: Evaluation) -> None:
    facts = to_json(evaluation)
    assert facts["recordings"] == 6
    assert facts["per_process"]["items"] == 4
    markdown = to_markdown(evaluation)
    assert "24 clips of 6 recordings, 1 without a score" in markdown
    assert f"{facts['per_clip']['pcc']['value']:.3f}" in markdown


def test_predictions_can_be_compared_clip_by_clip(evaluation: Evaluation, tmp_path: Path) -> None:
    write_predictions(evaluation, tmp_path / "p.csv")
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text(encoding="utf-8").splitlines()))
    for name in ("score", "low", "high", "sigma", "target"):
        found = [float(row[name]) for row in rows]
        assert found == pytest.approx(getattr(evaluation, name), abs=1e-3)


def test_plots_are_drawn_beside_the_report(manifest: Path, tmp_path: Path) -> None:
    command = ["evaluate", "codec-music", "--manifest", str(manifest), "--plots"]
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, ConfigError)
    assert "add --output" in str(refused.exception)
    result = CliRunner().invoke(app, [*command, "--output", str(tmp_path)])
    assert result.exit_code == 0, result.output
    names = ("predictions.csv", "reliability.png", "report.json", "report.md", "scatter.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == list(names)
    assert "](scatter.png)" in (tmp_path / "report.md").read_text()


def test_predictions_survive_what_stops_the_report(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise DataError("no report")

    monkeypatch.setattr("auricle.evaluation.report.to_markdown", fail)
    command = ["evaluate", "codec-music", "--manifest", str(manifest), "--output", str(tmp_path)]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, DataError)
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 25


def select(evaluation: Evaluation, rows: list[int]) -> Evaluation:
    columns = ("score", "low", "high", "sigma", "target")
    return replace(
        evaluation,
        clips=tuple(evaluation.clips[row] for row in rows),
        **{name: getattr(evaluation, name)[rows] for name in columns},
    )


def test_what_few_clips_leave_undefined_is_a_dash(evaluation: Evaluation) -> None:
    song = select(evaluation, [0, 1, 2, 3])
    assert song.per_clip() is not None
    assert song.coverage() is not None
    three = select(evaluation, [row for row in range(24) if row % 4])
    assert three.per_clip() is not None
    assert "| means per process |" + " - |" * 6 in to_markdown(three)
    assert to_json(three)["per_process"] is None
    text = to_markdown(select(evaluation, [0]))
    assert "| all clips |" + " - |" * 6 in text
    assert "| 90% | - |" in text
    assert "holds the label of - of the clips" in text


def test_the_report_says_what_was_drawn(evaluation: Evaluation) -> None:
    # Two recordings: over clips, as the text says.
    pair = select(evaluation, list(range(8)))
    assert pair.per_clip() == agreement(pair.score, pair.target)
    assert "(over clips where a row has fewer than three recordings," in to_markdown(pair)


def test_an_empty_split_is_an_error(manifest: Path) -> None:
    with pytest.raises(DataError, match="calibration"):
        evaluate_metric("codec-music", manifest, "calibration")
