"""What every head of a fused system promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from auricle.heads.axes import AxisPrediction


class MemberHead(nn.Module, ABC):
    """From the embeddings of encoders to ratings on the scales of the labels.

    The network itself works on ratings standardised by `centre` and `spread` `[axis]`, mean and
    deviation of the training labels.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, axes: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(axes))
        self.register_buffer("spread", torch.ones(axes))

    @abstractmethod
    def forward(self, embeddings: Sequence[Tensor], bins: Tensor) -> AxisPrediction:
        """Return the ratings of embeddings `[batch, layer, bin, feature]`, of `bins` `[batch]`."""

    def standardise(self, ratings: Tensor) -> Tensor:
        """Return ratings `[batch, axis]` as the losses see them."""
        return (ratings - self.centre) / self.spread

    def _scale(self, standard: AxisPrediction) -> AxisPrediction:
        """Bring what the network says to the scales of the labels."""
        axes = standard.factor.shape[1]
        return standard._replace(
            mean=self.centre + self.spread * standard.mean,
            factor=self.spread[:axes].unsqueeze(-1) * standard.factor,
        )
