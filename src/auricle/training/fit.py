"""The epochs: optimise, validate, keep the best, stop in time."""

from __future__ import annotations

import copy
import itertools
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool1d

from auricle.core.errors import ConfigError, DataError
from auricle.data.batches import Augmentation, Batch, Batches, split_rows
from auricle.data.clip_recipe import seed_of
from auricle.data.domains import balance_sources, describe_bands
from auricle.data.features import FeatureSet
from auricle.data.manifest import Split
from auricle.data.targets import find_targets
from auricle.degrade.base import parse_cascade
from auricle.heads.regression import Prediction
from auricle.losses.history import history_loss
from auricle.losses.regression import gaussian_nll, mean_squared_error
from auricle.systems.config import SystemConfig
from auricle.systems.system import System, build_system, pooled_features, start_system
from auricle.training.adversary import build_adversaries, write_domains
from auricle.training.checkpoint import (
    load_checkpoint,
    load_encoder,
    load_weights,
    save_checkpoint,
    save_weights,
)
from auricle.training.optimiser import build_optimiser, set_rate
from auricle.training.recipe import Recipe, identify_training
from auricle.training.track import Epoch, Log, OnEpoch

_CHECKPOINT = "checkpoint.pt"
_BEST = "best.safetensors"
_WARM_UP = 0.1


class Predictions(NamedTuple):
    """Quality, its log-variance and the label of clips, all `[clip]`, on the 0..1 scale.

    `history` is what was predicted of the `traces` in their past, both `[clip, trace, 2]`,
    `embedding` `[clip, 2 * feature]` what the head read.
    """

    mean: NDArray[np.float32]
    log_variance: NDArray[np.float32]
    label: NDArray[np.float32]
    history: NDArray[np.float32]
    traces: NDArray[np.float32]
    embedding: NDArray[np.float32]


def fit(
    recipe: Recipe,
    features: FeatureSet,
    folder: Path,
    *,
    resume: bool = True,
    on_epoch: OnEpoch | None = None,
) -> System:
    """Train by a recipe and return the system with the weights that validated best.

    Progress is kept in `folder`; with `resume` it goes on from there, to the same weights as
    without interruption. The best weights are those of the smallest root mean square error on
    the validation split.

    Raises `DataError` when the features don't fit the recipe, `ConfigError` when the folder
    belongs to another training or the loss is not finite any more.
    """
    _check_features(recipe.system, features)
    trainer = _Trainer(recipe, features)
    checkpoint = folder / _CHECKPOINT
    if resume and checkpoint.is_file():
        trainer.load_state(load_checkpoint(checkpoint, trainer.fingerprint))
    write_domains(trainer.adversaries, folder)
    with Log(folder, trainer.epoch) as log:
        while not trainer.finished:
            epoch = trainer.run_epoch()
            # In this order: a crash in between does the epoch again, with the same result.
            if trainer.schedule.stale == 0:
                save_weights(folder / _BEST, trainer.averaged.state_dict())
            log.add(epoch)
            save_checkpoint(checkpoint, trainer.state())
            if on_epoch is not None:
                on_epoch(epoch)
    system = build_system(recipe.system)
    system.load_state_dict(load_weights(folder / _BEST))
    return system.eval()


def predict(
    recipe: Recipe, system: System, features: FeatureSet, rows: Split | NDArray[np.int64]
) -> Predictions:
    """Return what a system says about the whole clips of a split or of `rows`, in float32."""
    targets = find_targets(features.clips, recipe.system.label_scale)
    chosen = split_rows(features, rows) if isinstance(rows, str) else rows
    return _predict(system, Batches(features, targets, chosen, batch_size=16), "float32")


