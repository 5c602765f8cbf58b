"""What is taken of an encoder's layers: a learned mean of all, or one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.core.errors import ConfigError


class LayerWeighting(nn.Module):
    """A learned weighted mean of the layers; the weights are positive and sum to one.

    `sum(softmax(w) * layer)`: Peters et al. (2018, ELMo, Eq. 1, without its scale), as in SUPERB
    (Yang et al., 2021, Sec. 2.3). With `normalise`, each layer's embeddings first get zero mean
    and unit variance over the features (ELMo, Sec. 3.2), so that a layer does not count more
    because its numbers are larger.

    >>> LayerWeighting(2)(torch.tensor([1.0, 3.0]).view(1, 2, 1, 1)).item()
    2.0
    """

    def __init__(self, layers: int, *, normalise: bool = False) -> None:
        super().__init__()
        if layers < 1:
            raise ConfigError(f"layers are weighted when there are some, not {layers}")
        self.normalise = normalise
        self.logits = nn.Parameter(torch.zeros(layers))

    @property
    def weights(self) -> Tensor:
        """Weight of each layer, `[layer]`."""
        return self.logits.softmax(dim=0)

    def forward(self, embedding: Tensor) -> Tensor:
        """Return `[batch, 1, frame, feature]` for `[batch, layer, frame, feature]`.

        Raises `ConfigError` for another number of layers.
        """
        if embedding.shape[1] != len(self.logits):
            raise ConfigError(
                f"{len(self.logits)} layers are weighted, but the encoder gives"
                f" {embedding.shape[1]}"
            )
        if self.normalise:
            embedding = nn.functional.layer_norm(embedding, embedding.shape[-1:])
        return torch.einsum("l,blft->bft", self.weights, embedding).unsqueeze(1)


class LayerChoice(nn.Module):
    """One layer of so many; a negative one counts from the last.

    Raises `ConfigError` when there is no such layer.

    >>> LayerChoice(-1, 2)(torch.tensor([1.0, 3.0]).view(1, 2, 1, 1)).item()
    3.0
    """

    def __init__(self, layer: int, layers: int) -> None:
        super().__init__()
        if not -layers <= layer < layers:
            raise ConfigError(f"there is no layer {layer}: the encoder has {layers}, from 0 on")
        self.layer = layer % layers

    def forward(self, embedding: Tensor) -> Tensor:
        """Return `[batch, 1, frame, feature]` for `[batch, layer, frame, feature]`."""
        return embedding[:, self.layer : self.layer + 1]
