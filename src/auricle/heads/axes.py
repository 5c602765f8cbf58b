"""Several ratings of one clip, each by a network of its own."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class AxisPrediction(NamedTuple):
    """Ratings of a batch of clips on several axes.

    `mean` is `[batch, axis]`. `factor` is the lower Cholesky factor of the ratings' covariance,
    `[batch, axis, axis]`, and `[batch, 0, 0]` from heads that know no uncertainty. `latents`
    `[batch, latent, feature]` are the last hidden vectors that ratings are read from: one per axis,
    or a single one that all axes share.
    """

    mean: Tensor
    factor: Tensor
    latents: Tensor


class AxisHeads(nn.Module):
    """An independent small network (MLP) per axis (MMMOS, Sec. III-B).

    >>> AxisHeads(8, 4, hidden=16)(torch.zeros(2, 8)).mean.shape
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

    def forward(self, vectors: Tensor) -> AxisPrediction:
        """Return the ratings of `vectors` `[batch, feature]`; every axis has its own latent."""
        latents = [head[:-1](vectors) for head in self.heads]  # type: ignore[index]
        means = [head[-1](one) for head, one in zip(self.heads, latents, strict=True)]  # type: ignore[index]
        mean = torch.cat(means, dim=-1)
        return AxisPrediction(mean, mean.new_zeros(len(mean), 0, 0), torch.stack(latents, dim=1))
