"""Optimisers by their configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from auricle.training.recipe import AdamConfig, AdamWConfig


def build_optimiser(
    config: AdamConfig | AdamWConfig,
    network: nn.Module,
    shares: Iterable[tuple[nn.Module, float]] = (),
) -> torch.optim.Optimizer:
    """Return an optimiser of all parameters of a network that are to be trained.

    Those of a part in `shares` have the learning rate times its number; `set_rate` heeds it.
    """
    factors = {id(p): factor for part, factor in shares for p in part.parameters()}
    chosen: dict[float, list[nn.Parameter]] = {1.0: []}
    for parameter in network.parameters():
        if parameter.requires_grad:
            chosen.setdefault(factors.get(id(parameter), 1.0), []).append(parameter)
    groups = [
        group | {"lr": factor * config.lr, "factor": factor}
        for factor, parameters in chosen.items()
        if parameters
        for group in _group(config, parameters)
    ]
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
