"""Trainings by epochs that go on exactly where they were interrupted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from auricle.core.errors import ConfigError
from auricle.training.checkpoint import (
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_log,
    save_weights,
)

_CHECKPOINT = "checkpoint.pt"
_BEST = "best.safetensors"
_LOG = "log.csv"

EpochT = TypeVar("EpochT", bound=NamedTuple)


class Trainer(ABC, Generic[EpochT]):
    """What it takes to train `network` in place: `epochs` so far, and how to add another.

    `fingerprint` is of all that decides the weights; a checkpoint with another is refused. What
    happens in an epoch may depend on nothing but that and what `state` holds.
    """

    network: nn.Module
    optimiser: torch.optim.Optimizer
    fingerprint: str
    record: type[EpochT]
    epochs: list[EpochT]

    @abstractmethod
    def run_epoch(self) -> EpochT:
        """Train for an epoch and validate; raises `ConfigError` when the loss is not finite."""

    @property
    @abstractmethod
    def improved(self) -> bool:
        """Whether the weights after the last epoch are the best."""

    @property
    @abstractmethod
    def finished(self) -> bool:
        """Whether there is to be no other epoch."""

    def run(
        self, folder: Path, *, resume: bool, on_epoch: Callable[[EpochT], None] | None
    ) -> list[EpochT]:
        """Train until it is finished, load the best weights, and return all epochs.

        `folder` receives `log.csv`, a checkpoint and the best weights; with `resume` it goes on
        from there. Raises `ConfigError` when the folder belongs to another training.
        """
        checkpoint = folder / _CHECKPOINT
        folder.mkdir(parents=True, exist_ok=True)
        if resume and checkpoint.is_file():
            self.load_state(load_checkpoint(checkpoint, self.fingerprint))
        while not self.finished:
            epoch = self.run_epoch()
            self.epochs.append(epoch)
            # In this order: a crash in between does the epoch again, with the same result.
            if self.improved:
                save_weights(folder / _BEST, learned_state(self.network))
            save_log(folder / _LOG, self.epochs)
            save_checkpoint(checkpoint, self.state())
            if on_epoch is not None:
                on_epoch(epoch)
        load_learned(self.network, load_weights(folder / _BEST))
        self.network.eval()
        return self.epochs

    def state(self) -> dict[str, Any]:
        """Return what `load_state` goes on from."""
        return {
            "fingerprint": self.fingerprint,
            "epochs": [tuple(epoch) for epoch in self.epochs],
            "network": learned_state(self.network),
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.epochs = [self.record(*epoch) for epoch in state["epochs"]]
        load_learned(self.network, state["network"])
        self.optimiser.load_state_dict(state["optimiser"])


def learned_state(network: nn.Module) -> dict[str, Tensor]:
    """Return what training changes: not the weights of what is frozen, which can be large."""
    frozen = {name for name, value in network.named_parameters() if not value.requires_grad}
    return {name: value for name, value in network.state_dict().items() if name not in frozen}


def load_learned(network: nn.Module, state: dict[str, Tensor]) -> None:
    """Load what `learned_state` returned; raises `ConfigError` when it does not fit."""
    if state.keys() != learned_state(network).keys():
        raise ConfigError("these weights are of another network: train into another folder")
    network.load_state_dict(state, strict=False)
