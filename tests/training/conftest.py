"""A tiny data set whose quality can be heard: the share of holes in the upper bands.

For fused systems, rated tones in noise and recipes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import yaml
from tests.training.fused import GRID, RECIPE

from auricle.core.audio import Audio
from auricle.data.features import LabelledClip, write_clip_table
from auricle.data.rated import RatedClip, write_rated
from auricle.signal.io import write_audio
from auricle.training.recipe import Recipe, load_recipe

SPLITS = ("train", "train", "train", "validation", "calibration", "test")

TINY = [
    "system.front_end.n_mels=16",
    "system.front_end.hop=480",
    "system.segment=0.6",
    "system.encoder.stem=8",
    "system.encoder.channels=[8,8]",
    "system.encoder.features=16",
    "data.crop=0.4",
    "data.augmentation.top_bands=0",
    "batch_size=16",
    "averaging=0.9",
    "optimiser.lr=3e-3",
]


@pytest.fixture
def tiny() -> Recipe:
    return tiny_recipe()


def tiny_recipe(overrides: Sequence[str] = ()) -> Recipe:
    return load_recipe("codec-music", [*TINY, *overrides])


@pytest.fixture(scope="session")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("features")
    recipe = tiny_recipe()
    rng = np.random.default_rng(0)
    quality = rng.uniform(size=120)
    log_mel = rng.uniform(0.5, 0.9, (120, recipe.system.segment_frames, 16))
    holes = rng.uniform(size=log_mel.shape) > quality[:, None, None]
    holes[:, :, :8] = False
    log_mel[holes] = 0.0
    np.save(folder / "features.npy", log_mel.astype(np.float16))
    clips = [
        LabelledClip(
            f"c{row}", f"r{row}", "s", SPLITS[row % 6], 1.0 + 3.732 * float(quality[row]), ""
        )
        for row in range(120)
    ]
    write_clip_table(clips, folder / "clips.csv")
    facts = {"front_end": asdict(recipe.system.front_end.build()), "seconds": 0.6, "digest": ""}
    (folder / "features.json").write_text(json.dumps(facts))
    return folder


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones in more or less noise: clarity is what is left of the tones."""
    folder = tmp_path_factory.mktemp("audio")
    rng = np.random.default_rng(1)
    clips = []
    for number in range(40):
        split = "train" if number < 20 else "validation" if number < 32 else "test"
        sources, noise = 1 + number % 6, rng.uniform(0.0, 1.0)
        seconds = 1.3 if number % 5 == 0 else 2.0 if number % 5 < 4 else 4.7
        time = np.arange(round(24000 * seconds)) / 24000
        tones = sum(np.sin(2 * np.pi * rng.uniform(200, 5000) * time) for _ in range(sources))
        samples = 0.1 * (tones + 3.0 * noise * rng.standard_normal(time.size))
        write_audio(folder / f"{number}.wav", Audio.from_array(samples, 24000))
        scores = {"clarity": (5.0 - 4.0 * noise, 4.5 - 3.5 * noise), "sources": (float(sources),)}
        if number == 3:
            scores.pop("sources")
        clips.append(
            RatedClip(str(number), f"{number}.wav", split, f"system-{number % 4}", scores=scores)
        )
    clips.append(RatedClip("gone", "gone.wav", "train", scores={"clarity": (3.0,)}))
    write_rated(clips, folder / "rated.csv")
    return folder


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recipes of a tiny fused system and of a grid of it."""
    folder = tmp_path_factory.mktemp("recipes")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(RECIPE))
    (folder / "grid.yaml").write_text(yaml.safe_dump(GRID))
    return folder
