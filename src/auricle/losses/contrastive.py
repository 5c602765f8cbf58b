"""NT-Xent: views of a pair nearer to each other than to all else, as SimCLR trains with it."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

from auricle.core.errors import ConfigError, DataError


def nt_xent(
    embeddings: Tensor,
    pair_of: Tensor,
    temperature: float = 0.1,
    *,
    content_of: Tensor | None = None,
    hard: float = 1.0,
) -> Tensor:
    """Return the normalised temperature-scaled cross entropy of finding each view's partner.

    For a view i and its partner j it is `-log(exp(s_ij / t) / sum_k exp(s_ik / t))`, the sum over
    all views k but i itself, with `s` the cosine of two embeddings; the mean over all views.

    `embeddings` is `[view, feature]`; `pair_of` `[view]` numbers the pair that each view is of,
    every number twice, in any order. With `content_of` `[view]`, negatives of the same content,
    which are the hard ones, count `hard` times. Half precision is computed in float32.

    Raises `DataError` for other shapes or a pair that has not two views, `ConfigError` when
    `temperature` or `hard` is not positive.

    Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations"
    (SimCLR), ICML 2020, Eq. 1; there `hard` is 1.

    >>> views = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    >>> round(nt_xent(views, torch.tensor([0, 0, 1, 1]), 0.5).item(), 4)
    0.2395
    """
    partner = _find_partners(embeddings, pair_of)
    if not (temperature > 0.0 and hard > 0.0):
        raise ConfigError(f"temperature and hard must be positive, not {temperature} and {hard}")
    units = normalize(embeddings.float(), dim=1)
    similarity = units @ units.T / temperature
    similarity = similarity.masked_fill(torch.eye(len(units), dtype=torch.bool), -torch.inf)
    likeness = similarity[partner]
    if content_of is not None:
        negative = (content_of[:, None] == content_of) & ~partner
        similarity = similarity + math.log(hard) * negative
    return (similarity.logsumexp(dim=1) - likeness).mean()


def _find_partners(embeddings: Tensor, pair_of: Tensor) -> Tensor:
    """Return which view (columns) is the partner of which (rows), `[view, view]`."""
    if embeddings.ndim != 2 or pair_of.shape != embeddings.shape[:1]:
        raise DataError(
            "embeddings must be [view, feature] and pairs [view], "
            f"not {list(embeddings.shape)} and {list(pair_of.shape)}"
        )
    same = pair_of[:, None] == pair_of
    if len(same) == 0 or not bool((same.sum(dim=1) == 2).all()):
        raise DataError("every pair must have two views")
    return same & ~torch.eye(len(same), dtype=torch.bool)
