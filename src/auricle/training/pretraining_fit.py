"""Pretraining on JND pairs: epochs, checkpoints, the best of them."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from auricle.core.errors import ConfigError
from auricle.losses.contrastive import nt_xent
from auricle.training.epochs import Trainer
from auricle.training.optimiser import build_optimiser, set_rate
from auricle.training.prepared_clips import PreparedClips
from auricle.training.pretraining_batches import ViewBatch, count_batches, draw_batches
from auricle.training.pretraining_clips import find_ladders, identify_pairs
from auricle.training.pretraining_figures import embed_ladders, measure, validate
from auricle.training.pretraining_network import ContrastiveNetwork, backward, run_network
from auricle.training.pretraining_recipe import PretrainingRecipe
from auricle.training.schedule import cosine_share


class PretrainingEpoch(NamedTuple):
    """What happened in an epoch (counted from 1); figures as in `PairFigures`."""

    epoch: int
    train_loss: float
    loss: float
    triplets: float
    correlation: float
    learning_rate: float
    seconds: float


OnPretrainingEpoch = Callable[[PretrainingEpoch], None]


def fit_pretraining(
    recipe: PretrainingRecipe,
    network: ContrastiveNetwork,
    prepared: PreparedClips,
    folder: Path,
    *,
    resume: bool = True,
    on_epoch: OnPretrainingEpoch | None = None,
) -> list[PretrainingEpoch]:
    """Train a network in place; return all epochs.

    It gets the weights of the epoch with the highest share of validation triplets, the last of
    those where several have it, and the last of all where there are no triplets.

    `folder` receives `log.csv`, a checkpoint and the best weights. With `resume` it goes on from
    there, to the same weights as without interruption; the same seed and number of threads give
    the same weights.

    Raises `DataError` without training or validation pairs, `ConfigError` when the folder belongs
    to another training or the loss is not finite any more.
    """
    return _Trainer(recipe, network, prepared).run(folder, resume=resume, on_epoch=on_epoch)


def find_best(epochs: list[PretrainingEpoch]) -> PretrainingEpoch:
    """Return the epoch whose weights are kept, of one or more."""
    return max(epochs, key=lambda epoch: (np.nan_to_num(epoch.triplets), epoch.epoch))


class _Trainer(Trainer[PretrainingEpoch]):
    record = PretrainingEpoch

    def __init__(
        self, recipe: PretrainingRecipe, network: ContrastiveNetwork, prepared: PreparedClips
    ) -> None:
        self.recipe, self.prepared = recipe, prepared
        self.network: ContrastiveNetwork = network
        self.training = find_ladders(prepared.clips, "train")
        self.validation = find_ladders(prepared.clips, "validation")
        text = recipe.model_dump_json() + identify_pairs(prepared)
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()
        self.optimiser = build_optimiser(recipe.optimiser, network)
        self.batches = count_batches(len(self.training), recipe.batch.contents)
        self.epochs: list[PretrainingEpoch] = []

    @property
    def improved(self) -> bool:
        return find_best(self.epochs) is self.epochs[-1]

    @property
    def finished(self) -> bool:
        return len(self.epochs) >= self.recipe.max_epochs

    def run_epoch(self) -> PretrainingEpoch:
        began = time.monotonic()
        number = len(self.epochs) + 1
        rate = self._rate((number - 1) * self.batches)
        train_loss = self._optimise(number)
        found = embed_ladders(self.recipe, self.network, self.prepared, self.validation)
        loss = validate(self.recipe, found)
        if not (math.isfinite(train_loss) and math.isfinite(loss)):
            raise ConfigError(f"training diverged in epoch {number}: lower optimiser.lr")
        seconds = time.monotonic() - began
        return PretrainingEpoch(number, train_loss, loss, *measure(found), rate, seconds)

    def _optimise(self, number: int) -> float:
        rng = np.random.default_rng([self.recipe.seed, number])
        # Dropout follows from the epoch's number too, so there is no generator state to keep.
        torch.manual_seed(int(rng.integers(2**31)))
        self.network.train()
        run = partial(run_network, self.network, precision=self.recipe.precision)
        step = (number - 1) * self.batches
        total, views = 0.0, 0
        for batch in draw_batches(self.recipe, self.prepared, self.training, rng):
            set_rate(self.optimiser, self._rate(step))
            self.optimiser.zero_grad(set_to_none=True)
            loss = backward(run, batch.views, partial(self._loss, batch), self.recipe.chunk)
            self.optimiser.step()
            step += 1
            total += loss * len(batch.views)
            views += len(batch.views)
        return total / views

    def _loss(self, batch: ViewBatch, embeddings: Tensor) -> Tensor:
        temperature, hard = self.recipe.loss.temperature, self.recipe.loss.hard
        return nt_xent(
            embeddings, batch.pair_of, temperature, content_of=batch.content_of, hard=hard
        )

    def _rate(self, step: int) -> float:
        """Return the learning rate at a step."""
        steps = self.recipe.max_epochs * self.batches
        return self.recipe.optimiser.lr * cosine_share(step, steps, self.recipe.schedule.warm_up)
