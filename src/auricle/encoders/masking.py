"""Keeping padding out: what a clip gives must not depend on its neighbours in a batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def mark_real(counts: Tensor, length: int) -> Tensor:
    """Return `[batch, length]`, true where a clip of so many (`counts` `[batch]`) has a frame.

    >>> mark_real(torch.tensor([1, 3]), 3).int().tolist()
    [[1, 0, 0], [1, 1, 1]]
    """
    return torch.arange(length, device=counts.device) < counts.unsqueeze(1)


def rest_batch_norms(network: nn.Module) -> None:
    """Keep batch normalisation at the statistics it was trained with, in training too.

    Statistics of a batch would include its padding, and would tie its clips to one another.

    >>> network = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout())
    >>> rest_batch_norms(network)
    >>> [part.training for part in network]
    [False, True]
    """
    for part in network.modules():
        if isinstance(part, _BatchNorm):
            part.eval()
