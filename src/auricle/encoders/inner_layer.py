"""One layer out of many."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from auricle.core.errors import ConfigError
from auricle.encoders.waveform import WaveformEncoder


class InnerLayer(WaveformEncoder):
    """An encoder of which one layer is read, as if it had no other.

    Raises `ConfigError` for a layer that the encoder does not have.

    >>> import torch
    >>> from auricle.encoders.mel_encoders import MelStatistics
    >>> InnerLayer(MelStatistics(), 0)(torch.zeros(1, 94, 256), torch.tensor([94])).shape
    torch.Size([1, 1, 24, 384])
    """

    def __init__(self, encoder: WaveformEncoder, layer: int) -> None:
        super().__init__()
        if layer >= encoder.facts.layers:
            raise ConfigError(
                f"there is no layer {layer}: the last one is {encoder.facts.layers - 1}"
            )
        self.encoder = encoder
        self.layer = layer
        self.front_end = encoder.front_end
        self.facts = replace(encoder.facts, layers=1)

    def frames(self, steps: Tensor) -> Tensor:
        """Number of frames `[batch]`, that of the encoder."""
        return self.encoder.frames(steps)

    def forward(self, prepared: Tensor, steps: Tensor) -> Tensor:
        """Return `[batch, 1, frame, feature]` for `prepared` `[batch, step, channel]`."""
        layers: Tensor = self.encoder(prepared, steps)
        return layers[:, self.layer : self.layer + 1]
