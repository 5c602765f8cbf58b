"""A residual network on the spectrogram as an image, small or large."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from auricle.encoders.base import Encoder
from auricle.encoders.mel_cnn import convolution


class ResidualCnn(Encoder):
    """Stages of residual blocks that halve time and mel axis, for clips of any length.

    A stem of 5x5 kernels halves both axes; so does the first block of each stage, except for the
    last stage, which halves the mel axis alone. `channels` and `blocks` are those of each stage, so
    with four of them an embedding comes every 16 frames. What is left of the mel axis is folded
    into the channels, and a learned offset per channel and band tells the shared kernels where on
    the mel axis they are, as in `auricle.encoders.mel_cnn.MelCnn`.

    Without statistics over a clip, an embedding depends on the frames around it alone, and in
    evaluation mode not on what else is in the batch.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, basic blocks with
    projections where sizes change (Sec. 3.3, option B); there the stem is of 7x7 kernels and
    followed by max pooling, and what is left is averaged.

    >>> encoder = ResidualCnn(96, stem=4, channels=(4, 8), blocks=(1, 1), features=16).eval()
    >>> encoder(torch.zeros(2, 251, 96)).shape
    torch.Size([2, 1, 63, 16])
    """

    def __init__(
        self,
        mels: int = 96,
        *,
        stem: int = 16,
        channels: Sequence[int] = (32, 64, 128, 256),
        blocks: Sequence[int] = (1, 1, 2, 2),
        features: int = 256,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.features = features
        self.stride = 2 ** len(channels)
        self.bands = nn.BatchNorm2d(mels)
        self.stem = convolution(1, stem, (5, 5), (2, 2))
        height = math.ceil(mels / 2)
        self.position = nn.Parameter(torch.zeros(1, stem, 1, height))
        stages: list[nn.Module] = []
        before = stem
        for index, (after, count) in enumerate(zip(channels, blocks, strict=True)):
            stride = (1 if index == len(channels) - 1 else 2, 2)
            stages.append(_Block(before, after, stride))
            stages += [_Block(after, after, (1, 1)) for _ in range(count - 1)]
            before, height = after, math.ceil(height / 2)
        self.stages = nn.Sequential(*stages)
        self.fold = nn.Sequential(
            nn.Conv1d(before * height, features, 1, bias=False), nn.BatchNorm1d(features)
        )
        self.dropout = nn.Dropout(dropout)

    def frames(self, frames: int) -> int:
        """Number of embeddings that so many spectrogram frames give."""
        return math.ceil(frames / self.stride)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Return `[batch, 1, frame, feature]` for `log_mel` `[batch, frame, mel]`."""
        # The bands are normalised as channels (a view that is channels-last in memory).
        bands = self.bands(log_mel.transpose(1, 2).unsqueeze(-1))
        image = bands.permute(0, 3, 2, 1)
        image = self.stages(torch.relu(self.stem(image) + self.position))
        folded = self.fold(image.permute(0, 1, 3, 2).flatten(1, 2))
        embedding: Tensor = self.dropout(folded.relu().transpose(1, 2).unsqueeze(1))
        return embedding


class _Block(nn.Module):
    """Two convolutions beside a short cut, which is one of 1x1 where sizes change."""

    def __init__(self, before: int, after: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(before, after, (3, 3), stride),
            nn.ReLU(inplace=True),
            convolution(after, after, (3, 3), (1, 1)),
        )
        same = before == after and stride == (1, 1)
        self.short_cut = nn.Identity() if same else convolution(before, after, (1, 1), stride)

    def forward(self, image: Tensor) -> Tensor:
        return torch.relu(self.short_cut(image) + self.body(image))
