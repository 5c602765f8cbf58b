"""A tiny data set whose quality can be heard: the share of holes in the upper bands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from auricle.data.features import LabelledClip, write_clip_table
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
