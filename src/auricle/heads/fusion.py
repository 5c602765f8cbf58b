"""From the embeddings of several encoders to ratings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from auricle.heads.aggregation import Aggregation
from auricle.heads.axes import AxisHeads, AxisPrediction
from auricle.heads.member import MemberHead
from auricle.heads.multi_gauss import MultiGaussHead

# A hundredth of the mean deviation of a layer's features: less is rounding, or a dead feature.
_LEAST = 0.01
_FARTHEST = 10.0


class Shape(NamedTuple):
    """Sizes of one encoder's embeddings."""

    layers: int
    features: int


class BranchInput(nn.Module):
    """One encoder's way into the fusion: each layer standardised, then one picked or all weighted.

    Standardising with the mean and deviation of the training clips brings encoders of any scale
    together; both are buffers, filled by `fit`. Features that hardly move in training are left out,
    and no feature counts for more than ten deviations: what a feature does on a clip unlike all
    others is not to decide by itself. The weights are a softmax over layers as in SUPERB (Yang et
    al., Interspeech 2021, Sec. 3.3).

    >>> branch = BranchInput(Shape(3, 4), weighted=True)
    >>> branch(torch.zeros(2, 3, 5, 4)).shape
    torch.Size([2, 5, 4])
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, shape: Shape, *, weighted: bool) -> None:
        super().__init__()
        layers = shape.layers if weighted else 1
        self.weighted = weighted
        self.register_buffer("mean", torch.zeros(layers, 1, shape.features))
        self.register_buffer("scale", torch.ones(layers, 1, shape.features))
        self.weights = nn.Parameter(torch.zeros(layers)) if weighted else None

    def fit(self, embeddings: Iterable[Tensor]) -> None:
        """Take mean and deviation from clips `[layer, bin, feature]`."""
        count, total, squares = 0, torch.zeros(()), torch.zeros(())
        for clip in embeddings:
            chosen = self._choose(clip).double()
            count += chosen.shape[1]
            total = total + chosen.sum(dim=1, keepdim=True)
            squares = squares + chosen.square().sum(dim=1, keepdim=True)
        mean = total / count
        deviation = (squares / count - mean.square()).clamp_min(0.0).sqrt()
        moves = deviation > _LEAST * deviation.mean(dim=-1, keepdim=True)
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(moves, 1.0 / deviation, 0.0))

    def forward(self, embedding: Tensor) -> Tensor:
        """Return `[batch, bin, feature]` for `[batch, layer, bin, feature]`."""
        standard = (self._choose(embedding) - self.mean) * self.scale
        standard = standard.clamp(-_FARTHEST, _FARTHEST)
        if self.weights is None:
            return standard[:, 0]
        return torch.einsum("l,nlbf->nbf", torch.softmax(self.weights, dim=0), standard)

    def _choose(self, embedding: Tensor) -> Tensor:
        return embedding if self.weighted else embedding[..., -1:, :, :]


class FusionHead(MemberHead):
    """Fused frames, one vector per clip, one network per axis (MMMOS, Fig. 1), or one for all.

    Labels are standardised as in the authors' code.

    >>> from auricle.heads.aggregation import MeanAggregation
    >>> branches = [BranchInput(Shape(1, 3), weighted=False)]
    >>> branches += [BranchInput(Shape(2, 5), weighted=True)]
    >>> head = FusionHead(branches, MeanAggregation(8), AxisHeads(8, axes=4), axes=4)
    >>> head([torch.zeros(2, 1, 6, 3), torch.zeros(2, 2, 6, 5)], torch.tensor([6, 4])).mean.shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        branches: Sequence[BranchInput],
        aggregation: Aggregation,
        heads: AxisHeads | MultiGaussHead,
        axes: int,
    ) -> None:
        super().__init__(axes)
        self.branches = nn.ModuleList(branches)
        self.aggregation = aggregation
        self.heads = heads

    def forward(self, embeddings: Sequence[Tensor], bins: Tensor) -> AxisPrediction:
        """Return the ratings of embeddings `[batch, layer, bin, feature]`, of `bins` `[batch]`."""
        fused = [branch(one) for branch, one in zip(self.branches, embeddings, strict=True)]
        vectors = self.aggregation(torch.cat(fused, dim=-1), bins)
        return self._scale(self.heads(vectors))
