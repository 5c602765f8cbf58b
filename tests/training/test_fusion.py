"""Fused systems from rated clips to scores, with tiny encoders and real files."""

import csv
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from auricle.api import assess, to_row
from auricle.catalog import find_bundle, load
from auricle.cli.main import run
from auricle.core.errors import ConfigError, UnknownMetricError
from auricle.data.rated import read_rated
from auricle.encoders.cache import EmbeddingCache
from auricle.signal.io import read_audio
from auricle.systems.bundle import Bundle, FusionBundle
from auricle.systems.fusion_torch import load_fusion, open_network
from auricle.systems.listener import Listener
from auricle.training.embeddings import embed_clips
from auricle.training.fusion_fit import fit_member, rate
from auricle.training.fusion_loop import prepare, train_fusion
from auricle.training.fusion_recipe import load_fusion_recipe, load_grid
from auricle.training.grid import train_grid
from auricle.training.grid_report import write_report


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], int]:
    """The command line, which returns its exit code."""

    def call(arguments: list[str]) -> int:
        monkeypatch.setattr(sys, "argv", ["auricle", *arguments])
        with pytest.raises(SystemExit) as leaving:
            run()
        return int(leaving.value.code or 0)

    return call


@pytest.fixture(scope="module")
def trained(audio: Path, recipes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("trained")
    bundle, embedded = train_fusion(
        load_fusion_recipe(recipes / "tiny.yaml"),
        read_rated(audio / "rated.csv"),
        audio,
        output / "cache",
        output,
    )
    assert [path for path, _ in embedded.unheard] == ["gone.wav"]
    assert bundle == output / "bundle"
    return output


def test_a_bundle_scores_all_axes(trained: Path, audio: Path) -> None:
    report = assess(audio / "4.wav", str(trained / "bundle"))
    score = report.results[0].score
    assert score is not None
    assert [axis.name for axis in score.axes] == ["clarity", "sources"]
    assert score.value == score.axes[0].value
    for axis in score.axes:
        assert axis.scale.low <= axis.interval[0] <= axis.value <= axis.interval[1]
        assert axis.interval[1] <= axis.scale.high
        assert axis.joint is not None
        assert axis.joint[0] <= axis.interval[0]
        assert axis.interval[1] <= axis.joint[1]
    assert score.correlation == ()
    # 4.7 s in segments of 2 s.
    assert [moment.start for moment in score.track] == [0.0, 2.0, 4.0]
    assert set(to_row(report.results[0])["axes"]) == {"clarity", "sources"}


def test_it_runs_without_torch_and_says_the_same(trained: Path, audio: Path) -> None:
    bundle = find_bundle(str(trained / "bundle"))
    assert isinstance(bundle, FusionBundle)
    assert bundle.has_onnx, (trained / "export.txt").read_text()
    metric = load(str(trained / "bundle"))
    network = open_network(bundle)
    for number in (0, 1):
        samples = read_audio(audio / f"{number}.wav").mono().samples[0]
        prepared = metric._front_end(samples)
        ratings, factors = network(prepared, bundle.config.bins(samples.size))
        said = metric.rate(samples)
        np.testing.assert_allclose(said.mean, ratings.mean(axis=0), atol=4e-4)
        assert factors.shape == (1, 0, 0)
        assert said.covariance.size == 0


def test_training_and_scoring_hear_the_same(trained: Path, recipes: Path, audio: Path) -> None:
    recipe = load_fusion_recipe(recipes / "tiny.yaml", ["data.precision=float32"])
    bundle = find_bundle(str(trained / "bundle"))
    fusion = load_fusion(bundle)
    clips = [clip for clip in read_rated(audio / "rated.csv") if clip.id in ("0", "1", "4")]
    embedded = embed_clips(
        bundle.config,
        Listener(bundle.config, fusion.by_name),
        clips,
        audio,
        EmbeddingCache(trained / "cache32", "float32"),
    )
    ratings = rate(recipe, fusion.members[0], embedded, np.arange(3)).mean
    # Of the last clip's three segments the last was moved back: its embeddings are not all kept.
    for number, near, rating in zip(("0", "1", "4"), (1e-3, 1e-3, 0.05), ratings, strict=True):
        score = load(str(trained / "bundle")).score_file(audio / f"{number}.wav")
        wanted = np.clip(rating, [1.0, 1.0], [5.0, 6.0])
        assert [axis.value for axis in score.axes] == pytest.approx(wanted.tolist(), abs=near)


def test_gain_does_not_matter(trained: Path, audio: Path) -> None:
    clip = read_audio(audio / "7.wav")
    metric = load(str(trained / "bundle"))
    loud = metric(clip.samples, clip.sample_rate)
    quiet = metric(0.25 * clip.samples, clip.sample_rate)
    assert quiet.value == pytest.approx(loud.value, abs=1e-3)


def test_epochs_need_no_audio_once_it_is_embedded(
    recipes: Path, audio: Path, tmp_path: Path
) -> None:
    recipe = load_fusion_recipe(recipes / "tiny.yaml", ["max_epochs=1"])
    clips = [clip for clip in read_rated(audio / "rated.csv") if clip.id != "gone"][:32]
    copies = tmp_path / "audio"
    copies.mkdir()
    for clip in clips:
        (copies / clip.path).write_bytes((audio / clip.path).read_bytes())
    first = prepare(recipe.system, "float16", clips, copies, tmp_path / "cache")
    for copy in copies.iterdir():
        copy.unlink()
    member = fit_member(recipe, first.embedded, tmp_path / "run")
    assert all(torch.isfinite(value).all() for value in member.state_dict().values())


def test_the_same_seed_gives_the_same_weights(recipes: Path, audio: Path, tmp_path: Path) -> None:
    recipe = load_fusion_recipe(recipes / "tiny.yaml", ["max_epochs=2"])
    clips = read_rated(audio / "rated.csv")
    prepared = prepare(recipe.system, "float16", clips, audio, tmp_path / "cache")
    first, second = (
        fit_member(recipe, prepared.embedded, tmp_path / name).state_dict() for name in "ab"
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def grid_output(audio: Path, recipes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("grid")
    grid = load_grid(recipes / "grid.yaml")
    clips = read_rated(audio / "rated.csv")
    write_report(grid, train_grid(grid, clips, audio, output / "cache", output), output)
    return output


def test_a_grid_trains_all_combinations_and_ships_an_ensemble(
    grid_output: Path, audio: Path
) -> None:
    text = (grid_output / "results.md").read_text()
    for name in ("mel-ccc", "mel-ut", "both-ccc", "both-ut"):
        assert (grid_output / name / "result.json").is_file()
        assert f"| {name} |" in text
    bundle = find_bundle(str(grid_output / "bundle"))
    assert isinstance(bundle, FusionBundle)
    assert len(bundle.config.members) == 2
    assert load(str(grid_output / "bundle")).score_file(audio / "1.wav").axes


def test_an_ensemble_is_the_mean_of_its_members(grid_output: Path) -> None:
    with (grid_output / "ratings.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["id"] == "33"]
    said = {row["model"]: float(row["clarity"]) for row in rows}
    names = ("mel-ccc", "mel-ut", "both-ccc", "both-ut")
    assert said["all"] == pytest.approx(np.mean([said[name] for name in names]), abs=2e-4)


def test_a_grid_goes_on_where_it_was(grid_output: Path, audio: Path, recipes: Path) -> None:
    result = grid_output / "mel-ccc" / "result.json"
    before = result.stat().st_mtime_ns
    (grid_output / "mel-ut" / "result.json").unlink()
    torch.manual_seed(7)  # what was drawn before does not matter
    grid = load_grid(recipes / "grid.yaml")
    clips = read_rated(audio / "rated.csv")
    trained: list[int] = []
    train_grid(
        grid,
        clips,
        audio,
        grid_output / "cache",
        grid_output,
        on_epoch=lambda epoch: trained.append(epoch.epoch),
    )
    assert result.stat().st_mtime_ns == before
    assert trained.count(1) == 1


def test_the_command_trains_and_scores(
    recipes: Path,
    audio: Path,
    tmp_path: Path,
    main: Callable[[list[str]], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["train", str(recipes / "tiny.yaml"), "--clips", str(audio / "rated.csv")]
    assert main([*command, "--output", str(tmp_path), "--set", "max_epochs=1"]) == 0
    told = capsys.readouterr().out
    assert "left out: gone.wav" in told
    assert f"bundle: {tmp_path / 'bundle'}" in told
    scored = tmp_path / "scores.csv"
    files = [str(audio / "1.wav"), "--metric", str(tmp_path / "bundle")]
    assert main(["score", *files, "--output", str(scored)]) == 0
    header, row = scored.read_text().splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert float(cells["sources_low"]) <= float(cells["sources"]) <= float(cells["sources_high"])
    assert main(["score", *files]) == 0
    assert "sources" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "give --clips"),
        (["--features", "x"], "give --clips, not --features"),
        (["--clips", "rated.csv", "--repeats", "2"], "--repeats is for spectrogram networks"),
    ],
)
def test_wrong_usage_is_explained(
    recipes: Path,
    tmp_path: Path,
    main: Callable[[list[str]], int],
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    told: str,
) -> None:
    command = ["train", str(recipes / "tiny.yaml"), "--output", str(tmp_path), *options]
    assert main(command) == 2
    assert told in capsys.readouterr().err


def test_a_bundle_of_ones_own_has_a_name(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained / "bundle", tmp_path / "tiny.v1")
    monkeypatch.setenv("AURICLE_MODELS", str(tmp_path))
    assert find_bundle("tiny").folder == find_bundle("tiny.v1").folder == tmp_path / "tiny.v1"
    shutil.copytree(trained / "bundle", tmp_path / "tiny.v2")
    with pytest.raises(UnknownMetricError, match=r"tiny\.v1, tiny\.v2"):
        find_bundle("tiny")
    # A released name means the released model.
    shutil.copytree(trained / "bundle", tmp_path / "codec-music.v3")
    assert isinstance(find_bundle("codec-music"), Bundle)


def test_another_recipe_does_not_replace_a_training(
    trained: Path, recipes: Path, audio: Path
) -> None:
    before = (trained / "bundle" / "checksums.json").read_bytes()
    recipe = load_fusion_recipe(recipes / "tiny.yaml", ["optimiser.lr=1e-5"])
    clips = read_rated(audio / "rated.csv")
    with pytest.raises(ConfigError, match="by another recipe or on other clips"):
        train_fusion(recipe, clips, audio, trained / "cache", trained)
    assert (trained / "bundle" / "checksums.json").read_bytes() == before
