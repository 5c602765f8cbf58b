"""The loss of a system that judges by distance: terms of Rank-N-Contrast over a batch of pairs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from auricle.heads.projection import distances
from auricle.losses.rank_n_contrast import rank_n_contrast
from auricle.training.distance_labels import PairLabels, Rows
from auricle.training.distance_recipe import DistanceLossConfig, Term


def distance_loss(
    loss: DistanceLossConfig,
    labels: PairLabels,
    rows: Rows,
    embeddings: Tensor,
    windows: Tensor,
) -> Tensor:
    """Return the loss of a batch, the clips `rows` of `labels`.

    `embeddings` is `[batch, window, size]` of which the first `windows` `[batch]` count. Every
    degraded clip needs its clean one in the batch. Terms are sums over their anchors, divided by
    the number of clips: with ViSQOL and bitrate over all codecs this is the overall loss of Jiang
    et al., "DeePAQ" (arXiv 2510.12326), whose formula shows neither a temperature nor, in the text
    at hand, the minus sign of the distances. Clips with infinite labels are compared, but no
    anchors: all others are equally far from them.
    """
    clips = average_windows(embeddings, windows)
    matched = match_distances(embeddings, windows, find_references(labels, rows))
    places = {"clips": clips, "distances": matched.unsqueeze(1)}
    terms = [
        term.weight * _term(term, loss.temperature, labels, rows, places[term.of])
        for term in loss.terms
    ]
    return torch.stack(terms).sum()


def _term(
    term: Term, temperature: float, labels: PairLabels, rows: Rows, embeddings: Tensor
) -> Tensor:
    members, groups = map(torch.from_numpy, labels.compare(rows, term.within))
    label = torch.from_numpy(labels.columns[term.label][rows])[members]
    comparable = (groups[:, None] == groups) & label.isfinite()[:, None]
    chosen = embeddings[members]
    return rank_n_contrast(chosen, label, temperature, comparable=comparable, among=rows.size)


def average_windows(embeddings: Tensor, windows: Tensor) -> Tensor:
    """Return one embedding per clip `[batch, size]`, the mean of its windows.

    `embeddings` is `[batch, window, size]`, zero beyond the first `windows` `[batch]`.
    """
    return embeddings.sum(dim=1) / windows.unsqueeze(1)


def match_distances(embeddings: Tensor, windows: Tensor, references: Tensor) -> Tensor:
    """Return how far clips `[batch]` are from their references, on average over windows.

    `embeddings` is `[batch, window, size]`; `references` `[batch]` are the places in it of each
    clip's own. Of unequal numbers of `windows` `[batch]` the smaller counts.
    """
    shared = torch.minimum(windows, windows[references])
    counted = torch.arange(embeddings.shape[1]) < shared[:, None]
    found = distances(embeddings, embeddings[references])
    return torch.where(counted, found, 0.0).sum(dim=1) / shared


def find_references(labels: PairLabels, rows: Rows) -> Tensor:
    """Return the places `[batch]` of the clean clips that the clips `rows` belong to."""
    excerpts, clean = labels.excerpts[rows], np.flatnonzero(labels.clean[rows])
    places = {int(excerpts[place]): int(place) for place in clean}
    return torch.tensor([places[number] for number in excerpts.tolist()])
