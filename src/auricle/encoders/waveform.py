"""What every encoder of samples promises: frame embeddings with known rate, hop and licence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from auricle.signal.front_ends import FrontEnd

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EncoderFacts:
    """What there is to know of an encoder's embeddings.

    `sample_rate` in Hz is that of its input, `hop` the samples from one frame to the next,
    `layers` and `features` the sizes of `[batch, layer, frame, feature]`; `licence` is that of
    its weights and `sha256` the checksum of their file (empty for random ones).
    """

    sample_rate: int
    hop: int
    layers: int
    features: int
    licence: str
    sha256: str = ""


class Embedding(NamedTuple):
    """`values` `[batch, layer, frame, feature]`, of which `frames` `[batch]` are not padding.

    Padding is zero.
    """

    values: Tensor
    frames: Tensor


class WaveformEncoder(nn.Module, ABC):
    """A network from samples to frame embeddings, of any architecture."""

    facts: EncoderFacts
    front_end: FrontEnd

    @abstractmethod
    def frames(self, steps: Tensor) -> Tensor:
        """Number of frames `[batch]` that so many steps `[batch]` of the front end give."""

    @abstractmethod
    def forward(self, prepared: Tensor, steps: Tensor) -> Tensor:
        """Return `[batch, layer, frame, feature]`; what lies beyond a clip's frames is zero.

        `prepared` `[batch, step, channel]` is the front end's output padded by zeros, `steps`
        `[batch]` how many of its steps each clip really has. What a clip gives does not depend on
        its neighbours or its padding.
        """

    def embed(self, clips: Sequence[Floats]) -> Embedding:
        """Return the embeddings of mono clips `[time]` at `facts.sample_rate`, of any lengths."""
        prepared = [torch.from_numpy(self.front_end(clip)) for clip in clips]
        steps = torch.tensor([len(steps) for steps in prepared])
        device = next((p.device for p in self.parameters()), torch.device("cpu"))
        padded = nn.utils.rnn.pad_sequence(prepared, batch_first=True).to(device)
        return Embedding(self(padded, steps.to(device)), self.frames(steps).to(device))
