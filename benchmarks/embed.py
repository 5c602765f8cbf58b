"""Embed a trained bundle in the package with its model card, below a ceiling if it is given one.

    python benchmarks/embed.py BUNDLE docs/cards/speech.v1.md
    python benchmarks/embed.py BUNDLE docs/cards/codec-music.v3.md --ceiling 20000 --features DIR

The second network was trained with the bands above 20 kHz emptied at random, so it works without
them; emptying them always keeps a score from following the sample rate. `DIR` holds the features
that it was trained with, whose calibration split, with those bands emptied, sets the width of the
interval. Afterwards `out_of_domain.py fit` gives what is embedded the density that warnings need.
`BUNDLE` lies where `auricle train` wrote it, with `recipe.yaml` beside it. The printed SHA-256
belongs into the table of `auricle.catalog`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from auricle.catalog import find_metric
from auricle.data.batches import split_rows
from auricle.data.features import read_features
from auricle.heads.calibration import Calibration
from auricle.signal.spectra import mel_edges
from auricle.systems.bundle import Bundle, read_bundle, save_bundle
from auricle.systems.config import SystemConfig
from auricle.systems.system import load_system
from auricle.training.fit import predict
from auricle.training.loop import calibrate_by
from auricle.training.recipe import load_recipe


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("card", type=Path)
    parser.add_argument("--ceiling", type=float)
    parser.add_argument("--features", type=Path)
    options = parser.parse_args()
    if (options.ceiling is None) != (options.features is None):
        parser.error("a ceiling needs --features to calibrate on, and only a ceiling does")
    trained = read_bundle(options.bundle)
    config, calibration = trained.config, trained.calibration
    if options.ceiling is not None:
        config, calibration = lower_ceiling(trained, options.ceiling, options.features)
    embedded = save_bundle(
        find_metric(config.spec.full_name).folder,
        config,
        calibration,
        onnx=trained.onnx,
        weights=trained.weights,
        density=trained.density,
        card=options.card.read_text(encoding="utf-8"),
    )
    print(embedded.folder, embedded.model_sha256, embedded.calibration)


def lower_ceiling(
    trained: Bundle, ceiling: float, folder: Path
) -> tuple[SystemConfig, Calibration]:
    """Return a bundle's configuration and calibration when nothing above a ceiling is heard."""
    front_end = trained.config.front_end
    recipe = load_recipe(trained.folder.parent / "recipe.yaml")
    features = read_features(folder)
    rows = split_rows(features, recipe.calibrate_on)
    log_mel = np.array(features.log_mel[rows])
    edges = mel_edges(front_end.sample_rate, front_end.n_mels)
    log_mel[:, :, edges[2:] > ceiling] = 0.0
    emptied = replace(
        features, log_mel=log_mel, clips=tuple(features.clips[row] for row in rows.tolist())
    )
    unseen = predict(recipe, load_system(trained), emptied, np.arange(len(rows)))
    lowered = front_end.model_copy(update={"ceiling": ceiling})
    config = trained.config.model_copy(update={"front_end": lowered})
    return config, calibrate_by(recipe, unseen)


if __name__ == "__main__":
    main()
