"""A bank of clean recordings, embedded by one model: what others are compared with at a distance.

One file in the format safetensors: `embeddings` `[reference, size]`, and as metadata the names of
the recordings, the metric and the SHA-256 of its model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from auricle.core.errors import ConfigError

_FEWEST = 2


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Embeddings `[reference, size]` of clean recordings, their names, and which model made them.

    Raises `ConfigError` for fewer than two recordings: of one alone there is no spread.
    """

    embeddings: NDArray[np.float32]
    names: tuple[str, ...]
    metric: str
    model_sha256: str

    def __post_init__(self) -> None:
        if self.embeddings.ndim != 2 or len(self.embeddings) != len(self.names):
            raise ConfigError("a bank has one embedding for each of its recordings")
        if len(self.names) < _FEWEST or not np.isfinite(self.embeddings).all():
            raise ConfigError(f"a bank needs {_FEWEST} clean recordings or more, of finite numbers")


def save_bank(path: Path, bank: Bank) -> None:
    """Write a bank to one file, in place of the one that may be there."""
    told = {
        "names": json.dumps(bank.names),
        "metric": bank.metric,
        "model_sha256": bank.model_sha256,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(save({"embeddings": bank.embeddings.astype(np.float32)}, metadata=told))
    part.replace(path)


def read_bank(path: Path) -> Bank:
    """Read a bank; raises `ConfigError` for a file that is none."""
    try:
        with safe_open(path, framework="numpy") as file:
            told = file.metadata() or {}
            embeddings = file.get_tensor("embeddings")
        names = tuple(str(name) for name in json.loads(told["names"]))
        return Bank(embeddings, names, told["metric"], told["model_sha256"])
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ConfigError(
            f"{path} is no bank of recordings ({error}): make one with 'auricle bank build'"
        ) from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
