"""Embed a trained bundle in the package: set its ceiling, calibrate anew, add the model card.

    python benchmarks/embed.py BUNDLE docs/cards/codec-music.v3.md --ceiling 20000 --features DIR

The network was trained with the bands above 20 kHz emptied at random, so it works without them;
emptying them always keeps a score from following the sample rate. `DIR` holds the features that
it was trained with, whose calibration split, with those bands emptied, sets the width of the
interval. `BUNDLE` lies where `auricle train` wrote it, with `recipe.yaml` beside it. The printed
SHA-256 belongs into the table of `auricle.catalog`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from auricle.catalog import find_metric
from auricle.data.batches import split_rows
from auricle.data.features import read_features
from auricle.signal.spectra import mel_edges
from auricle.systems.bundle import read_bundle, save_bundle
from auricle.systems.system import load_system
from auricle.training.fit import predict
from auricle.training.loop import calibrate_by
from auricle.training.recipe import load_recipe


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("card", type=Path)
    parser.add_argument("--ceiling", type=float, required=True)
    parser.add_argument("--features", type=Path, required=True)
    options = parser.parse_args()
    trained = read_bundle(options.bundle)
    front_end = trained.config.front_end
    recipe = load_recipe(options.bundle.parent / "recipe.yaml")
    features = read_features(options.features)
    rows = split_rows(features, recipe.calibrate_on)
    log_mel = np.array(features.log_mel[rows])
    edges = mel_edges(front_end.sample_rate, front_end.n_mels)
    log_mel[:, :, edges[2:] > options.ceiling] = 0.0
    emptied = replace(
        features, log_mel=log_mel, clips=tuple(features.clips[row] for row in rows.tolist())
    )
    unseen = predict(recipe, load_system(trained), emptied, np.arange(len(rows)))
    config = trained.config.model_copy(
        update={"front_end": front_end.model_copy(update={"ceiling": options.ceiling})}
    )
    embedded = save_bundle(
        find_metric(config.spec.full_name).folder,
        config,
        calibrate_by(recipe, unseen),
        onnx=trained.onnx,
        weights=trained.weights,
        card=options.card.read_text(encoding="utf-8"),
    )
    print(embedded.folder, embedded.model_sha256, embedded.calibration)


if __name__ == "__main__":
    main()
