"""Embed a trained distance in the package: its ONNX model, calibration and a model card.

    python benchmarks/embed_distance.py BUNDLE docs/cards/deepaq-fullband.v1.md

`BUNDLE` lies where `auricle train` wrote it. The weights for torch stay there: what is embedded
runs without. The printed SHA-256 belongs into the table of `auricle.catalog`.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

from auricle.systems.bundle import DistanceBundle, read_any_bundle, save_distance_bundle


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("card", type=Path)
    options = parser.parse_args()
    trained = read_any_bundle(options.bundle)
    if not isinstance(trained, DistanceBundle):
        parser.error(f"{options.bundle} is no system that judges by distance")
    embedded = save_distance_bundle(
        Path(str(files("auricle"))) / "models" / trained.config.spec.full_name,
        trained.config,
        trained.calibration,
        onnx=trained.onnx,
        density=trained.density,
        card=options.card.read_text(encoding="utf-8"),
    )
    print(embedded.folder, embedded.model_sha256)


if __name__ == "__main__":
    main()
