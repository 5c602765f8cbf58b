"""Training one member of a fused system on embedded clips."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from auricle.core.errors import ConfigError, DataError
from auricle.data.manifest import Split
from auricle.heads.fusion import BranchInput, FusionHead
from auricle.losses.concordance import concordance_loss
from auricle.losses.pairwise import contrastive_margin, dual_criterion_quality, utmos_loss
from auricle.losses.regression import mean_squared_error
from auricle.systems.fusion import build_member
from auricle.training.checkpoint import load_weights, save_weights
from auricle.training.embeddings import EmbeddedClips
from auricle.training.fusion_recipe import FusionRecipe
from auricle.training.optimiser import build_optimiser

_BEST = "member.safetensors"


class MemberEpoch(NamedTuple):
    """What happened in an epoch (counted from 1)."""

    epoch: int
    train_loss: float
    validation_loss: float
    seconds: float


OnMemberEpoch = Callable[[MemberEpoch], None]


def fit_member(
    recipe: FusionRecipe,
    embedded: EmbeddedClips,
    folder: Path,
    *,
    on_epoch: OnMemberEpoch | None = None,
) -> FusionHead:
    """Train a member and return it with the weights of the smallest validation loss.

    `folder` receives `log.csv` and the weights. The same seed and number of threads give the same
    weights.

    Raises `DataError` without training or validation clips, `ConfigError` when the loss is not
    finite any more.
    """
    training, validation = _rows(embedded, "train"), _rows(embedded, "validation")
    member = start_member(recipe, embedded, training)
    optimiser = build_optimiser(recipe.optimiser, member)
    folder.mkdir(parents=True, exist_ok=True)
    best, stale = math.inf, 0
    with (folder / "log.csv").open("w", newline="", encoding="utf-8") as file:
        log = csv.writer(file, lineterminator="\n")
        log.writerow(MemberEpoch._fields)
        for number in range(1, recipe.max_epochs + 1):
            began = time.monotonic()
            train_loss = _optimise(recipe, member, optimiser, embedded, training, number)
            ratings = torch.from_numpy(rate(recipe, member, embedded, validation))
            loss = _loss(recipe, member, ratings, _labels(embedded, validation)).item()
            if not (math.isfinite(train_loss) and math.isfinite(loss)):
                raise ConfigError(f"training diverged in epoch {number}: lower optimiser.lr")
            epoch = MemberEpoch(number, train_loss, loss, time.monotonic() - began)
            log.writerow(epoch)
            if on_epoch is not None:
                on_epoch(epoch)
            stale += 1
            if loss < best:
                best, stale = loss, 0
                save_weights(folder / _BEST, member.state_dict())
            if stale >= recipe.patience:
                break
    member.load_state_dict(load_weights(folder / _BEST))
    return member.eval()


def load_member(recipe: FusionRecipe, embedded: EmbeddedClips, folder: Path) -> FusionHead:
    """Load what `fit_member` left in `folder`."""
    config = recipe.system.members[0]
    member = build_member(config, embedded.shapes, len(recipe.system.axes))
    member.load_state_dict(load_weights(folder / _BEST))
    return member.eval()


@torch.no_grad()
def rate(
    recipe: FusionRecipe,
    member: FusionHead,
    embedded: EmbeddedClips,
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return what a member says of clips, `[row, axis]` on the axes' scales.

    As when scoring, a longer clip is judged by segments, the last one moved back, and each counts
    by what is new in it.
    """
    member.eval()
    # One by one: what is said of a clip must not depend on who is next to it.
    return np.stack([_rate_clip(recipe, member, embedded, row) for row in rows[:, None]])


def _rate_clip(
    recipe: FusionRecipe, member: FusionHead, embedded: EmbeddedClips, row: NDArray[np.int64]
) -> NDArray[np.float32]:
    embeddings, bins = _assemble(recipe, embedded, row, None)
    length, whole = recipe.system.segment_bins, int(bins)
    total = torch.zeros(len(recipe.system.axes))
    for start in range(0, whole, length):
        end = min(start + length, whole)
        segment = [one[:, :, max(0, end - length) : end] for one in embeddings]
        count = torch.tensor([segment[0].shape[2]])
        total = total + (end - start) / whole * member(segment, count)[0]
    return np.asarray(total)


