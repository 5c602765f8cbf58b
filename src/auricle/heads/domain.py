"""A head that tells where a clip comes from."""

from __future__ import annotations

from torch import Tensor, nn


class DomainHead(nn.Module):
    """The domain discriminator: a network with one hidden layer (Ganin et al., 2016, Sec. 4.2).

    The values that it reads are normalised over the batch first: what reads a representation that
    is being trained cannot know its scale.

    >>> import torch
    >>> DomainHead(8, domains=3)(torch.randn(4, 8)).shape
    torch.Size([4, 3])
    """

    def __init__(self, features: int, domains: int, hidden: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(features, affine=False),
            nn.Linear(features, hidden),
            nn.ReLU(),
            nn.Linear(hidden, domains),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits `[batch, domain]` for `vectors` `[batch, feature]`."""
        logits: Tensor = self.layers(vectors)
        return logits
