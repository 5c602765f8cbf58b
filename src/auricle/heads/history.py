"""A head that tells what was done to a recording."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.core.traces import TRACES
from auricle.heads.pooling import Pooled


class HistoryHead(nn.Module):
    """Which codecs and filters a recording went through, and at which rate or cutoff.

    For each of `auricle.core.traces.TRACES` a logit (it is in the history) and a rate: log2 of
    bit/s, or of Hz for the low-pass filter, if it is; for "lossy" the lowest rate of all codecs.

    >>> from auricle.heads.pooling import MeanPooling
    >>> HistoryHead(8)(MeanPooling()(torch.zeros(2, 1, 4, 8))).shape
    torch.Size([2, 7, 2])
    """

    def __init__(self, features: int, hidden: int = 64, dropout: float = 0.1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * features, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 2 * len(TRACES)),
        )

    def forward(self, pooled: Pooled) -> Tensor:
        """Return `[batch, trace, 2]`: logit and log2 rate of each trace."""
        answer: Tensor = self.layers(pooled.embedding)
        logit, rate = answer.reshape(-1, len(TRACES), 2).unbind(-1)
        # Rates lie between 2^12 and 2^19: the network learns a number of order one.
        return torch.stack((logit, 15.5 + 2.0 * rate), dim=-1)
