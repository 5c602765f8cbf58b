"""Systems that know the covariance of their errors, from rated clips to joint intervals."""

import csv
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from tests.training.fused import GRID

from auricle.api import assess, to_row
from auricle.catalog import find_bundle, load
from auricle.cli.main import run
from auricle.core.errors import ConfigError
from auricle.core.score import Score
from auricle.data.rated import read_rated
from auricle.encoders.cache import EmbeddingCache
from auricle.signal.io import read_audio
from auricle.systems.bundle import FusionBundle
from auricle.systems.estimate import Estimate, combine_members
from auricle.systems.fusion_torch import load_fusion, open_network
from auricle.systems.listener import Listener
from auricle.training.embeddings import embed_clips
from auricle.training.fusion_bundle import calibrate_axes, calibration_rows
from auricle.training.fusion_fit import rate
from auricle.training.fusion_loop import train_fusion
from auricle.training.fusion_recipe import load_fusion_recipe, load_grid
from auricle.training.grid import train_grid

MEMBER = {"encoders": ["mel"], "head": "multi_gauss", "hidden": 16, "dropout": 0.0}
OVERRIDES = [f"system.members={yaml.safe_dump([MEMBER])}", "loss={kind: multi_gauss}"]
XLSR = {
    "model_type": "wav2vec2",
    "hidden_size": 16,
    "num_hidden_layers": 12,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8, 8, 8],
    "conv_kernel": [10, 3, 8],
    "conv_stride": [5, 4, 16],
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
}


