"""Training one member of a fused system on embedded clips."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from auricle.core.errors import ConfigError, DataError
from auricle.data.domains import draw_rows
from auricle.data.manifest import Split
from auricle.data.rated import RatedClip
from auricle.heads.fusion import BranchInput, FusionHead, Shape
from auricle.heads.member import MemberHead
from auricle.losses.concordance import concordance_loss
from auricle.losses.pairwise import contrastive_margin, dual_criterion_quality, utmos_loss
from auricle.losses.regression import (
    absolute_and_squared_error,
    mean_squared_error,
    multivariate_gaussian_nll,
)
from auricle.systems.config import Name
from auricle.systems.estimate import Estimate, combine_segments
from auricle.systems.fusion import build_member
from auricle.training.axis_adversaries import (
    AxisAdversaries,
    build_adversaries,
    share_draws,
)
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
) -> MemberHead:
    """Train a member and return it with the weights of the smallest validation loss.

    `folder` receives `log.csv` and the weights. The same seed and number of threads give the same
    weights.

    Raises `DataError` without training or validation clips, `ConfigError` when the loss is not
    finite any more.
    """
    training, validation = (find_rows(embedded.clips, split) for split in ("train", "validation"))
    member = start_member(
        recipe,
        embedded.shapes,
        embedded.ratings[training],
        lambda name: (torch.from_numpy(np.array(embedded.embedding(name, r))) for r in training),
    )
    adversaries = _build_adversaries(recipe, member, embedded, training)
    optimiser = build_optimiser(
        recipe.optimiser, nn.ModuleList([member, adversaries]), adversaries.rates()
    )
    folder.mkdir(parents=True, exist_ok=True)
    adversaries.save(folder)
    best, stale = math.inf, 0
    with (folder / "log.csv").open("w", newline="", encoding="utf-8") as file:
        log = csv.writer(file, lineterminator="\n")
        log.writerow(MemberEpoch._fields)
        for number in range(1, recipe.max_epochs + 1):
            began = time.monotonic()
            train_loss = _optimise(
                recipe, member, adversaries, optimiser, embedded, training, number
            )
            estimate = rate(recipe, member, embedded, validation)
            loss = estimate_loss(recipe, member, estimate, embedded.ratings[validation])
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


def load_member(recipe: FusionRecipe, embedded: EmbeddedClips, folder: Path) -> MemberHead:
    """Load what `fit_member` left in `folder`."""
    config = recipe.system.members[0]
    member = build_member(config, embedded.shapes, len(recipe.system.axes))
    member.load_state_dict(load_weights(folder / _BEST))
    return member.eval()


@torch.no_grad()
def rate(
    recipe: FusionRecipe,
    member: MemberHead,
    embedded: EmbeddedClips,
    rows: NDArray[np.int64],
) -> Estimate:
    """Return what a member says of clips, `mean` `[row, axis]` on the axes' scales.

    As when scoring, a longer clip is judged by segments, the last one moved back, and each counts
    by what is new in it.
    """
    member.eval()
    # One by one: what is said of a clip must not depend on who is next to it.
    found = [rate_segments(member, _cut_segments(recipe, embedded, row)) for row in rows[:, None]]
    return Estimate(*map(np.stack, zip(*found, strict=True)))


def rate_segments(member: MemberHead, segments: Iterable[tuple[float, list[Tensor]]]) -> Estimate:
    """Return what a member says of a clip, `mean` `[axis]`: each segment by its share.

    Segments are their shares and their embeddings `[1, layer, bin, feature]`.
    """
    shares, estimates = [], []
    for share, embeddings in segments:
        said = member(embeddings, torch.tensor([embeddings[0].shape[2]]))
        mean, factor = (np.asarray(values[0], np.float64) for values in said[:2])
        shares.append(share)
        estimates.append(Estimate(mean, factor @ factor.T))
    return combine_segments(estimates, shares)


def _cut_segments(
    recipe: FusionRecipe, embedded: EmbeddedClips, row: NDArray[np.int64]
) -> Iterator[tuple[float, list[Tensor]]]:
    embeddings, bins = _assemble(recipe, embedded, row, None)
    length, whole = recipe.system.segment_bins, int(bins)
    for start in range(0, whole, length):
        end = min(start + length, whole)
        yield (end - start) / whole, [one[:, :, max(0, end - length) : end] for one in embeddings]


def start_member(
    recipe: FusionRecipe,
    shapes: Mapping[Name, Shape],
    labels: NDArray[np.float64],
    embeddings: Callable[[Name], Iterable[Tensor]],
) -> MemberHead:
    """Build a member that knows the scales of its embeddings and the mean of its labels.

    `labels` `[clip, axis]` and `embeddings(encoder)`, `[layer, bin, feature]` of each clip, are
    those of the training clips. Raises `DataError` when none of them is rated on an axis.
    """
    torch.manual_seed(recipe.seed)
    config = recipe.system.members[0]
    member = build_member(config, shapes, len(recipe.system.axes))
    if isinstance(member, FusionHead):
        for name, branch in zip(config.encoders, member.branches, strict=True):
            cast(BranchInput, branch).fit(embeddings(name))
    for place, axis in enumerate(recipe.system.axes):
        if np.isnan(labels[:, place]).all():
            raise DataError(f"no clip of the train split is rated for {axis.name}: rate some")
    member.centre.copy_(torch.from_numpy(np.nanmean(labels, axis=0)))
    # Labels that are all the same leave nothing to learn, and nothing to divide by.
    member.spread.copy_(torch.from_numpy(np.nanstd(labels, axis=0)).clamp_min(1e-3))
    return member


@torch.no_grad()
def _build_adversaries(
    recipe: FusionRecipe,
    member: MemberHead,
    embedded: EmbeddedClips,
    training: NDArray[np.int64],
) -> AxisAdversaries:
    """Build what the member is trained against; domains are found in what its encoders say."""
    names = recipe.system.members[0].encoders

    def describe(row: int) -> NDArray[np.float32]:
        frames = (np.asarray(embedded.embedding(name, row)[-1], np.float32) for name in names)
        return np.concatenate([one.mean(axis=0) for one in frames])

    return build_adversaries(
        recipe,
        embedded.clips,
        training,
        lambda: np.stack([describe(row) for row in range(len(embedded.clips))]),
        member.eval()(*_assemble(recipe, embedded, training[:1], None)).latents,
    )


def _optimise(
    recipe: FusionRecipe,
    member: MemberHead,
    adversaries: AxisAdversaries,
    optimiser: torch.optim.Optimizer,
    embedded: EmbeddedClips,
    rows: NDArray[np.int64],
    number: int,
) -> float:
    rng = np.random.default_rng([recipe.seed, number])
    torch.manual_seed(int(rng.integers(2**31)))
    member.train()
    total = 0.0
    batches = math.ceil(len(rows) / recipe.batch_size)
    shares = share_draws(recipe, [embedded.clips[row] for row in rows], embedded.ratings[rows])
    for step, chosen in enumerate(np.array_split(draw_rows(rows, shares, rng), batches)):
        optimiser.zero_grad(set_to_none=True)
        found = member(*_assemble(recipe, embedded, chosen, rng))
        loss = rating_loss(recipe, member, found.mean, found.factor, _labels(embedded, chosen))
        progress = (number - 1 + step / batches) / recipe.max_epochs
        loss = loss + adversaries(found, chosen, progress)
        loss.backward()
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


def estimate_loss(
    recipe: FusionRecipe, member: MemberHead, estimate: Estimate, labels: NDArray[np.float64]
) -> float:
    """Return the recipe's loss of what a member says of clips, against labels `[clip, axis]`."""
    mean, covariance = map(torch.from_numpy, estimate)
    factor = torch.linalg.cholesky(covariance)
    return rating_loss(recipe, member, mean, factor, torch.from_numpy(labels)).item()


