"""Bringing encoders of different hops to one frame rate."""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.encoders.waveform import Embedding, WaveformEncoder


def resample_frames(embedding: Embedding, hop: float, rate: float, bins: int) -> Tensor:
    """Return `[batch, layer, bin, feature]`: the means over bins of `1 / rate` seconds.

    `hop` is the embedding's in seconds. A frame counts as much as it overlaps a bin, and a clip's
    last frame lasts for ever, since encoders leave out the last samples that fill no frame.

    >>> values = torch.arange(4.0).reshape(1, 1, 4, 1)
    >>> resample_frames(Embedding(values, torch.tensor([4])), 0.1, 5.0, 3).flatten().tolist()
    [0.5, 2.5, 3.0]
    """
    values, frames = embedding
    device = values.device
    place = torch.arange(values.shape[2], device=device)
    starts = hop * place
    last = place == frames.unsqueeze(1) - 1
    ends = torch.where(last, torch.inf, hop * (place + 1.0))
    ends = torch.where(place < frames.unsqueeze(1), ends, 0.0)
    begin = torch.arange(bins, device=device).unsqueeze(1) / rate
    shared = torch.minimum(ends.unsqueeze(1), begin + 1.0 / rate) - torch.maximum(starts, begin)
    # [batch, bin, frame]
    shares = shared.clamp_min(0.0)
    shares = shares / shares.sum(dim=-1, keepdim=True)
    return torch.einsum("nbt,nltf->nlbf", shares.to(values.dtype), values)


def embed_at_rate(
    encoder: WaveformEncoder,
    prepared: Tensor,
    rate: float,
    bins: int,
    steps: Tensor | None = None,
) -> Tensor:
    """Return embeddings at `rate` (Hz), `[batch, layer, bin, feature]`.

    `prepared` is the output of the encoder's front end, `[batch, step, channel]`, of which `steps`
    `[batch]` are not padding (None: all).
    """
    if steps is None:
        # Not a plain number: an exported network has to work it out from its input.
        steps = torch.full((prepared.shape[0],), prepared.shape[1])
    embedding = Embedding(encoder(prepared, steps), encoder.frames(steps))
    return resample_frames(embedding, encoder.facts.hop / encoder.facts.sample_rate, rate, bins)
