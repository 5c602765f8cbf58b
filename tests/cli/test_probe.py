"""`auricle probe`: what a fresh tiny network tells of clips in two sources."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from tests.training.conftest import tiny_recipe

from auricle.cli.probe import probe
from auricle.core.errors import BundleError, DataError
from auricle.data.features import LabelledClip, read_features, write_clip_table
from auricle.heads.calibration import calibrate
from auricle.systems.bundle import read_bundle, save_bundle
from auricle.systems.system import build_system, load_system
from auricle.training.checkpoint import save_weights
from auricle.training.fit import embed

CLIPS = 80


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of two sources, one of them without its upper bands; two codecs that do not sound."""
    folder = tmp_path_factory.mktemp("features")
    recipe = tiny_recipe()
    log_mel = np.random.default_rng(0).uniform(0.4, 0.9, (CLIPS, recipe.system.segment_frames, 16))
    log_mel[::2, :, 8:] = 0.0
    np.save(folder / "features.npy", log_mel.astype(np.float16))
    rare = {3: "vorbis:96k"}
    clips = [
        LabelledClip(
            f"c{row}",
            f"r{row // 4}",
            "bright" if row % 2 else "dark",
            "test",
            1.0 + 4.0 * row / CLIPS,
            rare.get(row, "mp3:64k+opus:32k" if row % 4 < 2 else ""),
        )
        for row in range(CLIPS)
    ]
    write_clip_table(clips, folder / "clips.csv")
    facts = {"front_end": asdict(recipe.system.front_end.build()), "seconds": 0.6, "digest": ""}
    (folder / "features.json").write_text(json.dumps(facts))
    return folder


def save_fresh(folder: Path, seed: int) -> Path:
    recipe = tiny_recipe()
    torch.manual_seed(seed)
    system = build_system(recipe.system).eval()
    save_weights(folder / "w", system.state_dict())
    says = np.linspace(0.0, 1.0, 20)
    calibration = calibrate(says, np.zeros(20), says[::-1])
    bundle = folder / f"bundle{seed}"
    save_bundle(bundle, recipe.system, calibration, weights=folder / "w")
    return bundle


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("bundles")
    return save_fresh(folder, 0), save_fresh(folder, 1)


def test_a_source_that_sounds_is_told(
    bundles: tuple[Path, Path], features: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    picture = tmp_path / "clips.png"
    probe(str(bundles[0]), features, "source", picture=picture)
    told = capsys.readouterr().out.split()
    assert told[told.index("accuracy") :][:4] == ["accuracy", "1.000", "[1.000,", "1.000]"]
    assert told[told.index("chance") + 1] == "0.500"
    assert told[told.index("clips") + 1] == str(CLIPS)
    assert picture.stat().st_size > 10_000


def test_clusters_are_those_of_training_clips(
    bundles: tuple[Path, Path], features: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no clips of the train split"):
        probe(str(bundles[0]), features, "cluster")
    shutil.copytree(features, tmp_path / "divided")
    clips = [
        replace(clip, split="train" if row < CLIPS // 2 else "test")
        for row, clip in enumerate(read_features(features).clips)
    ]
    write_clip_table(clips, tmp_path / "divided" / "clips.csv")
    probe(str(bundles[0]), tmp_path / "divided", "cluster")
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    told = {words[0]: words[1] for words in rows if len(words) > 1}
    assert int(told["classes"]) >= 2
    assert float(told["balanced"]) > 1.0 / int(told["classes"])


def test_two_networks_are_compared_on_the_same_clips(
    bundles: tuple[Path, Path], features: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    one, other = map(str, bundles)
    probe(one, features, "codec", against=other, picture=tmp_path / "both.png")
    told = capsys.readouterr().out
    assert "left out: 1 classes" in told
    assert told.split()[told.split().index("clips") + 1 :][:2] == [str(CLIPS - 1)] * 2
    assert "difference: accuracy" in told
    assert "share of the way to chance" in told
    assert (tmp_path / "both.png").is_file()


def test_the_embedding_is_what_the_head_reads(bundles: tuple[Path, Path], features: Path) -> None:
    bundle, data = read_bundle(bundles[0]), read_features(features)
    system = load_system(bundle)
    rows = np.array([5, 2, 17])
    found = embed(bundle.config, system, data, rows)
    with torch.no_grad():
        heard = system(torch.from_numpy(np.asarray(data.log_mel[rows], dtype=np.float32)))
    assert found.shape == (3, 2 * system.encoder.features)
    np.testing.assert_allclose(found, heard.embedding.numpy(), atol=1e-5)


def test_what_does_not_fit_is_refused(bundles: tuple[Path, Path], features: Path) -> None:
    name = str(bundles[0])
    with pytest.raises(DataError, match="no clips of the train split"):
        probe(name, features, "source", "train")
    with pytest.raises(DataError, match="write the features again"):
        probe("codec-music", features, "source")
    with pytest.raises(BundleError, match="another kind"):
        probe("deepaq-codec", features, "source")


def test_the_command_line_knows_it() -> None:
    from auricle.cli.main import app

    command = typer.main.get_command(app)
    assert "probe" in command.commands  # type: ignore[attr-defined]
