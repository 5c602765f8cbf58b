"""From fused frames to one vector per clip, as MMMOS does and beyond.

All take `frames` `[batch, frame, feature]`, of which `counts` `[batch]` are not padding, and return
`[batch, features]`; padding changes nothing. Source of the first three: MMMOS (Lin et al., 2025),
Sec. III-B; of the last Cumlin et al. (Interspeech 2025).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Aggregation(nn.Module, ABC):
    """What every aggregation promises; `features` is the size of its vectors."""

    features: int

    @abstractmethod
    def forward(self, frames: Tensor, counts: Tensor) -> Tensor:
        """Return `[batch, features]`."""


class MeanAggregation(Aggregation):
    """The mean over time, of what the paper calls direct aggregation or MLP.

    >>> frames = torch.tensor([[[1.0], [3.0], [99.0]]])
    >>> MeanAggregation(1)(frames, torch.tensor([2])).item()
    2.0
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(self, frames: Tensor, counts: Tensor) -> Tensor:
        """Return the mean frame."""
        return _mean(frames, counts)


class HiddenBlstm(Aggregation):
    """BLSTM(h): the mean over time goes through a bidirectional LSTM, whose final hidden states
    (one per direction) are the vector.

    The mean being one vector, the LSTM makes one step.

    >>> HiddenBlstm(4, hidden=8)(torch.zeros(2, 5, 4), torch.tensor([5, 3])).shape
    torch.Size([2, 16])
    """

    def __init__(self, features: int, hidden: int = 256) -> None:
        super().__init__()
        self.features = 2 * hidden
        self.lstm = nn.LSTM(features, hidden, batch_first=True, bidirectional=True)

    def forward(self, frames: Tensor, counts: Tensor) -> Tensor:
        """Return the final hidden states."""
        # After a single step the outputs are the final hidden states.
        states: Tensor = self.lstm(_mean(frames, counts).unsqueeze(1))[0]
        return states[:, 0]


class TimeBlstm(Aggregation):
    """BLSTM(t): the frames go through a bidirectional LSTM, whose outputs are averaged.

    >>> TimeBlstm(4, hidden=8)(torch.zeros(2, 5, 4), torch.tensor([5, 3])).shape
    torch.Size([2, 16])
    """

    def __init__(self, features: int, hidden: int = 256) -> None:
        super().__init__()
        self.features = 2 * hidden
        self.lstm = nn.LSTM(features, hidden, batch_first=True, bidirectional=True)

    def forward(self, frames: Tensor, counts: Tensor) -> Tensor:
        """Return the mean output."""
        if torch.compiler.is_exporting():
            # Exported models hear one clip at a time, without padding.
            outputs: Tensor = self.lstm(frames)[0]
            return outputs.mean(dim=1)
        packed = pack_padded_sequence(frames, counts.cpu(), batch_first=True, enforce_sorted=False)
        unpacked, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return _mean(unpacked, counts)


class AttentionAggregation(Aggregation):
    """A mean weighted by what the frames hold (Okabe et al., Interspeech 2018, Eq. 3 to 5).

    >>> AttentionAggregation(4)(torch.zeros(2, 5, 4), torch.tensor([5, 3])).shape
    torch.Size([2, 4])
    """

    def __init__(self, features: int, hidden: int = 64) -> None:
        super().__init__()
        self.features = features
        self.score = nn.Sequential(
            nn.Linear(features, hidden), nn.Tanh(), nn.Linear(hidden, 1, bias=False)
        )

    def forward(self, frames: Tensor, counts: Tensor) -> Tensor:
        """Return the weighted mean."""
        scores = self.score(frames).squeeze(-1)
        scores = scores.masked_fill(~_heard(frames, counts), -torch.inf)
        return torch.einsum("nt,ntf->nf", torch.softmax(scores, dim=-1), frames)


class StatisticsAggregation(Aggregation):
    """Mean and standard deviation over time (Snyder et al., Interspeech 2017).

    >>> frames = torch.tensor([[[0.0], [2.0]]])
    >>> [round(x, 3) for x in StatisticsAggregation(1)(frames, torch.tensor([2])).tolist()[0]]
    [1.0, 1.0]
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = 2 * features

    def forward(self, frames: Tensor, counts: Tensor) -> Tensor:
        """Return `[batch, 2 * feature]`."""
        mean = _mean(frames, counts)
        variance = _mean((frames - mean.unsqueeze(1)).square(), counts)
        return torch.cat((mean, (variance + 1e-8).sqrt()), dim=-1)


class ConvolutionAggregation(Aggregation):
    """Two convolutions over time, each followed by LayerNorm, ReLU, dropout and max pooling.

    Kernels and pools hold five frames, and `channels` are 32 in the paper (Cumlin et al.,
    Interspeech 2025), whose clips have one length: there all that is left in the end is one vector,
    and a LayerNorm spans all of a clip. Here what is left is averaged over time and each frame
    normalised by itself, so that any length will do; zeros stand around a clip.

    >>> ConvolutionAggregation(4, channels=8)(torch.zeros(2, 6, 4), torch.tensor([6, 1])).shape
    torch.Size([2, 8])
    """

    def __init__(self, features: int, channels: int = 32, dropout: float = 0.3) -> None:
        super().__init__()
        self.features = channels
        self.convolutions = nn.ModuleList(
            nn.Conv1d(size, channels, kernel_size=5, padding=2) for size in (features, channels)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in self.convolutions)
        self.dropout = nn.Dropout(dropout)
        self.pool = nn.MaxPool1d(5, ceil_mode=True)

    def forward(self, frames: Tensor, counts: Tensor) -> Tensor:
        """Return the mean of what is left `[batch, channel]`."""
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            real = torch.where(_heard(frames, counts).unsqueeze(-1), frames, 0.0)
            found = norm(convolution(real.transpose(1, 2)).transpose(1, 2))
            kept = self.dropout(found.relu())
            # Nothing is below zero: zeros in place of padding change no maximum.
            real = torch.where(_heard(frames, counts).unsqueeze(-1), kept, 0.0)
            frames = self.pool(real.transpose(1, 2)).transpose(1, 2)
            counts = (counts + 4) // 5
        return _mean(frames, counts)


def _heard(frames: Tensor, counts: Tensor) -> Tensor:
    """Return `[batch, frame]`: True where there is no padding."""
    return torch.arange(frames.shape[1], device=frames.device) < counts.unsqueeze(1)


def _mean(frames: Tensor, counts: Tensor) -> Tensor:
    heard = _heard(frames, counts).unsqueeze(-1)
    return torch.where(heard, frames, 0.0).sum(dim=1) / counts.unsqueeze(1)
