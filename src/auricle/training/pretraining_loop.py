"""From a recipe and JND pairs to a pretrained encoder."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import yaml

from auricle.data.manifest import SPLITS
from auricle.data.pairs import TABLE, read_pairs
from auricle.encoders.cache import EmbeddingCache
from auricle.training.checkpoint import save_weights
from auricle.training.prepared_clips import PreparedClips, Progress, prepare_clips
from auricle.training.pretraining_fit import OnPretrainingEpoch, find_best, fit_pretraining
from auricle.training.pretraining_network import start_network
from auricle.training.pretraining_recipe import PretrainingRecipe

WEIGHTS = "encoder.safetensors"


def pretrain(
    recipe: PretrainingRecipe,
    folder: Path,
    cache: Path,
    output: Path,
    *,
    resume: bool = True,
    on_clip: Progress | None = None,
    on_epoch: OnPretrainingEpoch | None = None,
) -> tuple[Path, PreparedClips]:
    """Pretrain an encoder on a folder of JND pairs; return the file of its weights, and the clips.

    `folder` is one that `auricle data pairs` made by a recipe of the kind `jnd`, with the splits
    train and validation. What the front end makes of clips goes to `cache`, all else to `output`:
    `encoder.safetensors`, the encoder alone after the epoch that `fit_pretraining` keeps,
    `recipe.yaml`, `log.csv`, the checkpoint, and `result.json`.

    Raises `DataError` when pairs and recipe don't fit, `ConfigError` when the output belongs to
    another training.
    """
    # Clean clips have no partner: they are not heard.
    clips = [clip for clip in read_pairs(folder / TABLE) if clip.ladder]
    front_end, store = recipe.front_end.build(), EmbeddingCache(cache)
    prepared = prepare_clips(front_end, clips, folder, store, progress=on_clip)
    network = start_network(recipe)
    weights = output / WEIGHTS
    # They would not be this training's until the end.
    weights.unlink(missing_ok=True)
    epochs = fit_pretraining(recipe, network, prepared, output, resume=resume, on_epoch=on_epoch)
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    (output / "recipe.yaml").write_text(text, encoding="utf-8")
    best = find_best(epochs)
    figures = {name: getattr(best, name) for name in ("loss", "triplets", "correlation")}
    facts = {
        "clips": {split: sum(c.split == split for c in prepared.clips) for split in SPLITS},
        "parameters": sum(p.numel() for p in network.encoder.parameters()),
        "epochs": len(epochs),
        "kept_epoch": best.epoch,
        # JSON knows no NaN.
        "validation": {n: None if math.isnan(v) else round(v, 4) for n, v in figures.items()},
        "seconds_per_epoch": round(float(np.median([epoch.seconds for epoch in epochs])), 2),
    }
    (output / "result.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    save_weights(weights, network.encoder.state_dict())
    return weights, prepared
