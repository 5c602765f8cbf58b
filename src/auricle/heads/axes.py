"""Several ratings of one clip, each by a network of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AxisHeads(nn.Module):
    """An independent small network (MLP) per axis (MMMOS, Sec. III-B).

    >>> AxisHeads(8, 4, hidden=16)(torch.zeros(2, 8)).shape
    torch.Size([2, 4])
    """

    def __init__(self, features: int, axes: int, hidden: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 1)
            )
            for _ in range(axes)
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """Return `[batch, axis]` for `vectors` `[batch, feature]`."""
        return torch.cat([head(vectors) for head in self.heads], dim=-1)
