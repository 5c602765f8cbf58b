"""A trained fusion as a bundle, calibrated and, where it can be, exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import DataError
from auricle.data.rated import RatedClip
from auricle.heads.calibration import calibrate, conformal_scale
from auricle.systems.bundle import FusionCalibration, save_fusion_bundle
from auricle.systems.estimate import Estimate
from auricle.systems.fusion import Fusion
from auricle.systems.fusion_config import Axis, FusionConfig
from auricle.systems.fusion_export import export_fusion
from auricle.training.adversary_recipe import domains_file
from auricle.training.checkpoint import save_weights
from auricle.training.export import try_export


def write_fusion(
    folder: Path,
    fusion: Fusion,
    config: FusionConfig,
    calibration: FusionCalibration,
    trained: Path | None = None,
) -> Path:
    """Write a bundle to `folder`: weights, and an ONNX model where torch can export the encoders.

    `trained` is the folder of the training, where that was one: its domains go into the bundle.
    Without one, scoring needs torch, as `auricle.training.export.try_export` tells.
    """
    onnx = try_export(lambda: export_fusion(fusion, config), folder)
    weights = folder.with_name(f".{folder.name}.safetensors")
    save_weights(weights, fusion.state_dict())
    domains = domains_file(trained) if trained is not None else None
    save_fusion_bundle(folder, config, calibration, weights=weights, onnx=onnx, domains=domains)
    weights.unlink()
    return folder


def calibration_rows(clips: Sequence[RatedClip]) -> NDArray[np.int64]:
    """Return the places of the clips to calibrate on: the split of that name, or else validation.

    The best epoch is chosen by validation clips, so their errors are a little too small.
    """
    splits = np.array([clip.split for clip in clips])
    own = "calibration" if "calibration" in splits else "validation"
    return np.flatnonzero(splits == own).astype(np.int64)


def calibrate_axes(
    axes: tuple[Axis, ...], estimate: Estimate, labels: NDArray[np.float64]
) -> FusionCalibration:
    """Fit each axis' interval, and the box of all, on unseen clips' estimates and labels.

    `estimate.mean` and `labels` are `[clip, axis]`; NaN labels are missing, and the box is fitted
    on clips that are rated on all axes. Raises `DataError` when an axis has too few clips.
    """
    means, deviations = estimate.to_shares(axes)
    true, _ = estimate._replace(mean=labels).to_shares(axes)
    rated = np.isfinite(true)
    found = {}
    for place, axis in enumerate(axes):
        columns = (means, 2.0 * np.log(deviations), true)
        mean, log_variance, label = (column[rated[:, place], place] for column in columns)
        try:
            found[axis.name] = calibrate(mean, log_variance, label)
        except DataError as error:
            raise DataError(f"{axis.name} of the clips to calibrate on: {error}") from error
    scales = np.array([calibration.scale for calibration in found.values()])
    widths = np.abs(true - means) / (scales * deviations)
    farthest = widths[rated.all(axis=1)].max(axis=1, initial=0.0)
    # The axes' own widths are fitted on the same clips: with few of them the box is a little small.
    try:
        joint = conformal_scale(farthest)
    except DataError:
        joint = None
    return FusionCalibration(axes=found, joint=joint)
