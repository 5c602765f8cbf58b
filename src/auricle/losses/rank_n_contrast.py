"""Rank-N-Contrast: embeddings as far apart as their labels rank them, as DeePAQ trains with it."""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.core.errors import ConfigError, DataError


def rank_n_contrast(
    embeddings: Tensor,
    label: Tensor,
    temperature: float = 2.0,
    *,
    comparable: Tensor | None = None,
    among: int | None = None,
) -> Tensor:
    """Return how badly distances between `embeddings` rank as differences of `label` do.

    For an anchor i and another clip j it is `-log(exp(s_ij) / sum_k exp(s_ik))`, the sum over the
    clips k (j among them) whose labels are at least as far from the anchor's as that of j, with
    `s_ij = -|e_i - e_j| / temperature`, the negative Euclidean distance. Averaged over the j of an
    anchor, then over the anchors that have any, or over so many clips as `among` says: a term that
    few clips have a part in then counts for as little. A batch without pairs costs 0, and so does
    one of two clips.

    `embeddings` is `[batch, feature]`, `label` `[batch]` in any unit. A label that is NaN is
    missing: its clip doesn't count. Infinite labels are equal among themselves and infinitely far
    from others. `comparable` `[batch, batch]` (bool) says of which clips (columns) labels may be
    compared with an anchor's (rows); it need not be symmetric. Half precision is computed in
    float32. Time grows with N^2 log N, memory with N^2.

    Raises `DataError` for other shapes, and `ConfigError` when `temperature` is not positive.

    Source: Zha et al., "Rank-N-Contrast", NeurIPS 2023 (arXiv 2210.01189), Eq. 1 to 3, with the
    temperature of its code. There each clip comes in two views: pass both, with their label twice.

    >>> embeddings, label = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([1.0, 2.0, 4.0])
    >>> ordered = rank_n_contrast(embeddings, label)
    >>> bool(ordered < rank_n_contrast(embeddings, label.roll(1)))
    True
    """
    _check(embeddings, label, temperature, comparable)
    pairs = _pairs(label, comparable)
    total = _anchor_losses(embeddings, label, temperature, pairs).sum()
    return total / (pairs.any(dim=1).sum().clamp_min(1) if among is None else among)


def _anchor_losses(embeddings: Tensor, label: Tensor, temperature: float, pairs: Tensor) -> Tensor:
    """Return the loss of each anchor `[batch]`, 0 of those without anything to compare."""
    # Pairs that don't count come last, behind all sums that are read.
    gaps, order = _gaps(label).masked_fill(~pairs, -torch.inf).sort(dim=1, descending=True)
    similarity = torch.where(pairs, -_distances(embeddings) / temperature, 0.0).gather(1, order)
    # Equal gaps share the sum that ends with the last of them.
    last = torch.searchsorted(-gaps, -gaps, right=True) - 1
    total = similarity.logcumsumexp(dim=1).gather(1, last)
    loss = torch.where(pairs.gather(1, order), total - similarity, 0.0)
    return loss.sum(dim=1) / pairs.sum(dim=1).clamp_min(1)


def _distances(embeddings: Tensor) -> Tensor:
    """Return Euclidean distances `[batch, batch]`, whose gradient is 0 where they are."""
    if embeddings.dtype in (torch.float16, torch.bfloat16):
        embeddings = embeddings.float()
    # By matrix products, close embeddings would lose their distance to rounding.
    return torch.cdist(embeddings, embeddings, compute_mode="donot_use_mm_for_euclid_dist")


def _gaps(label: Tensor) -> Tensor:
    """Return how far labels are apart, `[batch, batch]`; equal infinities are 0 apart."""
    label = label if label.is_floating_point() else label.float()
    return torch.where(label[:, None] == label, 0.0, (label[:, None] - label).abs())


def _pairs(label: Tensor, comparable: Tensor | None) -> Tensor:
    """Return which clips `[anchor, other]` are compared."""
    known = ~label.isnan()
    itself = torch.eye(label.shape[0], dtype=torch.bool, device=label.device)
    pairs = known[:, None] & known & ~itself
    return pairs if comparable is None else pairs & comparable


def _check(
    embeddings: Tensor, label: Tensor, temperature: float, comparable: Tensor | None
) -> None:
    if embeddings.ndim != 2 or label.shape != embeddings.shape[:1]:
        raise DataError(
            "embeddings must be [batch, feature] and labels [batch], "
            f"not {list(embeddings.shape)} and {list(label.shape)}"
        )
    if comparable is not None and (
        comparable.dtype != torch.bool or comparable.shape != (label.shape[0], label.shape[0])
    ):
        raise DataError(
            f"comparable must be bool [batch, batch] of {label.shape[0]} clips, "
            f"not {comparable.dtype} {list(comparable.shape)}"
        )
    if not temperature > 0.0:
        raise ConfigError(f"the temperature must be positive, not {temperature}")
