"""From a recipe and pairs to a finished system that judges by distance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from auricle.data.manifest import SPLITS
from auricle.data.pairs import read_clips
from auricle.encoders.cache import EmbeddingCache
from auricle.encoders.lora import trainable_share
from auricle.systems.distance import DistanceNetwork, build_distance_network
from auricle.systems.distance_config import DistanceConfig
from auricle.training.distance_bundle import write_card, write_distance
from auricle.training.distance_clips import PreparedPairs, prepare_pairs
from auricle.training.distance_figures import embed_pairs, report
from auricle.training.distance_fit import OnDistanceEpoch, fit_distance
from auricle.training.distance_mappings import fit_mappings
from auricle.training.distance_recipe import DistanceRecipe
from auricle.training.prepared_clips import Progress

_RESULT = "result.json"


def train_distance(
    recipe: DistanceRecipe,
    folder: Path,
    cache: Path,
    output: Path,
    *,
    resume: bool = True,
    on_clip: Progress | None = None,
    on_epoch: OnDistanceEpoch | None = None,
) -> tuple[Path, PreparedPairs]:
    """Train on a folder of pairs; return the folder of the finished bundle, and the pairs.

    `folder` is one that `auricle data pairs` or `auricle data build` made, with the splits train
    and validation (or calibration). What the front end makes of clips goes to `cache`, all else to
    `output`: `recipe.yaml`, `log.csv`, the checkpoint, `bundle/`, and `result.json` with figures on
    the test split, where there is one.

    Raises `DataError` when pairs and recipe don't fit, `ConfigError` when the encoder cannot be
    had or the output belongs to another training.
    """
    clips = read_clips(folder)
    network, config = start_network(recipe)
    store = EmbeddingCache(cache, recipe.data.precision)
    pairs = prepare_pairs(
        network.encoder, clips, folder, store, recipe.crop_samples, progress=on_clip
    )
    result = output / _RESULT
    # It would not be this training's until the end.
    result.unlink(missing_ok=True)
    epochs = fit_distance(recipe, network, pairs, output, resume=resume, on_epoch=on_epoch)
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    (output / "recipe.yaml").write_text(text, encoding="utf-8")
    unseen = embed_pairs(network, pairs, "validation", recipe.references, recipe.seed)
    calibration = fit_mappings(recipe.mappings, pairs.labels, unseen)
    facts: dict[str, Any] = {
        "pairs": {split: sum(c.split == split for c in pairs.clips) for split in SPLITS},
        "epochs": len(epochs),
        "seconds_per_epoch": round(float(np.median([epoch.seconds for epoch in epochs])), 2),
        "trainable_share": round(trainable_share(network), 4),
        "validation": report(pairs, unseen),
    }
    if facts["pairs"]["test"]:
        test = embed_pairs(network, pairs, "test", recipe.references, recipe.seed)
        facts["test"] = report(pairs, test)
    card = write_card(config, facts)
    bundle = write_distance(output / "bundle", network, config, calibration, card)
    result.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return bundle, pairs


def start_network(recipe: DistanceRecipe) -> tuple[DistanceNetwork, DistanceConfig]:
    """Build the network of a recipe before training, the same every time, and say what it is.

    Raises what `auricle.systems.distance.build_distance_network` does.
    """
    torch.manual_seed(recipe.seed)
    network, config = build_distance_network(recipe.system)
    # Channels last: half as fast again for two-dimensional convolutions on processors.
    return network.to(memory_format=torch.channels_last), config  # type: ignore[call-overload]
