"""Loss for what was done to recordings."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def history_loss(history: Tensor, traces: Tensor) -> Tensor:
    """Return the cross-entropy of traces plus the squared error of their rates in octaves.

    `history` `[batch, trace, 2]` holds logits and log2 rates, `traces` of the same shape what is
    true: 1 or 0, and the log2 rate; NaN entries don't count. Of each trace, the clips that have it
    and those that don't count alike, however many they are: a probability is then that of a
    recording of which nothing is known beforehand.

    >>> traces = torch.tensor([[[1.0, 16.0], [0.0, torch.nan]]])
    >>> history_loss(torch.tensor([[[50.0, 17.0], [-50.0, 0.0]]]), traces).item()
    0.5
    """
    logits, rates = history.unbind(-1)
    found, octaves = traces.unbind(-1)
    entropy = binary_cross_entropy_with_logits(logits, found.nan_to_num(), reduction="none")
    has, lacks = (_mean_over_clips(entropy, found == value) for value in (1.0, 0.0))
    rated = octaves.isfinite()
    error = torch.where(rated, (rates - octaves.nan_to_num()).square(), 0.0)
    return (has + lacks).mean() / 2.0 + 0.5 * error.sum() / rated.sum().clamp_min(1)


def _mean_over_clips(values: Tensor, chosen: Tensor) -> Tensor:
    """Return the mean of the chosen ones of `[batch, trace]`, of each trace; 0 of none."""
    return torch.where(chosen, values, 0.0).sum(dim=0) / chosen.sum(dim=0).clamp_min(1)
