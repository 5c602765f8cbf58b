"""Running a system that judges by distance by torch, where it could not be exported."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.systems.bundle import DistanceBundle
from auricle.systems.distance import DistanceNetwork, rebuild_distance_network
from auricle.systems.fusion_torch import load_weights

Floats = NDArray[np.float32]


def open_network(bundle: DistanceBundle) -> Callable[[Floats], Floats]:
    """Return what gives the embeddings `[window, size]` of prepared `[step, channel]`."""
    network = load_distance_network(bundle)

    @torch.no_grad()
    def run(prepared: Floats) -> Floats:
        steps = torch.tensor([len(prepared)])
        return np.asarray(network(torch.from_numpy(prepared).unsqueeze(0), steps)[0])

    return run


def load_distance_network(bundle: DistanceBundle) -> DistanceNetwork:
    """Build a bundle's network and load its weights strictly.

    Raises `BundleError` when the bundle holds no weights or they don't fit its configuration.
    """
    network = rebuild_distance_network(bundle.config)
    load_weights(network, bundle)
    return network.eval()
