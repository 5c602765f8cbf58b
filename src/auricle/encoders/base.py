"""What every encoder promises."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Encoder(nn.Module, ABC):
    """A network from a log-mel spectrogram to frame embeddings.

    `features` is the size of an embedding and `stride` the number of spectrogram frames from
    one embedding to the next.
    """

    features: int
    stride: int

    @abstractmethod
    def frames(self, frames: int) -> int:
        """Number of embeddings that so many spectrogram frames give."""

    @abstractmethod
    def forward(self, log_mel: Tensor) -> Tensor:
        """Return `[batch, layer, frame, feature]` for `log_mel` `[batch, frame, mel]` in 0..1."""
