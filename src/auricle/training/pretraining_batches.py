"""Batches of views: some rungs of some ladders, in pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from auricle.core.errors import DataError
from auricle.data.batches import Augmentation
from auricle.training.distance_batches import cut_groups
from auricle.training.prepared_clips import PreparedClips, Rows
from auricle.training.pretraining_recipe import PretrainingRecipe


class ViewBatch(NamedTuple):
    """`views` `[view, frame, mel]` in 0..1; `pair_of` and `content_of` `[view]` number the pair
    and the content that each is of.
    """

    views: Tensor
    pair_of: Tensor
    content_of: Tensor


def count_batches(ladders: int, contents: int) -> int:
    """Return the number of batches in an epoch."""
    return -(-ladders // contents)


def draw_batches(
    recipe: PretrainingRecipe,
    prepared: PreparedClips,
    ladders: Sequence[Rows],
    rng: np.random.Generator,
) -> Iterator[ViewBatch]:
    """Yield batches of all ladders `[rung, 2]`, in random order and of nearly even sizes.

    Of each ladder random rungs are taken, from one random place or each from another. Views are in
    random order, so that networks which normalise parts of a batch by themselves do not betray
    partners by that.
    """
    order = rng.permutation(len(ladders))
    for chosen in np.array_split(order, count_batches(len(ladders), recipe.batch.contents)):
        groups = [_draw_rungs(ladders[place], recipe.batch.rungs, rng) for place in chosen]
        contents = np.repeat(np.arange(len(groups)), [group.size for group in groups])
        if recipe.cut == "apart":
            groups = [row for group in groups for row in np.split(group.ravel(), group.size)]
        views = cut_views(prepared, groups, rng.random(len(groups)).tolist(), recipe.crop_frames)
        _augment(recipe, views, contents, rng)
        mixed = torch.from_numpy(rng.permutation(len(views)))
        pairs = torch.arange(len(views)) // 2
        yield ViewBatch(views[mixed], pairs[mixed], torch.from_numpy(contents)[mixed])


def cut_views(
    prepared: PreparedClips, groups: Sequence[Rows], places: Sequence[float], crop: int
) -> Tensor:
    """Return all clips of groups of rows in their order, `[view, frame, mel]`.

    Those of a group are cut at the same of the `places`, 0..1 of what can be. Raises `DataError`
    for clips shorter than the `crop`.
    """
    flat = [(group.ravel(), place) for group, place in zip(groups, places, strict=True)]
    batch = cut_groups(prepared, flat, crop)
    short = (batch.steps < crop).numpy()
    if short.any():
        clip = prepared.clips[int(batch.rows[short][0])]
        raise DataError(f"{clip.path} is shorter than the 'crop' of the recipe: lower that")
    return batch.prepared


def _draw_rungs(ladder: Rows, rungs: int, rng: np.random.Generator) -> Rows:
    return rng.permutation(ladder)[:rungs]


def _augment(
    recipe: PretrainingRecipe, views: Tensor, contents: Rows, rng: np.random.Generator
) -> None:
    """Change views in place, those of a content alike."""
    augmentation = Augmentation(**recipe.augmentation.model_dump())
    seeds = rng.integers(2**31, size=int(contents[-1]) + 1)
    for view, content in zip(views, contents, strict=True):
        change = np.random.default_rng(seeds[content])
        augmentation(view.numpy(), recipe.front_end.range_db, change)
