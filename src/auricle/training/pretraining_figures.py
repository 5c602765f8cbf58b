"""Whether embeddings of clips that were not trained on hear what is just noticeable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from auricle.core.errors import DataError
from auricle.losses.contrastive import nt_xent
from auricle.stats.correlation import spearman
from auricle.training.prepared_clips import PreparedClips, Rows
from auricle.training.pretraining_batches import cut_views
from auricle.training.pretraining_network import ContrastiveNetwork, run_network
from auricle.training.pretraining_recipe import PretrainingRecipe

# Views that go through the network at a time.
_VIEWS = 64


class PairFigures(NamedTuple):
    """What is found within ladders, by Euclidean distances of normalised embeddings of clips.

    `triplets` is the share of clips and two others of their ladder, their partner and one of
    another rung, of which the partner is the nearer one; `correlation` Spearman's of distances with
    differences in rung, averaged over ladders. NaN where no ladder has two rungs.
    """

    triplets: float
    correlation: float


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedLadders:
    """What a network makes of ladders, of each one `[clip, feature]` and `[clip, size]`.

    The clips of a rung follow each other; `rungs` `[clip]` are their numbers. `projected` is what
    the loss compares.
    """

    rungs: list[NDArray[np.int64]]
    embeddings: list[Tensor]
    projected: list[Tensor]


@torch.no_grad()
def embed_ladders(
    recipe: PretrainingRecipe,
    network: ContrastiveNetwork,
    prepared: PreparedClips,
    ladders: Sequence[Rows],
) -> EmbeddedLadders:
    """Embed all clips of ladders `[rung, 2]`, from their beginnings."""
    network.eval()
    rows = np.concatenate([ladder.ravel() for ladder in ladders])
    found = []
    for start in range(0, len(rows), _VIEWS):
        part = rows[start : start + _VIEWS]
        views = cut_views(prepared, [part], [0.0], recipe.crop_frames)
        found.append(run_network(network.embed, views, recipe.precision))
    embeddings = torch.cat(found)
    sizes = [ladder.size for ladder in ladders]
    numbers = np.array([prepared.clips[row].rung for row in rows.tolist()])
    return EmbeddedLadders(
        np.split(numbers, np.cumsum(sizes)[:-1]),
        list(torch.split(embeddings, sizes)),
        list(torch.split(network.projection(embeddings), sizes)),
    )


@torch.no_grad()
def validate(recipe: PretrainingRecipe, found: EmbeddedLadders) -> float:
    """Return the loss over batches of as many ladders and rungs as in training, spread evenly."""
    total, views = 0.0, 0
    contents, rungs = recipe.batch.contents, recipe.batch.rungs
    for start in range(0, len(found.projected), contents):
        chosen = [_spread(part, rungs) for part in found.projected[start : start + contents]]
        batch = torch.cat(chosen)
        loss = nt_xent(
            batch,
            torch.arange(len(batch)) // 2,
            recipe.loss.temperature,
            content_of=torch.repeat_interleave(torch.tensor([len(part) for part in chosen])),
            hard=recipe.loss.hard,
        )
        total += loss.item() * len(batch)
        views += len(batch)
    return total / views


def measure(found: EmbeddedLadders) -> PairFigures:
    """Return the figures that tell whether a network learns to hear small differences."""
    nearer, correlations = [], []
    for rungs, embeddings in zip(found.rungs, found.embeddings, strict=True):
        units = normalize(embeddings, dim=1)
        apart = torch.cdist(units, units, compute_mode="donot_use_mm_for_euclid_dist").numpy()
        nearer.append(_compare_partners(rungs, apart))
        one, other = np.triu_indices(len(rungs), k=1)
        try:
            correlations.append(spearman(apart[one, other], np.abs(rungs[one] - rungs[other])))
        except DataError:
            continue
    told = np.concatenate(nearer)
    return PairFigures(
        float(told.mean()) if told.size else float("nan"),
        float(np.mean(correlations)) if correlations else float("nan"),
    )


def _compare_partners(rungs: NDArray[np.int64], apart: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return of each triplet of a ladder whether the partner is nearer."""
    clips = np.arange(len(rungs))
    partners = apart[clips, clips ^ 1]
    told: NDArray[np.bool_] = (partners[:, None] < apart)[rungs[:, None] != rungs]
    return told


def _spread(clips: Tensor, rungs: int) -> Tensor:
    """Return the pairs of so many rungs, evenly spread, or of all where there are fewer."""
    pairs = clips.reshape(-1, 2, clips.shape[1])
    places = torch.linspace(0, len(pairs) - 1, min(rungs, len(pairs))).round().long()
    return pairs[places].flatten(0, 1)
