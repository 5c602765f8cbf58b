"""The one-dimensional convolutional network of Kasperuk and Zielinski."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from auricle.encoders.base import Encoder


class Conv1d(Encoder):
    """Convolutions over time only; the mel bands are the input channels.

    Every convolution (no padding, ReLU) is followed by max pooling by two and dropout:
    Kasperuk and Zielinski (2024), Table III up to the flattening layer. Weights start as in
    Keras, which the paper used: Glorot uniform, biases at zero.

    >>> import torch
    >>> Conv1d()(torch.zeros(1, 1876, 256)).shape
    torch.Size([1, 1, 230, 256])
    """

    def __init__(
        self,
        mels: int = 256,
        filters: Sequence[int] = (64, 128, 256),
        lengths: Sequence[int] = (11, 7, 3),
        dropout: float = 0.01,
    ) -> None:
        super().__init__()
        self.features = filters[-1]
        self.stride = 2 ** len(filters)
        self.lengths = tuple(lengths)
        layers: list[nn.Module] = []
        for before, after, length in zip((mels, *filters), filters, lengths, strict=False):
            convolution = nn.Conv1d(before, after, length)
            nn.init.xavier_uniform_(convolution.weight)
            nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
            layers += [convolution, nn.ReLU(), nn.MaxPool1d(2), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers)

    def frames(self, frames: int) -> int:
        """Number of embeddings that so many spectrogram frames give."""
        for length in self.lengths:
            frames = (frames - length + 1) // 2
        return frames

    def forward(self, log_mel: Tensor) -> Tensor:
        """Return `[batch, 1, frame, feature]` for `log_mel` `[batch, frame, mel]`."""
        embedding: Tensor = self.layers(log_mel.transpose(1, 2))
        return embedding.transpose(1, 2).unsqueeze(1)
