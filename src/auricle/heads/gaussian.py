"""A head that predicts quality and how sure it is."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn.functional import softplus

from auricle.heads.pooling import Pooled
from auricle.heads.regression import Prediction, no_history

# A standard deviation of one point of a hundred: labels are not better than that, and without
# a floor the likelihood of the many clips labelled "perfect" grows without bound.
_LOG_FLOOR = math.log(0.01**2)


class GaussianHead(nn.Module):
    """Mean and log-variance of a normal distribution (Nix and Weigend, 1994).

    A frame's quality is an affine function of its embedding; the clip's is the weighted sum
    over frames. The variance is read from the weighted mean and standard deviation of the
    embeddings, and has a soft floor of (0.01)^2.

    >>> import torch
    >>> from auricle.heads.pooling import MeanPooling
    >>> head = GaussianHead(8)
    >>> head(MeanPooling()(torch.zeros(2, 1, 4, 8))).mean.shape
    torch.Size([2])
    """

    def __init__(self, features: int, hidden: int = 64, dropout: float = 0.1) -> None:
        super().__init__()
        self.quality = nn.Linear(features, 1)
        # The middle of the scale: training starts from a sensible constant.
        nn.init.constant_(self.quality.bias, 0.5)
        self.spread = nn.Sequential(
            nn.Linear(2 * features, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 1)
        )
        nn.init.constant_(self.spread[-1].bias, math.log(0.1**2))  # type: ignore[arg-type]

    def forward(self, pooled: Pooled) -> Prediction:
        """Return the prediction for pooled frames `[batch, frame, feature]`."""
        track: Tensor = self.quality(pooled.frames).squeeze(-1)
        mean = (pooled.weights * track).sum(dim=-1)
        spread: Tensor = self.spread(pooled.embedding).squeeze(-1)
        log_variance = _LOG_FLOOR + softplus(spread - _LOG_FLOOR)
        return Prediction(mean, log_variance, track, pooled.embedding, no_history(mean))
