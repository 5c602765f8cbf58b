"""Running a fused system that could not be exported, by torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn

from auricle.core.errors import BundleError
from auricle.heads.fusion import Shape
from auricle.systems.bundle import BundleFiles, FusionBundle
from auricle.systems.encoders import build_encoder
from auricle.systems.fusion import Fusion, build_member

Prepared = dict[str, NDArray[np.float32]]


Answer = tuple[NDArray[np.float32], NDArray[np.float32]]


def open_network(bundle: FusionBundle) -> Callable[[Prepared, int], Answer]:
    """Return what gives the answer of `Fusion` to a clip and its number of embeddings."""
    fusion = load_fusion(bundle)

    @torch.no_grad()
    def run(prepared: Prepared, bins: int) -> Answer:
        batch = {name: torch.from_numpy(values).unsqueeze(0) for name, values in prepared.items()}
        ratings, factors = fusion(batch, torch.ones(bins))
        return np.asarray(ratings), np.asarray(factors)

    return run


def load_fusion(bundle: FusionBundle) -> Fusion:
    """Build a bundle's encoders and members and load their weights strictly.

    Raises `BundleError` when the bundle holds no weights or they don't fit its configuration.
    """
    config = bundle.config
    encoders = {name: build_encoder(source) for name, source in config.encoders.items()}
    shapes = {
        name: Shape(encoder.facts.layers, encoder.facts.features)
        for name, encoder in encoders.items()
    }
    members = [build_member(member, shapes, len(config.axes)) for member in config.members]
    fusion = Fusion(encoders, members, config)
    load_weights(fusion, bundle)
    return fusion.eval()


def load_weights(network: nn.Module, bundle: BundleFiles) -> None:
    """Load a bundle's weights strictly; raises `BundleError` when there are none or others."""
    try:
        network.load_state_dict(load_file(bundle.weights), strict=True)
    except RuntimeError as error:
        raise BundleError(f"{bundle.weights} does not fit the configuration: {error}") from error
