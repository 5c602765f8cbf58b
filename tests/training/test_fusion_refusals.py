"""What training a fused system refuses, or leaves out, and says so."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from tests.training.fused import GRID

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, DataError
from auricle.data.rated import RatedClip, read_rated
from auricle.signal.io import write_audio
from auricle.training.fusion_loop import prepare, train_fusion
from auricle.training.fusion_recipe import load_fusion_recipe, load_grid
from auricle.training.grid import train_grid


def test_variants_must_share_their_system(recipes: Path, audio: Path, tmp_path: Path) -> None:
    other = {**GRID, "variants": [{"a": {}, "b": {"system": {"segment": 1.0}}}]}
    path = recipes / "other.yaml"
    path.write_text(yaml.safe_dump(other))
    with pytest.raises(ConfigError, match="not in the system"):
        train_grid(load_grid(path), [], audio, tmp_path / "cache", tmp_path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"variants": [{"a": {}, "b": {"data": {"precision": "float32"}}}]}, "one data.precision"),
        ({"variants": [{"a": {}, "all": {}}]}, "two models or ensembles are called all"),
        ({"variants": [{"a": {}, "a-b": {}}, {"b-c": {}, "c": {}}]}, "called a-b-c"),
    ],
)
def test_a_grid_that_would_mix_up_its_models_is_refused(
    recipes: Path, audio: Path, tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    path = recipes / "mixed-up.yaml"
    path.write_text(yaml.safe_dump({**GRID, **changes}))
    with pytest.raises(ConfigError, match=told):
        train_grid(load_grid(path), [], audio, tmp_path / "cache", tmp_path)


def test_too_few_validation_clips_are_told_before_training(
    recipes: Path, audio: Path, tmp_path: Path
) -> None:
    recipe = load_fusion_recipe(recipes / "tiny.yaml")
    clips = read_rated(audio / "rated.csv")[:28]
    with pytest.raises(DataError, match=r"clarity of the clips to calibrate on: .* needs 9"):
        train_fusion(recipe, clips, audio, tmp_path / "cache", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_axis_unrated_in_training_is_refused(recipes: Path, audio: Path, tmp_path: Path) -> None:
    recipe = load_fusion_recipe(recipes / "tiny.yaml")
    clips = [
        replace(clip, scores={"clarity": clip.scores["clarity"]}) if clip.split == "train" else clip
        for clip in read_rated(audio / "rated.csv")
    ]
    with pytest.raises(DataError, match="no clip of the train split is rated for sources"):
        train_fusion(recipe, clips, audio, tmp_path / "cache", tmp_path / "run")


def test_ratings_beyond_the_scale_are_refused(recipes: Path, audio: Path, tmp_path: Path) -> None:
    recipe = load_fusion_recipe(recipes / "tiny.yaml")
    clips = [RatedClip("a", "1.wav", "train", scores={"clarity": (70.0,), "sources": (1.0,)})]
    with pytest.raises(DataError, match="a: clarity is 70, beyond the recipe's scale from 1 to 5"):
        prepare(recipe.system, "float16", clips, audio, tmp_path)


def test_what_could_not_be_scored_is_not_learned_from(
    recipes: Path, audio: Path, tmp_path: Path
) -> None:
    recipe = load_fusion_recipe(recipes / "tiny.yaml")
    clips = read_rated(audio / "rated.csv")[20:32]
    for clip in clips:
        shutil.copy(audio / clip.path, tmp_path)
    broken = {"nan": np.full(48000, np.nan), "silent": np.zeros(48000), "short": np.ones(11000)}
    for name, samples in broken.items():
        write_audio(tmp_path / f"{name}.wav", Audio.from_array(samples, 24000))
        clips.append(RatedClip(name, f"{name}.wav", "train", scores={"clarity": (3.0,)}))
    embedded = prepare(recipe.system, "float16", clips, tmp_path, tmp_path / "cache").embedded
    assert [path for path, _ in embedded.unheard] == ["nan.wav", "silent.wav", "short.wav"]


def test_a_cache_that_cannot_be_written_is_no_fault_of_the_clips(
    recipes: Path, audio: Path, tmp_path: Path
) -> None:
    recipe = load_fusion_recipe(recipes / "tiny.yaml")
    cache = tmp_path / "cache"
    cache.write_text("a file where the folder is to be")
    with pytest.raises(OSError, match="cache"):
        prepare(recipe.system, "float16", read_rated(audio / "rated.csv"), audio, cache)


def test_an_axis_that_nobody_rated_is_refused(recipes: Path, audio: Path, tmp_path: Path) -> None:
    recipe = load_fusion_recipe(recipes / "tiny.yaml")
    clips = [RatedClip("a", "1.wav", "train", scores={"clarity": (1.0,)})]
    with pytest.raises(DataError, match="none of the clips is rated for sources"):
        prepare(recipe.system, "float16", clips, audio, tmp_path)


def test_an_encoder_that_is_not_there_says_what_to_do(audio: Path, tmp_path: Path) -> None:
    recipe = load_fusion_recipe("mmmos", [f"system.encoders.wavlm.weights={tmp_path / 'none'}"])
    with pytest.raises(ConfigError, match=r"encoder wavlm: .*none"):
        prepare(recipe.system, "float16", [], audio, tmp_path)


def test_layers_are_weighted_of_encoders_that_are_read(recipes: Path) -> None:
    change = "system.members=[{encoders: [mel], weighted: [whisper]}]"
    with pytest.raises(ConfigError, match="'weighted' names whisper"):
        load_fusion_recipe(recipes / "tiny.yaml", [change])
