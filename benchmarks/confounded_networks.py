"""The networks of `confounded.py`: how they are trained, and what they say of the test split."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.data.features import read_features
from auricle.data.rated import RatedClip
from auricle.encoders.cache import EmbeddingCache
from auricle.systems.encoders import load_encoders
from auricle.systems.listener import Listener
from auricle.training.embeddings import embed_clips
from auricle.training.fit import fit, predict
from auricle.training.fusion_fit import fit_member
from auricle.training.fusion_recipe import load_fusion_recipe
from auricle.training.recipe import load_recipe

CNN_WEIGHT = 0.03
FROZEN_WEIGHT = 0.3
"""Usual weights of the adversary: beyond them first trials did worse."""


class Answer(NamedTuple):
    """What a network says of the test split: its rows, their labels and predictions on 0..100, and
    the vectors that a discriminator would read, `[clip, feature]`.
    """

    rows: NDArray[np.int64]
    label: NDArray[np.float64]
    predicted: NDArray[np.float64]
    vectors: NDArray[np.float32]


Network = Callable[[NDArray[np.int64], str, bool, float, int], Answer]
"""Trained on some rows, against some domains, balanced or not, so strongly, with a seed."""


def open_cnn(folder: Path, output: Path) -> Network:
    """Return the network that learns from nothing, on the features in `folder`."""
    features = read_features(folder)

    def train(
        rows: NDArray[np.int64], domains: str, balance: bool, strength: float, seed: int
    ) -> Answer:
        weight = f"adversary.weight={strength * CNN_WEIGHT}"
        against = (f"adversary.domains={domains}", weight, "adversary.lr=10") if domains else ()
        recipe = load_recipe("dat-small", (*against, f"data.balance={balance}", f"seed={seed}"))
        clips = tuple(features.clips[row] for row in rows.tolist())
        chosen = replace(features, log_mel=np.asarray(features.log_mel[rows]), clips=clips)
        run = output / "run"
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir()
        said = predict(recipe, fit(recipe, chosen, run), chosen, "test")
        tested = rows[[clip.split == "test" for clip in clips]]
        scores = (100.0 * said.label, 100.0 * said.mean)
        return Answer(tested, *(score.astype(np.float64) for score in scores), said.embedding)

    return train


def open_frozen(
    name: str, clips: Sequence[RatedClip], audio: Path, cache: Path, output: Path
) -> Network:
    """Return a MultiGauss head on an encoder of the recipe 'dat-open', which is not trained."""
    member = f"{{encoders: [{name}], weighted: [{'whisper' if name == 'whisper' else ''}],"
    member += " aggregation: {kind: statistics}, head: multi_gauss, hidden: 64, dropout: 0.2}"
    settings = [f"system.members=[{member}]", "loss.kind=multi_gauss"]
    settings += ["max_epochs=15", "patience=15"]
    config = load_fusion_recipe("dat-open", settings).system
    encoders, config = load_encoders(config)
    listener, store = Listener(config, encoders), EmbeddingCache(cache, "float16")

    def train(
        rows: NDArray[np.int64], domains: str, balance: bool, strength: float, seed: int
    ) -> Answer:
        of = domains.replace("source}", "source, of: system}")
        keys = f"weight: {strength * FROZEN_WEIGHT}, lr: 20, hidden: 256"
        against = f"adversaries=[{{domains: {of}, {keys}}}]" if domains else "adversaries=[]"
        balanced = f"data.balance={'system' if balance else 'null'}"
        recipe = load_fusion_recipe("dat-open", (*settings, against, balanced, f"seed={seed}"))
        embedded = embed_clips(config, listener, [clips[row] for row in rows], audio, store)
        found = fit_member(recipe, embedded, output / "run")
        axis = config.axes[0]
        tested = [row for row, clip in enumerate(embedded.clips) if clip.split == "test"]
        said = []
        with torch.no_grad():
            for row in tested:
                frames = torch.from_numpy(np.array(embedded.embedding(name, row), np.float32))
                said.append(found([frames[None]], torch.tensor([frames.shape[1]])))
        mean = np.array([one.mean[0, 0].item() for one in said])
        label = embedded.ratings[tested, 0]
        scores = [100.0 * np.clip((x - axis.low) / axis.span, 0.0, 1.0) for x in (label, mean)]
        vectors = np.stack([one.latents[0, 0].numpy() for one in said])
        return Answer(rows[tested], scores[0], scores[1], vectors)

    return train
