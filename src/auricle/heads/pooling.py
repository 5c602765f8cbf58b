"""From frame embeddings to what a head reads: frames and how much each counts."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Pooled(NamedTuple):
    """Frames and their weights, with the weighted statistics over time.

    `frames` is `[batch, frame, feature]`, `weights` `[batch, frame]` (rows sum to one), `mean`
    and `deviation` `[batch, feature]`.
    """

    frames: Tensor
    weights: Tensor
    mean: Tensor
    deviation: Tensor

    @property
    def embedding(self) -> Tensor:
        """Mean and deviation in one vector, `[batch, 2 * feature]`."""
        return torch.cat((self.mean, self.deviation), dim=-1)


def pool_frames(frames: Tensor, weights: Tensor) -> Pooled:
    """Weigh `frames` `[batch, frame, feature]` by `weights` `[batch, frame]`.

    Weighted mean and standard deviation are those of attentive statistics pooling
    (Okabe et al., Interspeech 2018, Eq. 5 and 6).

    >>> frames = torch.tensor([[[0.0], [2.0]]])
    >>> pooled = pool_frames(frames, torch.tensor([[0.5, 0.5]]))
    >>> pooled.mean.item(), round(pooled.deviation.item(), 3)
    (1.0, 1.0)
    """
    shares = weights.unsqueeze(-1)
    mean = (shares * frames).sum(dim=1)
    variance = (shares * (frames - mean.unsqueeze(1)).square()).sum(dim=1)
    return Pooled(frames, weights, mean, (variance + 1e-8).sqrt())


class AttentionPooling(nn.Module):
    """Frames weighted by what they hold (Okabe et al., Interspeech 2018, Eq. 3 and 4).

    Reads the last layer of `[batch, layer, frame, feature]`; any number of frames.

    >>> AttentionPooling(8)(torch.zeros(2, 1, 5, 8)).weights[0, 0].item()
    0.20000000298023224
    """

    def __init__(self, features: int, hidden: int = 64) -> None:
        super().__init__()
        self.score = nn.Sequential(
            nn.Linear(features, hidden), nn.Tanh(), nn.Linear(hidden, 1, bias=False)
        )

    def forward(self, embedding: Tensor) -> Pooled:
        """Return frames `[batch, frame, feature]` and their weights."""
        frames = embedding[:, -1]
        return pool_frames(frames, torch.softmax(self.score(frames).squeeze(-1), dim=-1))


class MeanPooling(nn.Module):
    """All frames count the same.

    >>> MeanPooling()(torch.ones(2, 1, 4, 8)).weights[0, 0].item()
    0.25
    """

    def forward(self, embedding: Tensor) -> Pooled:
        """Return frames `[batch, frame, feature]` and their equal weights."""
        frames = embedding[:, -1]
        weights = torch.ones_like(frames[..., 0])
        return pool_frames(frames, weights / frames.shape[1])


class FlattenPooling(nn.Module):
    """All frames in one long vector, for networks of a fixed length.

    >>> FlattenPooling()(torch.ones(2, 1, 4, 8)).frames.shape
    torch.Size([2, 1, 32])
    """

    def forward(self, embedding: Tensor) -> Pooled:
        """Return one frame `[batch, 1, frame * feature]` of weight one."""
        frames = embedding[:, -1].flatten(1).unsqueeze(1)
        return pool_frames(frames, torch.ones_like(frames[..., 0]))
