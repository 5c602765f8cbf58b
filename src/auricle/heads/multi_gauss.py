"""Ratings on several axes together with the full covariance of their errors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from auricle.heads.axes import AxisPrediction

# Of the labels' deviation: without a floor the likelihood of the many clips that are labelled
# alike grows without bound.
_FLOOR = 0.05


class MultiGaussHead(nn.Module):
    """Mean and covariance of all axes from one network (Cumlin et al., Interspeech 2025).

    Two dense layers with ReLU are shared by all axes (the paper's have 64 and 32 units). A linear
    layer gives the mean and the lower Cholesky factor of the covariance, whose diagonal goes
    through a softplus and has a floor of 0.05: a fresh network's covariance is about half the unit.
    The paper's affine map from there to the labels, `A = 2, b = 3` for scales from 1 to 5, is that
    of `MemberHead` with the deviation and mean of the training labels; the likelihood differs by a
    constant only.

    >>> head = MultiGaussHead(8, axes=3)
    >>> found = head(torch.zeros(2, 8))
    >>> found.mean.shape, found.factor.shape, found.latents.shape
    (torch.Size([2, 3]), torch.Size([2, 3, 3]), torch.Size([2, 1, 64]))
    """

    order: Tensor

    def __init__(self, features: int, axes: int, hidden: int = 64, dropout: float = 0.3) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *(nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(dropout)),
            *(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout)),
        )
        below = axes * (axes - 1) // 2
        self.output = nn.Linear(hidden, 2 * axes + below)
        self.sizes = [axes, axes, below]
        # Where each element of the factor lies in: the diagonal, what is below it, and a zero.
        order = torch.full((axes, axes), axes + below)
        order.fill_diagonal_(0)
        order += torch.diag(torch.arange(axes))
        order[tuple(torch.tril_indices(axes, axes, -1))] = axes + torch.arange(below)
        self.register_buffer("order", order.flatten(), persistent=False)

    def forward(self, vectors: Tensor) -> AxisPrediction:
        """Return the ratings of `vectors` `[batch, feature]`; all axes share one latent."""
        latent = self.trunk(vectors)
        mean, diagonal, below = self.output(latent).split(self.sizes, dim=-1)
        elements = (_FLOOR + softplus(diagonal), below, torch.zeros_like(mean[:, :1]))
        factor = torch.cat(elements, dim=-1)[:, self.order].view(*mean.shape, -1)
        return AxisPrediction(mean, factor, latent.unsqueeze(1))