def rating_loss(
    recipe: FusionRecipe, member: MemberHead, ratings: Tensor, factor: Tensor, labels: Tensor
) -> Tensor:
    """Return the recipe's loss of ratings against labels `[batch, axis]`, of which NaN are none.

    `factor` is that of the ratings' covariance, as in `auricle.heads.axes.AxisPrediction`.
    """
    loss = recipe.loss
    ratings, labels = member.standardise(ratings), member.standardise(labels)
    if loss.kind == "multi_gauss":
        return multivariate_gaussian_nll(ratings, factor / member.spread.unsqueeze(-1), labels)
    if loss.kind == "contrastive":
        return contrastive_margin(ratings, labels, loss.margin)
    if loss.kind == "utmos":
        return utmos_loss(ratings, labels, tau=loss.tau, margin=loss.margin)
    if loss.kind == "dual_criterion":
        return dual_criterion_quality(ratings, labels)
    if loss.kind == "concordance":
        return concordance_loss(ratings, labels)
    rated = labels.isfinite()
    squared = loss.kind == "mean_squared_error"
    pointwise = mean_squared_error if squared else absolute_and_squared_error
    return pointwise(ratings[rated], labels[rated])


def find_rows(clips: Sequence[RatedClip], split: Split) -> NDArray[np.int64]:
    """Return the places of a split's clips; raises `DataError` when there are none."""
    rows = np.flatnonzero([clip.split == split for clip in clips]).astype(np.int64)
    if rows.size == 0:
        raise DataError(f"there are no clips of the {split} split that could be heard")
    return rows
