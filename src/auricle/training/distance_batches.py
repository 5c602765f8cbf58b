"""Batches of pairs: excerpts in several versions, all cut at the same place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from auricle.training.distance_clips import PreparedPairs
from auricle.training.distance_recipe import PairBatchConfig
from auricle.training.prepared_clips import PreparedClips, Rows


class PairBatch(NamedTuple):
    """Clips `rows` `[batch]`, excerpt by excerpt: `prepared` `[batch, step, channel]` of which the
    first `steps` `[batch]` are not padding.
    """

    rows: Rows
    prepared: Tensor
    steps: Tensor


def count_batches(excerpts: int, config: PairBatchConfig) -> int:
    """Return the number of batches in an epoch."""
    return -(-excerpts // config.excerpts)


def draw_batches(
    pairs: PreparedPairs,
    excerpts: Sequence[Rows],
    config: PairBatchConfig,
    rng: np.random.Generator,
) -> Iterator[PairBatch]:
    """Yield batches of all excerpts (rows, the clean one first), in random order.

    Of each excerpt the clean version and random other ones are taken, from a random place.
    """
    order = rng.permutation(len(excerpts))
    for chosen in np.array_split(order, count_batches(len(excerpts), config)):
        groups = [_draw_versions(excerpts[place], config.versions, rng) for place in chosen]
        yield cut_groups(pairs, [(group, float(rng.random())) for group in groups], pairs.crop)


def order_batches(pairs: PreparedPairs, excerpts: Sequence[Rows], size: int) -> Iterator[PairBatch]:
    """Yield batches of `size` excerpts in their order, all versions, from their beginnings."""
    for start in range(0, len(excerpts), size):
        groups = excerpts[start : start + size]
        yield cut_groups(pairs, [(group, 0.0) for group in groups], pairs.crop)


def _draw_versions(rows: Rows, versions: int, rng: np.random.Generator) -> Rows:
    degraded = rng.permutation(rows[1:])[: versions - 1]
    return np.concatenate([rows[:1], degraded])


def cut_groups(pairs: PreparedClips, groups: Iterable[tuple[Rows, float]], crop: int) -> PairBatch:
    """Cut `crop` steps out of the clips of each group, from one place, 0..1 of what can be."""
    rows, clips = [], []
    for group, place in groups:
        whole = [pairs.prepared(row) for row in group.tolist()]
        begin = int(place * (max(0, min(map(len, whole)) - crop) + 1))
        for row, clip in zip(group.tolist(), whole, strict=True):
            rows.append(row)
            piece = np.array(clip[begin : begin + crop], dtype=np.float32)
            clips.append(torch.from_numpy(piece))
    steps = torch.tensor([len(clip) for clip in clips])
    return PairBatch(np.array(rows), pad_sequence(clips, batch_first=True), steps)
