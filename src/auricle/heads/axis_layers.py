"""Ratings from all layers of one encoder, each axis with a choice of its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from auricle.heads.aggregation import MeanAggregation
from auricle.heads.axes import AxisPrediction
from auricle.heads.fusion import Shape
from auricle.heads.member import MemberHead


class AxisLayersHead(MemberHead):
    """Each axis weighs the hidden layers, and reads their mean over time by an MLP of its own.

    Tjandra et al., Meta Audiobox Aesthetics (2025), as in the authors' code: per axis a softmax
    over all hidden layers, the weighted sum of layers, its mean over time brought to unit length,
    then `blocks` of linear layer, LayerNorm, GELU and dropout, and a linear layer at last. The
    weights begin equal. Unlike `FusionHead`, it takes embeddings on the encoder's own scale.

    >>> head = AxisLayersHead(Shape(3, 5), axes=4, blocks=2, hidden=8)
    >>> ratings = head([torch.ones(2, 3, 6, 5)], torch.tensor([6, 4]))
    >>> ratings.mean.shape, ratings.latents.shape
    (torch.Size([2, 4]), torch.Size([2, 4, 8]))
    """

    def __init__(
        self,
        shape: Shape,
        axes: int,
        *,
        blocks: int = 1,
        hidden: int = 256,
        layer_norm: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(axes)
        self.shape = shape
        self.weights = nn.Parameter(torch.zeros(axes, shape.layers))
        self.mean = MeanAggregation(shape.layers * shape.features)
        sizes = [shape.features, *[hidden] * blocks]
        self.blocks = nn.ModuleList(
            nn.Sequential(
                *(_block(*ends, layer_norm=layer_norm, dropout=dropout) for ends in pairwise(sizes))
            )
            for _ in range(axes)
        )
        self.outputs = nn.ModuleList(nn.Linear(sizes[-1], 1) for _ in range(axes))

    def forward(self, embeddings: Sequence[Tensor], bins: Tensor) -> AxisPrediction:
        """Return the ratings of one encoder's `[batch, layer, bin, feature]`, of `bins` `[batch]`.

        `latents` hold one vector per axis: what its last linear layer reads.
        """
        (layers,) = embeddings
        # The mean over time first: a sum over layers is cheaper of one frame than of all.
        mean = self.mean(layers.transpose(1, 2).flatten(2), bins).unflatten(1, self.shape)
        chosen = torch.einsum("al,nlf->naf", torch.softmax(self.weights, dim=1), mean)
        vectors = normalize(chosen, dim=-1).unbind(1)
        latents = [blocks(one) for blocks, one in zip(self.blocks, vectors, strict=True)]
        outputs = [last(one) for last, one in zip(self.outputs, latents, strict=True)]
        means = torch.cat(outputs, dim=1)
        factor = means.new_zeros(len(means), 0, 0)
        return self._scale(AxisPrediction(means, factor, torch.stack(latents, dim=1)))


def _block(features: int, hidden: int, *, layer_norm: bool, dropout: float) -> nn.Sequential:
    norm = nn.LayerNorm(hidden) if layer_norm else nn.Identity()
    return nn.Sequential(nn.Linear(features, hidden), norm, nn.GELU(), nn.Dropout(dropout))