def start_member(
    recipe: FusionRecipe, embedded: EmbeddedClips, rows: NDArray[np.int64]
) -> FusionHead:
    """Build a member that knows the scales of its embeddings and the mean of its labels.

    Raises `DataError` when none of the rows is rated on an axis.
    """
    torch.manual_seed(recipe.seed)
    config = recipe.system.members[0]
    member = build_member(config, embedded.shapes, len(recipe.system.axes))
    for name, branch in zip(config.encoders, member.branches, strict=True):
        clips = (torch.from_numpy(np.array(embedded.embedding(name, row))) for row in rows)
        cast(BranchInput, branch).fit(clips)
    labels = embedded.ratings[rows]
    for place, axis in enumerate(recipe.system.axes):
        if np.isnan(labels[:, place]).all():
            raise DataError(f"no clip of the train split is rated for {axis.name}: rate some")
    member.centre.copy_(torch.from_numpy(np.nanmean(labels, axis=0)))
    # Labels that are all the same leave nothing to learn, and nothing to divide by.
    member.spread.copy_(torch.from_numpy(np.nanstd(labels, axis=0)).clamp_min(1e-3))
    return member


def _optimise(
    recipe: FusionRecipe,
    member: FusionHead,
    optimiser: torch.optim.Optimizer,
    embedded: EmbeddedClips,
    rows: NDArray[np.int64],
    number: int,
) -> float:
    rng = np.random.default_rng([recipe.seed, number])
    torch.manual_seed(int(rng.integers(2**31)))
    member.train()
    total = 0.0
    for chosen in np.array_split(rng.permutation(rows), math.ceil(len(rows) / recipe.batch_size)):
        optimiser.zero_grad(set_to_none=True)
        ratings = member(*_assemble(recipe, embedded, chosen, rng))
        loss = _loss(recipe, member, ratings, _labels(embedded, chosen))
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total += loss.item() * len(chosen)
    return total / len(rows)


def _assemble(
    recipe: FusionRecipe,
    embedded: EmbeddedClips,
    rows: NDArray[np.int64],
    rng: np.random.Generator | None,
) -> tuple[list[Tensor], Tensor]:
    """Return embeddings `[batch, layer, bin, feature]` by encoder and their bins `[batch]`.

    With a generator, longer clips are cropped at random; padding is zero.
    """
    names = recipe.system.members[0].encoders
    crop = round(recipe.data.crop * recipe.system.frame_rate)
    clips: list[list[Tensor]] = []
    for row in rows.tolist():
        found = [embedded.embedding(name, row) for name in names]
        bins = found[0].shape[1]
        begin, end = 0, bins
        if rng is not None and bins > crop:
            begin = int(rng.integers(bins - crop + 1))
            end = begin + crop
        clips.append([torch.from_numpy(np.array(e[:, begin:end], np.float32)) for e in found])
    bins_of = torch.tensor([clip[0].shape[1] for clip in clips])
    longest = int(bins_of.max())
    padded = [
        torch.stack([nn.functional.pad(one, (0, 0, 0, longest - one.shape[1])) for one in column])
        for column in zip(*clips, strict=True)
    ]
    return padded, bins_of


def _labels(embedded: EmbeddedClips, rows: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(embedded.ratings[rows].astype(np.float32))


def _loss(recipe: FusionRecipe, member: FusionHead, ratings: Tensor, labels: Tensor) -> Tensor:
    loss = recipe.loss
    ratings, labels = member.standardise(ratings), member.standardise(labels)
    if loss.kind == "contrastive":
        return contrastive_margin(ratings, labels, loss.margin)
    if loss.kind == "utmos":
        return utmos_loss(ratings, labels, tau=loss.tau, margin=loss.margin)
    if loss.kind == "dual_criterion":
        return dual_criterion_quality(ratings, labels)
    if loss.kind == "concordance":
        return concordance_loss(ratings, labels)
    rated = labels.isfinite()
    return mean_squared_error(ratings[rated], labels[rated])


def _rows(embedded: EmbeddedClips, split: Split) -> NDArray[np.int64]:
    rows = np.flatnonzero([clip.split == split for clip in embedded.clips]).astype(np.int64)
    if rows.size == 0:
        raise DataError(f"there are no clips of the {split} split that could be heard")
    return rows
