"""Loss for what was done to recordings."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def history_loss(history: Tensor, traces: Tensor) -> Tensor:
    """Return the cross-entropy of traces plus the squared error of their rates in octaves.

    `history` `[batch, trace, 2]` holds logits and log2 rates, `traces` of the same shape what is
    true: 1 or 0, and the log2 rate; NaN entries don't count.

    >>> traces = torch.tensor([[[1.0, 16.0], [0.0, torch.nan]]])
    >>> history_loss(torch.tensor([[[50.0, 17.0], [-50.0, 0.0]]]), traces).item()
    0.5
    """
    logits, rates = history.unbind(-1)
    found, octaves = traces.unbind(-1)
    known, rated = found.isfinite(), octaves.isfinite()
    entropy = binary_cross_entropy_with_logits(logits[known], found[known])
    error = torch.where(rated, (rates - octaves.nan_to_num()).square(), 0.0)
    return entropy + 0.5 * error.sum() / rated.sum().clamp_min(1)
