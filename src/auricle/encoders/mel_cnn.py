"""Auricle's own compact full-band network."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from auricle.encoders.base import Encoder

# Frames by bands that one output of the stem sees: about 50 ms of hops, so that holes that
# flicker from frame to frame, band edges and isolated tones are seen before anything is averaged.
_STEM_KERNEL = (5, 5)
_STEM_STRIDE = (2, 2)
# What is below this share of the spectrogram's range counts as a hole.
HOLE = 0.02


class MelCnn(Encoder):
    """A two-dimensional network at full spectral resolution, for clips of any length.

    A stem of full-resolution kernels is followed by stages that halve the mel axis (the first
    also the time axis); the last two add a residual convolution. What is left of the mel axis is
    folded into the channels, so an embedding (every 8 frames) knows which band held what. A
    learned offset per channel and band tells the shared kernels where on the mel axis they are.

    With `context` (frames), embeddings also know how each band behaves over so much time around
    them (`BandStatistics`).

    Plain convolutions are chosen over depthwise ones because they are several times faster in
    bfloat16 on processors (measured), for both training and inference.

    >>> MelCnn()(torch.zeros(2, 94, 256)).shape
    torch.Size([2, 1, 24, 192])
    """

    def __init__(
        self,
        mels: int = 256,
        *,
        stem: int = 16,
        channels: Sequence[int] = (32, 48, 64, 96),
        features: int = 192,
        dropout: float = 0.1,
        context: int = 118,
    ) -> None:
        super().__init__()
        self.features = features
        self.stride = 2 * _STEM_STRIDE[0]
        self.bands = nn.BatchNorm2d(mels)
        self.stem = convolution(1, stem, _STEM_KERNEL, _STEM_STRIDE)
        height = math.ceil(mels / _STEM_STRIDE[1])
        self.position = nn.Parameter(torch.zeros(1, stem, 1, height))
        stages: list[nn.Module] = []
        before = stem
        for index, after in enumerate(channels):
            stages.append(convolution(before, after, (3, 3), (2 if index == 0 else 1, 2)))
            stages.append(nn.ReLU(inplace=True))
            if index >= len(channels) - 2:
                stages.append(_Residual(after))
            before, height = after, math.ceil(height / 2)
        self.stages = nn.Sequential(*stages)
        self.fold = nn.Sequential(
            nn.Conv1d(before * height, features, 1, bias=False), nn.BatchNorm1d(features)
        )
        self.neighbours = nn.Sequential(
            nn.ReLU(),
            nn.Conv1d(features, features, 5, padding=2, bias=False),
            nn.BatchNorm1d(features),
        )
        self.statistics = BandStatistics(mels, features, self.stride, context) if context else None
        self.dropout = nn.Dropout(dropout)

    def frames(self, frames: int) -> int:
        """Number of embeddings that so many spectrogram frames give."""
        after_stem = math.ceil(frames / _STEM_STRIDE[0])
        return math.ceil(after_stem / 2)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Return `[batch, 1, frame, feature]` for `log_mel` `[batch, frame, mel]`."""
        # The bands are normalised as channels (a view that is channels-last in memory).
        bands = self.bands(log_mel.transpose(1, 2).unsqueeze(-1))
        image = bands.permute(0, 3, 2, 1)
        image = self.stages(torch.relu(self.stem(image) + self.position))
        folded: Tensor = self.fold(image.permute(0, 1, 3, 2).flatten(1, 2))
        embedding = folded + self.neighbours(folded)
        if self.statistics is not None:
            embedding = embedding + self.statistics(log_mel)
        embedding = embedding.relu().transpose(1, 2).unsqueeze(1)
        dropped: Tensor = self.dropout(embedding)
        return dropped


class BandStatistics(nn.Module):
    """How each mel band behaves over the time around each embedding.

    Mean, standard deviation, mean absolute difference of successive frames and the share of
    frames that are holes, of each band, go through a small network. Such statistics alone, given
    to a forest of trees, predict codec quality well.

    >>> BandStatistics(256, 192, stride=4, context=118)(torch.zeros(2, 100, 256)).shape
    torch.Size([2, 192, 25])
    """

    def __init__(
        self,
        mels: int,
        features: int,
        stride: int,
        context: int,
        hidden: int = 128,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.reach = context // (2 * stride)
        self.layers = nn.Sequential(
            nn.BatchNorm1d(4 * mels),
            nn.Dropout1d(dropout),
            nn.Conv1d(4 * mels, hidden, 1),
            nn.ReLU(),
            nn.Dropout1d(dropout),
            nn.Conv1d(hidden, features, 1),
        )

    def forward(self, log_mel: Tensor) -> Tensor:
        """Return `[batch, feature, frame / stride]` for `log_mel` `[batch, frame, mel]`."""
        bands = log_mel.transpose(1, 2)
        change = nn.functional.pad((bands[..., 1:] - bands[..., :-1]).abs(), (1, 0))
        holes = (bands < HOLE).to(bands.dtype)
        mean, square, change, holes = (
            self._around(values) for values in (bands, bands.square(), change, holes)
        )
        deviation = ((square - mean.square()).clamp_min(0.0) + 1e-6).sqrt()
        statistics: Tensor = self.layers(torch.cat((mean, deviation, change, holes), dim=1))
        return statistics

    def _around(self, values: Tensor) -> Tensor:
        """Means over the frames around each embedding, in two steps because that is cheaper."""
        steps = nn.functional.avg_pool1d(values, self.stride, ceil_mode=True)
        return nn.functional.avg_pool1d(
            steps, 2 * self.reach + 1, stride=1, padding=self.reach, count_include_pad=False
        )


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = convolution(channels, channels, (3, 3), (1, 1))

    def forward(self, image: Tensor) -> Tensor:
        return torch.relu(image + self.body(image))


def convolution(
    before: int, after: int, kernel: tuple[int, int], stride: tuple[int, int]
) -> nn.Sequential:
    """Return a normalised convolution that keeps an axis's size, divided by its stride.

    >>> convolution(1, 4, (5, 5), (2, 1))(torch.zeros(2, 1, 7, 8)).shape
    torch.Size([2, 4, 4, 8])
    """
    padding = (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, padding, bias=False), nn.BatchNorm2d(after)
    )
