"""How well distances agree with labels of clips that were not trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auricle.data.manifest import Split
from auricle.degrade.base import parse_cascade
from auricle.heads.projection import distances
from auricle.stats.correlation import pearson, spearman
from auricle.systems.distance import DistanceNetwork
from auricle.training.distance_batches import order_batches
from auricle.training.distance_clips import PreparedPairs
from auricle.training.distance_labels import DIRECTION, Floats, PairLabels, Rows
from auricle.training.distance_loss import average_windows, find_references, match_distances

_EXCERPTS = 4
# Correlations of fewer clips say next to nothing.
_FEWEST = 5


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedPairs:
    """What a network makes of the clips `rows`, excerpt by excerpt.

    `embeddings` `[clip, window, size]` of which the first `windows` `[clip]` count, `matching`
    `[clip]` the distances from their own references, `non_matching` `[clip]` the mean distances
    from clean clips of other recordings.
    """

    rows: Rows
    embeddings: Tensor
    windows: Tensor
    matching: Floats
    non_matching: Floats


class Figures(NamedTuple):
    """Rank correlations of distances with quality, 1 being perfect; NaN where there is none.

    `consensus` and `visqol` are of distances from the own reference, `non_matching` of those from
    other recordings with ViSQOL over clips that were coded once; `ladder` is the share of pairs on
    one ladder in the right order.
    """

    consensus: float
    visqol: float
    ladder: float
    non_matching: float


@torch.no_grad()
def embed_pairs(
    network: DistanceNetwork, pairs: PreparedPairs, split: Split, references: int, seed: int
) -> EmbeddedPairs:
    """Embed all clips of a split, from their beginnings and as much as is heard at once.

    Non-matching references are so many clean clips of the train split, drawn by `seed` (all, where
    there are fewer).
    """
    network.eval()
    clean = np.array([rows[0] for rows in pairs.excerpts("train")])
    bank = np.random.default_rng(seed).permutation(clean)[:references]
    _, others, windows = _embed(
        network, pairs, [bank[place : place + 1] for place in range(len(bank))]
    )
    rows, embeddings, counts = _embed(network, pairs, pairs.excerpts(split))
    matched = match_distances(embeddings, counts, find_references(pairs.labels, rows))
    apart = distances(
        average_windows(embeddings, counts).unsqueeze(1), average_windows(others, windows)
    ).mean(dim=1)
    return EmbeddedPairs(
        rows, embeddings, counts, np.asarray(matched.double()), np.asarray(apart.double())
    )


def _embed(
    network: DistanceNetwork, pairs: PreparedPairs, excerpts: list[Rows]
) -> tuple[Rows, Tensor, Tensor]:
    rows, found, counts = [], [], []
    for batch in order_batches(pairs, excerpts, _EXCERPTS):
        rows.append(batch.rows)
        found += list(network(batch.prepared, batch.steps))
        counts.append(network.windows(batch.steps))
    # Batches are as wide as their longest clip.
    embeddings = torch.nn.utils.rnn.pad_sequence(found, batch_first=True)
    return np.concatenate(rows), embeddings, torch.cat(counts)


def measure(labels: PairLabels, found: EmbeddedPairs) -> Figures:
    """Return the figures that tell whether a network learns."""
    degraded = ~labels.clean[found.rows]
    coded = degraded & (labels.codecs[found.rows] >= 0)
    return Figures(
        consensus=_correlate(spearman, labels, found.rows, -found.matching, "consensus", degraded),
        visqol=_correlate(spearman, labels, found.rows, -found.matching, "visqol", degraded),
        ladder=_order_rungs(labels, found),
        non_matching=_correlate(spearman, labels, found.rows, -found.non_matching, "visqol", coded),
    )


def report(pairs: PreparedPairs, found: EmbeddedPairs) -> dict[str, object]:
    """Return the figures of a split for people to read: by label, by domain and by process.

    Of clips with several processes the kind is "cascade".
    """
    labels, rows = pairs.labels, found.rows
    degraded = ~labels.clean[rows]
    domains = np.array([pairs.clips[row].domain for row in rows])
    kinds = np.array([_kind(pairs.clips[row].process) for row in rows])
    figures = measure(labels, found)
    return {
        "clips": int(degraded.sum()),
        "labels": {name: _pair(labels, found, name, degraded) for name in DIRECTION},
        "domains": {
            str(domain): _pair(labels, found, "consensus", degraded & (domains == domain))
            for domain in np.unique(domains)
        },
        "processes": {
            str(kind): _pair(labels, found, "consensus", kinds == kind)
            for kind in np.unique(kinds[degraded])
        },
        "ladder": _plain(figures.ladder),
        "non_matching": _plain(figures.non_matching),
    }


def _kind(process: str) -> str:
    cascade = parse_cascade(process) if process else ()
    return "cascade" if len(cascade) > 1 else cascade[0].kind if cascade else ""


def _pair(
    labels: PairLabels,
    found: EmbeddedPairs,
    name: str,
    chosen: NDArray[np.bool_],
) -> dict[str, float | int | None]:
    known = chosen & np.isfinite(labels.columns[name][found.rows])
    both = (
        _correlate(measure_of, labels, found.rows, -found.matching, name, chosen)
        for measure_of in (spearman, pearson)
    )
    srcc, pcc = map(_plain, both)
    return {"clips": int(known.sum()), "srcc": srcc, "pcc": pcc}


def _plain(value: float) -> float | None:
    """Return a number that JSON knows."""
    return None if np.isnan(value) else round(value, 4)


def _correlate(
    measure: Callable[[Floats, Floats], float],
    labels: PairLabels,
    rows: Rows,
    closeness: Floats,
    name: str,
    chosen: NDArray[np.bool_],
) -> float:
    """Return the correlation of closeness with quality; NaN where it is undefined."""
    label = labels.columns[name][rows]
    known = chosen & np.isfinite(label)
    x, y = closeness[known], label[known]
    if x.size < _FEWEST or np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return float("nan")
    return measure(x, y) * DIRECTION[name]


def _order_rungs(labels: PairLabels, found: EmbeddedPairs) -> float:
    """Return the share of pairs on one ladder whose severer clip is the farther one."""
    ladders, rungs = labels.ladders[found.rows], labels.columns["ladder"][found.rows]
    same = (ladders[:, None] == ladders) & (ladders >= 0) & (rungs[:, None] < rungs)
    right = found.matching[:, None] < found.matching
    return float(right[same].mean()) if same.any() else float("nan")
