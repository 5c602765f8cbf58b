"""Checkpoints from which training goes on exactly."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from auricle.core.errors import ConfigError
from auricle.data.recordings import write_rows
from auricle.encoders.base import Encoder


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors, numbers and text to `path` at once: a crash leaves the previous file."""
    part = path.with_name(f".{path.name}.part")
    torch.save(dict(state), part)
    part.replace(path)


def load_checkpoint(path: Path, fingerprint: str) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote; nothing but tensors, numbers and text is loaded.

    Raises `ConfigError` when the file is damaged or its `fingerprint` is another.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ConfigError(f"{path} is damaged: delete it, or train without resuming") from error
    if not isinstance(state, dict) or state.get("fingerprint") != fingerprint:
        raise ConfigError(
            f"{path} belongs to another recipe or other features: train into another folder, or"
            " without resuming"
        )
    return state


def save_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write a network's state to `path` (safetensors) at once."""
    part = path.with_name(f".{path.name}.part")
    save_file({name: value.detach().contiguous() for name, value in weights.items()}, part)
    part.replace(path)


def save_log(path: Path, epochs: Sequence[NamedTuple]) -> None:
    """Write a CSV table of epochs, one or more, to `path` at once."""
    write_rows(path, epochs[0]._fields, epochs)


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read a network's state from `path` (safetensors)."""
    return load_file(path)


def load_encoder(encoder: Encoder, path: Path) -> None:
    """Give an encoder the weights in `path` (safetensors), strictly: its own names, no more.

    Raises `ConfigError` when the file cannot be read or holds another encoder's weights.
    """
    try:
        encoder.load_state_dict(load_file(path), strict=True)
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"start: {path} cannot be read as safetensors: {error}") from error
    except RuntimeError as error:
        raise ConfigError(
            f"start: {path} does not fit the recipe's system.encoder: {error}"
        ) from error
