"""Optimisers by their configuration."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from auricle.training.recipe import AdamConfig, AdamWConfig


def build_optimiser(
    config: AdamConfig | AdamWConfig,
    network: nn.Module,
    *,
    slower: nn.Module | None = None,
    factor: float = 1.0,
) -> torch.optim.Optimizer:
    """Return an optimiser of all parameters of a network that are to be trained.

    Those of its part `slower` have the learning rate times `factor`; `set_rate` heeds it.
    """
    apart = {id(p) for p in slower.parameters()} if slower is not None and factor != 1.0 else set()
    trained = [p for p in network.parameters() if p.requires_grad]
    groups = []
    for share, chosen in (
        (1.0, [p for p in trained if id(p) not in apart]),
        (factor, [p for p in trained if id(p) in apart]),
    ):
        if chosen:
            rate = {"lr": share * config.lr, "factor": share}
            groups += [parameters | rate for parameters in _group(config, chosen)]
    if config.kind == "adam":
        return torch.optim.Adam(groups)
    return torch.optim.AdamW(groups)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give all parameters the learning rate `rate`, or the share of it that is theirs."""
    for group in optimiser.param_groups:
        group["lr"] = group["factor"] * rate


def _group(config: AdamConfig | AdamWConfig, chosen: list[nn.Parameter]) -> list[dict[str, Any]]:
    if config.kind == "adam":
        return [{"params": chosen}]
    # Offsets and normalisation gains are left out of weight decay.
    return [
        {"params": [p for p in chosen if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in chosen if p.ndim <= 1], "weight_decay": 0.0},
    ]
