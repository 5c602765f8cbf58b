"""A head that predicts quality alone, and what every head returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from auricle.heads.pooling import Pooled


class Prediction(NamedTuple):
    """Quality (0..1, 1 is the best) of a batch of clips.

    `mean` and `log_variance` are `[batch]`; `track` is `[batch, frame]`, the quality of each
    frame: `mean` is its weighted sum. `embedding` is `[batch, 2 * feature]`, what the head read:
    weighted mean and standard deviation of the frames. `history` is `[batch, trace, 2]` (see
    `HistoryHead`), without any trace from systems that don't tell it.
    """

    mean: Tensor
    log_variance: Tensor
    track: Tensor
    embedding: Tensor
    history: Tensor


def no_history(mean: Tensor) -> Tensor:
    """Return the history `[batch, 0, 2]` of systems that tell none."""
    return mean.new_zeros((mean.shape[0], 0, 2))


class RegressionHead(nn.Module):
    """Dense layers without activations, dropout after the first.

    With the default sizes, the dense layers of Kasperuk and Zielinski (2024), Table III. It
    knows no uncertainty: the variance is one, which leaves the interval to calibration.

    >>> from auricle.heads.pooling import MeanPooling
    >>> head = RegressionHead(8)
    >>> head(MeanPooling()(torch.zeros(2, 1, 4, 8))).track.shape
    torch.Size([2, 4])
    """

    def __init__(
        self, features: int, hidden: Sequence[int] = (256, 128), dropout: float = 0.01
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((features, *hidden), (*hidden, 1), strict=True):
            dense = nn.Linear(before, after)
            nn.init.xavier_uniform_(dense.weight)
            nn.init.zeros_(dense.bias)
            layers.append(dense)
        if hidden:
            layers.insert(1, nn.Dropout(dropout))
        self.layers = nn.Sequential(*layers)

    def forward(self, pooled: Pooled) -> Prediction:
        """Return the prediction for pooled frames `[batch, frame, feature]`."""
        track = self.layers(pooled.frames).squeeze(-1)
        mean = (pooled.weights * track).sum(dim=-1)
        return Prediction(mean, torch.zeros_like(mean), track, pooled.embedding, no_history(mean))
