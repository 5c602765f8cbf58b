"""A trained fusion as a bundle, calibrated and, where it can be, exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import DataError
from auricle.heads.calibration import calibrate
from auricle.systems.bundle import FusionCalibration, save_fusion_bundle
from auricle.systems.fusion import Fusion
from auricle.systems.fusion_config import Axis, FusionConfig
from auricle.systems.fusion_export import export_fusion
from auricle.training.checkpoint import save_weights
from auricle.training.export import try_export


def write_fusion(
    folder: Path, fusion: Fusion, config: FusionConfig, calibration: FusionCalibration
) -> Path:
    """Write a bundle to `folder`: weights, and an ONNX model where torch can export the encoders.

    Without one, scoring needs torch, as `auricle.training.export.try_export` tells.
    """
    onnx = try_export(lambda: export_fusion(fusion, config), folder)
    weights = folder.with_name(f".{folder.name}.safetensors")
    save_weights(weights, fusion.state_dict())
    save_fusion_bundle(folder, config, calibration, weights=weights, onnx=onnx)
    weights.unlink()
    return folder


def calibrate_axes(
    axes: tuple[Axis, ...], ratings: NDArray[np.float64], labels: NDArray[np.float64]
) -> FusionCalibration:
    """Fit each axis's interval on `ratings` and `labels` `[clip, axis]` of unseen clips.

    NaN labels are missing. Raises `DataError` when an axis has too few for an interval.
    """
    found = {}
    for place, axis in enumerate(axes):
        rated = np.isfinite(labels[:, place])
        label = np.clip((labels[rated, place] - axis.low) / axis.span, 0.0, 1.0)
        mean = np.clip((ratings[rated, place] - axis.low) / axis.span, 0.0, 1.0)
        try:
            # The members know no variance: one width fits all.
            found[axis.name] = calibrate(mean, np.zeros_like(mean), label)
        except DataError as error:
            raise DataError(f"{axis.name} of the validation split: {error}") from error
    return FusionCalibration(axes=found)
