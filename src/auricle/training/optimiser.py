"""Optimisers by their configuration."""

from __future__ import annotations

import torch
from torch import nn

from auricle.training.recipe import AdamConfig, AdamWConfig


def build_optimiser(config: AdamConfig | AdamWConfig, network: nn.Module) -> torch.optim.Optimizer:
    """Return an optimiser of all parameters of a network that are to be trained."""
    trained = [p for p in network.parameters() if p.requires_grad]
    if config.kind == "adam":
        return torch.optim.Adam(trained, lr=config.lr)
    # Offsets and normalisation gains are left out of weight decay.
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.lr)