@pytest.fixture(scope="module")
def trained(audio: Path, recipes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("trained")
    recipe = load_fusion_recipe(recipes / "tiny.yaml", OVERRIDES)
    clips = read_rated(audio / "rated.csv")
    train_fusion(recipe, clips, audio, output / "cache", output)
    return output


@pytest.fixture(scope="module")
def ensemble(audio: Path, recipes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("ensemble")
    other = {**MEMBER, "aggregation": {"kind": "convolution", "hidden": 8}}
    loss = {"loss": {"kind": "multi_gauss"}}
    variants = {
        name: {**loss, "system": {"members": [member]}}
        for name, member in (("mean", MEMBER), ("convolution", other))
    }
    grid = {**GRID, "variants": [variants], "ensembles": {"all": []}, "bundle": "all"}
    path = recipes / "seeds.yaml"
    path.write_text(yaml.safe_dump(grid))
    clips = read_rated(audio / "rated.csv")
    train_grid(load_grid(path, ["resamples=100"]), clips, audio, output / "cache", output)
    return output


def score(bundle: Path, path: Path) -> Score:
    found = assess(path, str(bundle)).results[0].score
    assert found is not None
    return found


@pytest.mark.parametrize("which", ["trained", "ensemble"])
def test_it_runs_without_torch_and_is_as_sure(
    which: str, audio: Path, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(which) / "bundle"
    bundle = find_bundle(str(folder))
    assert isinstance(bundle, FusionBundle)
    assert bundle.has_onnx, (folder.parent / "export.txt").read_text()
    metric = load(str(folder))
    network = open_network(bundle)
    for number in (0, 1):
        samples = read_audio(audio / f"{number}.wav").mono().samples[0]
        ratings, factors = network(metric._front_end(samples), bundle.config.bins(samples.size))
        members = [Estimate(r, f @ f.T) for r, f in zip(ratings, factors, strict=True)]
        assert len(members) == len(bundle.config.members)
        said, wanted = metric.rate(samples), combine_members(members)
        np.testing.assert_allclose(said.mean, wanted.mean, atol=4e-4)
        np.testing.assert_allclose(said.covariance, wanted.covariance, atol=2e-3)
        np.linalg.cholesky(said.covariance)


def test_intervals_follow_the_recording(trained: Path, audio: Path) -> None:
    told = [score(trained / "bundle", audio / f"{number}.wav") for number in range(8)]
    sigmas = [one.sigma for one in told]
    assert max(sigmas) > 1.01 * min(sigmas)
    for one in told:
        for axis in one.axes:
            assert axis.joint is not None
            assert axis.scale.low <= axis.joint[0] <= axis.interval[0] <= axis.value
            assert axis.value <= axis.interval[1] <= axis.joint[1] <= axis.scale.high
        correlation = np.array(one.correlation)
        np.testing.assert_allclose(correlation, correlation.T)
        assert np.diag(correlation) == pytest.approx([1.0, 1.0])
        assert abs(correlation[0, 1]) < 1.0
    calibration = find_bundle(str(trained / "bundle")).calibration
    segment = load(str(trained / "bundle")).rate(read_audio(audio / "1.wav").mono().samples[0])
    deviation = np.sqrt(segment.covariance[0, 0])
    wanted = calibration.axes["clarity"].temperature * deviation
    assert told[1].sigma == pytest.approx(wanted, rel=1e-6)


def test_training_and_scoring_are_as_sure(trained: Path, audio: Path, recipes: Path) -> None:
    recipe = load_fusion_recipe(recipes / "tiny.yaml", [*OVERRIDES, "data.precision=float32"])
    bundle = find_bundle(str(trained / "bundle"))
    fusion = load_fusion(bundle)
    embedded = embed_clips(
        bundle.config,
        Listener(bundle.config, fusion.by_name),
        [clip for clip in read_rated(audio / "rated.csv") if clip.id in ("0", "1")],
        audio,
        EmbeddingCache(trained / "cache32", "float32"),
    )
    estimate = rate(recipe, fusion.members[0], embedded, np.arange(2))
    metric = load(str(trained / "bundle"))
    for row in (0, 1):
        said = metric.rate(read_audio(audio / f"{row}.wav").mono().samples[0])
        np.testing.assert_allclose(said.mean, estimate.mean[row], atol=1e-3)
        np.testing.assert_allclose(said.covariance, estimate.covariance[row], rtol=5e-3)


def test_all_formats_have_the_joint_intervals(
    trained: Path,
    audio: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def print_as(form: str) -> str:
        files = [str(audio / "4.wav"), str(audio / "gone.wav")]
        metric = ["--metric", str(trained / "bundle"), "--format", form]
        monkeypatch.setattr(sys, "argv", ["auricle", "score", *files, *metric])
        with pytest.raises(SystemExit):
            run()
        return capsys.readouterr().out

    wanted = to_row(assess(audio / "4.wav", str(trained / "bundle")).results[0])
    assert json.loads(print_as("jsonl").splitlines()[0]) == wanted
    low, high = wanted["axes"]["sources"]["joint"]
    assert len(wanted["correlation"]) == 2
    cells, missing = csv.DictReader(io.StringIO(print_as("csv")))
    assert (cells["sources_joint_low"], cells["sources_joint_high"]) == (str(low), str(high))
    assert missing["sources_joint_low"] == ""
    table = print_as("table")
    assert "90% on all axes" in table
    assert f"{low:.1f} to {high:.1f}" in table


@pytest.mark.parametrize(
    ("override", "whose"), [(OVERRIDES[:1], "head"), (OVERRIDES[1:], "loss")], ids=["head", "loss"]
)
def test_head_and_loss_need_each_other(recipes: Path, override: list[str], whose: str) -> None:
    with pytest.raises(ConfigError, match=f"the {whose} 'multi_gauss'"):
        load_fusion_recipe(recipes / "tiny.yaml", override)


def test_a_split_of_its_own_is_calibrated_on(audio: Path) -> None:
    clips = [clip for clip in read_rated(audio / "rated.csv") if clip.id != "gone"]
    assert calibration_rows(clips).tolist() == list(range(20, 32))
    moved = [replace(clip, split="calibration") if clip.id == "25" else clip for clip in clips]
    assert calibration_rows(moved).tolist() == [25]


def test_a_box_needs_clips_that_are_rated_on_all_axes(recipes: Path) -> None:
    axes = load_fusion_recipe(recipes / "tiny.yaml").system.axes
    rng = np.random.default_rng(0)
    labels = rng.uniform(1.0, 5.0, (40, 2))
    said = Estimate(np.full((40, 2), 3.0), np.tile(np.diag([0.5, 0.1]), (40, 1, 1)))
    whole = calibrate_axes(axes, said, labels)
    assert whole.joint is not None
    assert whole.joint >= 1.0
    # The wrong size of a covariance is made up for, and so are its proportions.
    scaled = said._replace(covariance=said.covariance * np.outer([3.0, 0.2], [3.0, 0.2]))
    assert calibrate_axes(axes, scaled, labels).joint == pytest.approx(whole.joint)
    labels[:20, 0], labels[20:, 1] = np.nan, np.nan
    assert calibrate_axes(axes, said, labels).joint is None


def test_the_recipe_is_the_papers() -> None:
    recipe = load_fusion_recipe("multigauss")
    (member,) = recipe.system.members
    assert (recipe.optimiser.kind, recipe.optimiser.lr) == ("adam", 1e-4)
    assert (recipe.max_epochs, recipe.batch_size) == (30, 64)
    assert (member.aggregation.kind, member.aggregation.hidden) == ("convolution", 32)
    assert recipe.system.encoders["xlsr"].layer == 11


def test_the_recipe_gives_joint_intervals_from_an_inner_layer(audio: Path, tmp_path: Path) -> None:
    front_end = {"kind": "Standardise", "sample_rate": 16000, "do_normalize": True}
    encoder = {"kind": "wav2vec2", "weights": "", "settings": XLSR, "front_end": front_end}
    axes = [{"name": name, "low": 1.0, "high": 6.0} for name in ("clarity", "sources")]
    tiny = [
        f"system.encoders={yaml.safe_dump({'xlsr': {**encoder, 'layer': 11}})}",
        f"system.axes={yaml.safe_dump(axes)}",
        "system.segment=2.0",
        "max_epochs=2",
    ]
    recipe = load_fusion_recipe("multigauss", tiny)
    clips = [clip for clip in read_rated(audio / "rated.csv") if clip.id != "gone"]
    folder, embedded = train_fusion(recipe, clips, audio, tmp_path / "cache", tmp_path)
    assert embedded.embedding("xlsr", 0).shape[0] == 1
    for number in (0, 4):
        assert all(axis.joint is not None for axis in score(folder, audio / f"{number}.wav").axes)