def embed(
    config: SystemConfig, system: System, features: FeatureSet, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return what a system's head reads of the whole clips of `rows`, `[row, 2 * feature]`.

    Raises `DataError` when the features are not those that the system was made for.
    """
    _check_features(config, features)
    targets = find_targets(features.clips, config.label_scale)
    return _predict(system, Batches(features, targets, rows, batch_size=16), "float32").embedding


def used_rows(recipe: Recipe, features: FeatureSet, split: Split) -> NDArray[np.int64]:
    """Return the rows of a split without what the recipe leaves out.

    Of the training clips so many are drawn as the recipe wants: `DataError` when there are fewer,
    or none of a split.
    """
    sources, codecs = set(recipe.data.without_sources), set(recipe.data.without_codecs)
    rows = [
        row
        for row in split_rows(features, split).tolist()
        if features.clips[row].source not in sources
        and codecs.isdisjoint(p.kind for p in parse_cascade(features.clips[row].process))
    ]
    if not rows:
        raise DataError(f"the recipe leaves out all clips of the {split} split")
    if split == "train" and recipe.data.labels is not None:
        rows = _draw(rows, recipe.data.labels, features, recipe.seed)
    return np.array(rows, dtype=np.int64)


def _draw(rows: list[int], labels: int, features: FeatureSet, seed: int) -> list[int]:
    """So many rows, in an order that follows from the seed and the clips: fewer are among more."""
    if labels > len(rows):
        raise DataError(f"data.labels is {labels}, but there are {len(rows)} training clips only")
    return sorted(rows, key=lambda row: seed_of(f"{seed}|{features.clips[row].id}"))[:labels]


@dataclass
class _Schedule:
    """Halves the learning rate on a plateau and says when to stop; counts in epochs."""

    best: float = math.inf
    stale: int = 0
    waited: int = 0

    def step(self, error: float, plateau: int) -> bool:
        """Note an epoch's validation error; True when the rate is to be halved."""
        if error < self.best:
            self.best, self.stale, self.waited = error, 0, 0
            return False
        self.stale += 1
        self.waited += 1
        if self.waited < plateau:
            return False
        self.waited = 0
        return True


class _Trainer:
    def __init__(self, recipe: Recipe, features: FeatureSet) -> None:
        self.recipe = recipe
        self.fingerprint = _fingerprint(recipe, features)
        torch.manual_seed(recipe.seed)
        # Channels last: twice as fast for the two-dimensional convolutions on processors.
        system = _start(recipe)
        self.system = system.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.system) if recipe.averaging else self.system
        self.schedule = _Schedule()
        self.epoch = 0
        self.steps = 0
        targets = find_targets(features.clips, recipe.system.label_scale)
        front_end = recipe.system.front_end
        crop, rows = recipe.data.crop, used_rows(recipe, features, "train")
        sources = [features.clips[row].source for row in rows.tolist()]
        self.training = Batches(
            features,
            targets,
            rows,
            batch_size=recipe.batch_size,
            crop=None if crop is None else round(crop * front_end.sample_rate / front_end.hop),
            augmentation=Augmentation(**recipe.data.augmentation.model_dump()),
            splice=recipe.data.splice,
            steps=recipe.data.steps,
            shares=balance_sources(sources, targets.quality[rows]) if recipe.data.balance else None,
            seed=recipe.seed,
        )
        self.validation = Batches(
            features, targets, used_rows(recipe, features, "validation"), batch_size=16
        )
        size = 2 * pooled_features(recipe.system, self.system.encoder)
        self.adversaries = build_adversaries(
            recipe, self.training, size, lambda: _describe(recipe, self.system, features)
        )
        shares = [(self.system.encoder, recipe.encoder_lr)]
        shares += [(adversary, adversary.config.lr) for adversary in self.adversaries]
        learning = nn.ModuleList([self.system, *self.adversaries])
        self.optimiser = build_optimiser(recipe.optimiser, learning, shares)

    @property
    def finished(self) -> bool:
        return self.epoch >= self.recipe.max_epochs or self.schedule.stale >= self.recipe.patience

    def run_epoch(self) -> Epoch:
        began = time.monotonic()
        self.epoch += 1
        learning_rate = float(self.optimiser.param_groups[0]["lr"])
        train_loss = self._optimise()
        predictions = _predict(self.averaged, self.validation, self.recipe.precision)
        error = predictions.mean - predictions.label
        rmse = float(np.sqrt(np.mean(error**2)))
        if not (math.isfinite(train_loss) and math.isfinite(rmse)):
            raise ConfigError(f"training diverged in epoch {self.epoch}: lower optimiser.lr")
        stuck = self.schedule.step(rmse, self.recipe.plateau)
        if stuck and self.recipe.schedule == "plateau":
            for group in self.optimiser.param_groups:
                group["lr"] /= 2
        pcc = _correlation(predictions.mean, predictions.label)
        return Epoch(self.epoch, train_loss, rmse, pcc, learning_rate, time.monotonic() - began)

    def _optimise(self) -> float:
        # Dropout follows from the epoch's number too, so there is no generator state to keep.
        seed = np.random.SeedSequence([self.recipe.seed, self.epoch]).generate_state(1)[0]
        torch.manual_seed(int(seed))
        self.system.train()
        if self.recipe.encoder == "frozen":
            self.system.encoder.eval()
        total, clips = 0.0, 0
        for batch in self.training.epoch(self.epoch):
            if self.recipe.schedule == "cosine":
                self._set_rate()
            self.optimiser.zero_grad(set_to_none=True)
            prediction = _run(self.system, torch.from_numpy(batch.log_mel), self.recipe.precision)
            loss = _loss(self.recipe, prediction, batch)
            for adversary in self.adversaries:
                loss = loss + adversary(prediction.embedding, batch.rows, self._progress)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            self.steps += 1
            if self.recipe.averaging:
                _average(self.averaged, self.system, self.recipe.averaging, self.steps)
            total += loss.item() * len(batch.label)
            clips += len(batch.label)
        return total / clips

    @property
    def _progress(self) -> float:
        """The share of the longest possible training that is done."""
        return self.steps / (self.recipe.max_epochs * len(self.training))

    def _set_rate(self) -> None:
        share = self._progress
        rise = share / _WARM_UP
        fall = 0.5 + 0.5 * math.cos(math.pi * (share - _WARM_UP) / (1.0 - _WARM_UP))
        set_rate(self.optimiser, self.recipe.optimiser.lr * min(rise, fall) if share < 1.0 else 0.0)

    def state(self) -> dict[str, Any]:
        return {
            "fingerprint": self.fingerprint,
            "epoch": self.epoch,
            "steps": self.steps,
            "schedule": vars(self.schedule),
            "system": self.system.state_dict(),
            "averaged": self.averaged.state_dict() if self.recipe.averaging else {},
            "adversaries": [adversary.state_dict() for adversary in self.adversaries],
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self.epoch, self.steps = state["epoch"], state["steps"]
        self.schedule = _Schedule(**state["schedule"])
        self.system.load_state_dict(state["system"])
        if self.recipe.averaging:
            self.averaged.load_state_dict(state["averaged"])
        for adversary, told in zip(self.adversaries, state["adversaries"], strict=True):
            adversary.load_state_dict(told)
        self.optimiser.load_state_dict(state["optimiser"])


def _check_features(config: SystemConfig, features: FeatureSet) -> None:
    wanted = config.front_end.build()
    if features.front_end != wanted:
        raise DataError(
            f"{features.folder} was written by {features.front_end}, the recipe needs {wanted}:"
            " write the features again"
        )
    if features.frames != config.segment_frames:
        raise DataError(
            f"{features.folder} has {features.frames} frames per clip, a segment of the recipe"
            f" {config.segment_frames}: write the features again"
        )


def _fingerprint(recipe: Recipe, features: FeatureSet) -> str:
    # A training may be prolonged: how long it may last is not what it is, unless its rate says so.
    # Nor is what happens afterwards.
    beside = {"patience", "calibrate_on", "correct_mean"}
    ramped = recipe.adversary is not None and recipe.adversary.schedule == "ramp"
    if recipe.schedule == "plateau" and not ramped:
        beside.add("max_epochs")
    return identify_training(recipe, features.clips, beside)


def _start(recipe: Recipe) -> System:
    system = start_system(recipe.system)
    if recipe.start is not None:
        load_encoder(system.encoder, Path(recipe.start))
    if recipe.encoder == "frozen":
        system.encoder.requires_grad_(False)
    return system


def _describe(recipe: Recipe, system: System, features: FeatureSet) -> NDArray[np.float32]:
    """What clips sound like before the training, `[clip, feature]`.

    A fresh encoder hears nothing yet: then mean and deviation of the spectrogram's bands.
    """
    if recipe.start is not None:
        return predict(recipe, system, features, np.arange(len(features.clips))).embedding
    return describe_bands(features.log_mel)


def _run(system: System, log_mel: Tensor, precision: str) -> Prediction:
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        prediction = system(log_mel)
    return Prediction(*(output.float() for output in prediction))


def _loss(recipe: Recipe, prediction: Prediction, batch: Batch) -> Tensor:
    label = torch.from_numpy(batch.label)
    if recipe.loss.kind == "mean_squared_error":
        loss = mean_squared_error(prediction.mean, label)
    else:
        loss = gaussian_nll(prediction.mean, prediction.log_variance, label, recipe.loss.beta)
    if recipe.auxiliary.course:
        frames = prediction.track.shape[1]
        course = adaptive_avg_pool1d(torch.from_numpy(batch.course), frames)
        loss = loss + recipe.auxiliary.course * mean_squared_error(prediction.track, course)
    if recipe.auxiliary.history:
        traces = torch.from_numpy(batch.traces)
        loss = loss + recipe.auxiliary.history * history_loss(prediction.history, traces)
    return loss


@torch.no_grad()
def _predict(system: System, batches: Batches, precision: str) -> Predictions:
    system.eval()
    rows = []
    for batch in batches.in_order():
        found = _run(system, torch.from_numpy(batch.log_mel), precision)
        answers = (found.mean, found.log_variance, batch.label, found.history, batch.traces)
        rows.append(tuple(np.asarray(answer) for answer in (*answers, found.embedding)))
    return Predictions(*map(np.concatenate, zip(*rows, strict=True)))


@torch.no_grad()
def _average(averaged: System, system: System, decay: float, steps: int) -> None:
    """Move the average towards the weights; the first steps count more (a short memory)."""
    share = 1.0 - min(decay, (1.0 + steps) / (10.0 + steps))
    tensors = zip(
        itertools.chain(averaged.parameters(), averaged.buffers()),
        itertools.chain(system.parameters(), system.buffers()),
        strict=True,
    )
    for mean, value in tensors:
        if mean.is_floating_point():
            mean.lerp_(value, share)
        else:
            mean.copy_(value)


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    if one.std() == 0.0 or other.std() == 0.0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
