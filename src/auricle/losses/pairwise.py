"""Losses over pairs of clips, as UTMOS and MMMOS train with them.

Predictions and labels are `[batch]` or `[batch, axis]`. A label that is NaN is missing: its clip
doesn't count on that axis. Each axis is averaged over the pairs (clips) that it has, then the axes
that have any are averaged; a batch without pairs costs 0.

Differences of pairs don't tell a constant added to all predictions: `contrastive_margin`, and
`dual_criterion_quality` without regression, leave the mean of the predictions where it is. Such a
model orders clips and wants a calibration before its numbers mean anything.
"""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.core.errors import DataError


def contrastive_margin(predicted: Tensor, label: Tensor, margin: float = 0.1) -> Tensor:
    """Return by how much differences of pairs miss the true ones, beyond a margin.

    The mean over pairs i != j of `max(0, |(y_i - y_j) - (p_i - p_j)| - margin)`, in the unit of the
    labels. Raises `DataError` when shapes differ.

    Source: Saeki et al., "UTMOS", Interspeech 2022, the contrastive loss; its code (UTMOS22) has
    labels in -1..1 with a margin of 0.1, which is 0.2 opinion scores, and divides the sum over
    ordered pairs by `2 n^2`: `(n - 1) / 2n` of this. MMMOS averages as here.

    >>> predicted, label = torch.tensor([0.0, 0.5]), torch.tensor([0.0, 1.0])
    >>> round(contrastive_margin(predicted, label).item(), 6)
    0.4
    """
    known_predicted, known_label, known = labelled(predicted, label)
    error = _differences(known_label) - _differences(known_predicted)
    return mean_over_axes((error.abs() - margin).relu(), _pairs(known))


def clipped_mse(predicted: Tensor, label: Tensor, tau: float = 0.25) -> Tensor:
    """Return the mean squared error in which errors of `tau` or less count as 0.

    Raises `DataError` when shapes differ. Source: Leng et al., "MBNet", ICASSP 2021, the clipped
    MSE; Saeki et al., "UTMOS", Interspeech 2022, whose code has labels in -1..1 with `tau` 0.25,
    half an opinion score.

    >>> clipped_mse(torch.tensor([0.25, 0.5]), torch.zeros(2)).item()
    0.125
    """
    known_predicted, known_label, known = labelled(predicted, label)
    error = known_predicted - known_label
    # Asked this way round, an error that is NaN counts.
    return mean_over_axes(torch.where(error.abs() <= tau, 0.0, error.square()), known)


def utmos_loss(
    predicted: Tensor,
    label: Tensor,
    tau: float = 0.25,
    margin: float = 0.1,
    contrast: float = 0.5,
) -> Tensor:
    """Return `clipped_mse` plus `contrast` times `contrastive_margin`.

    Raises `DataError` when shapes differ. Source: Saeki et al., "UTMOS", Interspeech 2022, with the
    weights of its code; MMMOS (arXiv 2507.04094, III-C2) on standardised labels, in whose code
    `tau` is 0.5.

    >>> predicted, label = torch.tensor([0.0, 0.5]), torch.tensor([0.0, 1.0])
    >>> round(utmos_loss(predicted, label).item(), 6)
    0.325
    """
    regression = clipped_mse(predicted, label, tau)
    return regression + contrast * contrastive_margin(predicted, label, margin)


def dual_criterion_quality(predicted: Tensor, label: Tensor, regression: float = 0.0) -> Tensor:
    """Return the loss of wrong differences between pairs plus that of their wrong order.

    Over pairs i != j, with `d = p_i - p_j` and `t = y_i - y_j`, the mean of the deviation
    `(d - t)^2` and of the ranking `-d sign(t)`, plus `regression` times the squared error. The
    ranking term has no hinge: it charges an inverted pair, ignores a tied one, and rewards a right
    one the more the further it is apart. So the loss may be negative, and its least value is not at
    `p = y`: of n clips it draws one with r worse and s better ones `(r - s) / 2n` away.

    Raises `DataError` when shapes differ.

    Source: Yuan and Wang, "Dual-Criterion Quality Loss", ACM MM 2024, as the code of MMMOS (arXiv
    2507.04094, III-C3) has it: no regression, and means over `n^2` pairs, `(n - 1) / n` of these.
    Yuan and Wang are reported to add both terms to the squared error; their paper could not be
    read for its weights.

    >>> predicted, label = torch.tensor([0.0, 1.0]), torch.tensor([0.0, 2.0])
    >>> dual_criterion_quality(predicted, label).item()
    0.0
    >>> dual_criterion_quality(predicted, label, regression=1.0).item()
    0.5
    """
    known_predicted, known_label, known = labelled(predicted, label)
    found, true = _differences(known_predicted), _differences(known_label)
    pairs = mean_over_axes((found - true).square() - found * true.sign(), _pairs(known))
    return pairs + regression * mean_over_axes((known_predicted - known_label).square(), known)


def labelled(predicted: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return predictions, labels with 0 for the missing, and which are known; `[batch, axis]` each.

    `predicted` and `label` are `[batch]` or `[batch, axis]`. Raises `DataError` when their shapes
    differ, or are neither: broadcasting one against the other would compare every clip with every
    other.

    >>> labelled(torch.tensor([1.0, 2.0]), torch.tensor([3.0, torch.nan]))[2].squeeze(1)
    tensor([ True, False])
    """
    if predicted.shape != label.shape or predicted.ndim not in (1, 2):
        raise DataError(
            "predictions and labels must both be [batch] or [batch, axis], "
            f"not {list(predicted.shape)} and {list(label.shape)}"
        )
    if label.ndim == 1:
        predicted, label = predicted[:, None], label[:, None]
    known = ~label.isnan()
    return predicted, torch.where(known, label, 0.0), known


def mean_over_axes(values: Tensor, chosen: Tensor) -> Tensor:
    """Return the mean over axes of the mean of each axis's chosen values; 0 where none is chosen.

    Both are `[..., axis]`. Axes of which nothing is chosen don't count.

    >>> values = torch.tensor([[1.0, 5.0], [3.0, 7.0]])
    >>> mean_over_axes(values, torch.tensor([[True, False], [True, False]])).item()
    2.0
    """
    counts = chosen.flatten(0, -2).sum(dim=0)
    sums = torch.where(chosen, values, 0.0).flatten(0, -2).sum(dim=0)
    return (sums / counts.clamp_min(1)).sum() / (counts > 0).sum().clamp_min(1)


def _differences(values: Tensor) -> Tensor:
    """Return `[batch, batch, axis]` differences of `[batch, axis]` values."""
    return values[:, None] - values[None, :]


def _pairs(known: Tensor) -> Tensor:
    """Return which pairs `[batch, batch, axis]` are of two different clips with labels."""
    itself = torch.eye(known.shape[0], dtype=torch.bool, device=known.device)
    return known[:, None] & known[None, :] & ~itself[..., None]
