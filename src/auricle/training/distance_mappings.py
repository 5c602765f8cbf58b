"""From distances to scores of 100, fitted on pairs that were not trained on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import DataError
from auricle.stats.cubic_mapping import CubicMapping, fit_cubic
from auricle.stats.mlp_mapping import MlpMapping, fit_mlp
from auricle.systems.distance_calibration import DistanceCalibration, DistanceMapping
from auricle.training.distance_figures import EmbeddedPairs
from auricle.training.distance_labels import IDENTITY, Floats, PairLabels, Rows
from auricle.training.distance_recipe import MappingsConfig

Curve = CubicMapping | MlpMapping
Fit = Callable[[Floats, Floats], Curve]

_TOP = 100.0


def fit_mappings(
    config: MappingsConfig, labels: PairLabels, found: EmbeddedPairs
) -> DistanceCalibration:
    """Fit the mappings of a system on what its network makes of the validation split.

    Both aim at the same quality of 0..100; the first is 100 where the distance is 0. What scatters
    around them is measured on the half of the excerpts that a mapping was not fitted on.

    Raises `DataError` when distances or labels do not make a mapping: a network whose distances
    don't grow as quality falls has none.
    """
    target, excerpts = _aim(config, labels, found.rows), labels.excerpts[found.rows]
    degraded = ~labels.clean[found.rows]

    def fit_matching(x: Floats, y: Floats) -> Curve:
        if config.kind == "mlp":
            return fit_mlp(x, y, at_zero=_TOP)
        return fit_cubic(x, y, falling=True, at_zero=_TOP)

    def fit_non_matching(x: Floats, y: Floats) -> Curve:
        return (
            fit_mlp(x, y, at_zero=_TOP) if config.kind == "mlp" else fit_cubic(x, y, falling=True)
        )

    # Clean clips are at the distance 0 from themselves, which the mapping knows already.
    return DistanceCalibration(
        matching=_map(fit_matching, found.matching, target, excerpts, degraded),
        non_matching=_map(
            fit_non_matching, found.non_matching, target, excerpts, np.ones_like(degraded)
        ),
    )


def _aim(config: MappingsConfig, labels: PairLabels, rows: Rows) -> Floats:
    """Return quality on the scale of 0..100 that `codec-music` has too: MOS-LQO 1 to identity."""
    name = "consensus_mos" if config.target == "consensus" else "visqol"
    if name not in labels.columns:
        raise DataError("scores are on ViSQOL's scale: label pairs by visqol as well")
    mos = labels.columns[name][rows]
    return _TOP * (mos - 1.0) / (IDENTITY["visqol"] - 1.0)


def _map(
    fit: Fit, distance: Floats, target: Floats, excerpts: Rows, chosen: NDArray[np.bool_]
) -> DistanceMapping:
    chosen = chosen & np.isfinite(target)
    x, y = distance[chosen], target[chosen]
    _, places = np.unique(excerpts[chosen], return_inverse=True)
    half = places % 2 == 0
    if half.all():
        raise DataError("mappings need two or more excerpts in the validation split")
    left = np.zeros_like(y)
    for unseen in (half, ~half):
        curve = fit(x[~unseen], y[~unseen])
        left[unseen] = y[unseen] - np.clip(curve.apply(x[unseen]), 0.0, _TOP)
    deviation = float(np.sqrt(np.mean(left**2)))
    return DistanceMapping(curve=fit(x, y), deviation=deviation, pairs=x.size)
