"""Training a network whose distances tell quality: epochs, checkpoints, the best of them."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from auricle.core.errors import ConfigError
from auricle.systems.distance import DistanceNetwork
from auricle.training.distance_batches import count_batches, draw_batches
from auricle.training.distance_clips import PreparedPairs
from auricle.training.distance_figures import EmbeddedPairs, embed_pairs, measure
from auricle.training.distance_loss import distance_loss
from auricle.training.distance_recipe import DistanceRecipe
from auricle.training.epochs import Trainer
from auricle.training.optimiser import build_optimiser
from auricle.training.schedule import cosine_share


class DistanceEpoch(NamedTuple):
    """What happened in an epoch (counted from 1); figures as in `distance_figures.Figures`."""

    epoch: int
    train_loss: float
    loss: float
    consensus: float
    visqol: float
    ladder: float
    non_matching: float
    learning_rate: float
    seconds: float


OnDistanceEpoch = Callable[[DistanceEpoch], None]


def fit_distance(
    recipe: DistanceRecipe,
    network: DistanceNetwork,
    pairs: PreparedPairs,
    folder: Path,
    *,
    resume: bool = True,
    on_epoch: OnDistanceEpoch | None = None,
) -> list[DistanceEpoch]:
    """Train a network in place, to the epoch that is best by the recipe's judge; return all epochs.

    `folder` receives `log.csv`, a checkpoint and the best weights. With `resume` it goes on from
    there, to the same weights as without interruption; the same seed and number of threads give
    the same weights.

    Raises `DataError` without training or validation pairs, `ConfigError` when the folder belongs
    to another training or the loss is not finite any more.
    """
    return _Trainer(recipe, network, pairs).run(folder, resume=resume, on_epoch=on_epoch)


class _Trainer(Trainer[DistanceEpoch]):
    record = DistanceEpoch

    def __init__(
        self, recipe: DistanceRecipe, network: DistanceNetwork, pairs: PreparedPairs
    ) -> None:
        self.recipe, self.pairs = recipe, pairs
        self.network: DistanceNetwork = network
        self.training = pairs.excerpts("train")
        self.validation = pairs.excerpts("validation")
        self.fingerprint = _fingerprint(recipe, pairs)
        self.optimiser = build_optimiser(recipe.optimiser, network)
        self.epochs: list[DistanceEpoch] = []
        self.batches = count_batches(len(self.training), recipe.batch)
        self.best, self.stale, self.decays = math.inf, 0, 0

    @property
    def improved(self) -> bool:
        return self.stale == 0

    @property
    def finished(self) -> bool:
        return len(self.epochs) >= self.recipe.max_epochs

    def run_epoch(self) -> DistanceEpoch:
        began = time.monotonic()
        number = len(self.epochs) + 1
        rate = self._rate((number - 1) * self.batches)
        train_loss = self._optimise(number)
        seed, references = self.recipe.seed, self.recipe.references
        found = embed_pairs(self.network, self.pairs, "validation", references, seed)
        loss = self._validate(found)
        if not (math.isfinite(train_loss) and math.isfinite(loss)):
            raise ConfigError(f"training diverged in epoch {number}: lower optimiser.lr")
        figures = measure(self.pairs.labels, found)
        seconds = time.monotonic() - began
        epoch = DistanceEpoch(number, train_loss, loss, *figures, rate, seconds)
        self._judge(epoch)
        return epoch

    def _optimise(self, number: int) -> float:
        rng = np.random.default_rng([self.recipe.seed, number])
        # Dropout follows from the epoch's number too, so there is no generator state to keep.
        torch.manual_seed(int(rng.integers(2**31)))
        self.network.train()
        steps = (number - 1) * self.batches
        total, clips = 0.0, 0
        for batch in draw_batches(self.pairs, self.training, self.recipe.batch, rng):
            for group in self.optimiser.param_groups:
                group["lr"] = self._rate(steps)
            self.optimiser.zero_grad(set_to_none=True)
            embeddings = self.network(batch.prepared, batch.steps)
            windows = self.network.windows(batch.steps)
            loss = distance_loss(
                self.recipe.loss, self.pairs.labels, batch.rows, embeddings, windows
            )
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            steps += 1
            total += loss.item() * batch.rows.size
            clips += batch.rows.size
        return total / clips

    @torch.no_grad()
    def _validate(self, found: EmbeddedPairs) -> float:
        """Return the loss over all versions, as many excerpts at a time as in a batch."""
        edges = np.cumsum([0, *(rows.size for rows in self.validation)])
        bounds = [*edges[: -1 : self.recipe.batch.excerpts].tolist(), len(found.rows)]
        total = 0.0
        for start, end in pairwise(bounds):
            rows = found.rows[start:end]
            heard = found.embeddings[start:end], found.windows[start:end]
            loss = distance_loss(self.recipe.loss, self.pairs.labels, rows, *heard)
            total += loss.item() * rows.size
        return total / len(found.rows)

    def _judge(self, epoch: DistanceEpoch) -> None:
        value: float = getattr(epoch, self.recipe.judge)
        # A figure that does not exist is no better than any.
        cost = value if self.recipe.judge == "loss" else math.inf if math.isnan(value) else -value
        self.stale = 0 if cost < self.best or not self.epochs else self.stale + 1
        self.best = min(self.best, cost)
        schedule = self.recipe.schedule
        if schedule.kind == "plateau" and self.stale >= schedule.patience:
            self.decays += 1

    def _rate(self, steps: int) -> float:
        """Return the learning rate after so many steps."""
        schedule, highest = self.recipe.schedule, self.recipe.optimiser.lr
        if schedule.kind == "plateau":
            return highest * schedule.decay**self.decays
        whole = self.recipe.max_epochs * self.batches
        return highest * cosine_share(steps, whole, schedule.warm_up)

    def state(self) -> dict[str, Any]:
        schedule = {"best": self.best, "stale": self.stale, "decays": self.decays}
        return super().state() | {"schedule": schedule}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        for name, value in state["schedule"].items():
            setattr(self, name, value)


def _fingerprint(recipe: DistanceRecipe, pairs: PreparedPairs) -> str:
    # A training may be prolonged: how long it may last is not what it is, unless its rate says so.
    # Nor is what happens afterwards.
    beside = {"mappings"}
    if recipe.schedule.kind == "plateau":
        beside.add("max_epochs")
    text = recipe.model_dump_json(exclude=beside) + pairs.identity
    if any(term.within == "domain" for term in recipe.loss.terms):
        text += repr([clip.domain for clip in pairs.clips])
    return hashlib.sha256(text.encode()).hexdigest()
