"""Embed a trained bundle in the package, with its model card.

    python benchmarks/embed.py work/runs/codec-music/bundle docs/cards/codec-music.v1.md

Afterwards the printed SHA-256 belongs into the table of `auricle.catalog`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from auricle.catalog import find_metric
from auricle.systems.bundle import read_bundle, save_bundle


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("card", type=Path)
    options = parser.parse_args()
    trained = read_bundle(options.bundle)
    embedded = save_bundle(
        find_metric(trained.config.spec.full_name).folder,
        trained.config,
        trained.calibration,
        onnx=trained.onnx,
        weights=trained.weights,
        card=options.card.read_text(encoding="utf-8"),
    )
    print(embedded.folder, embedded.model_sha256)


if __name__ == "__main__":
    main()
