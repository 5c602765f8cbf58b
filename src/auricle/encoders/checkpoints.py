"""Published weights of encoders: a folder, or a pinned revision of a model hub."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from auricle.core.errors import ConfigError
from auricle.encoders.image_weights import read_weights

_CONFIG = "config.json"
_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_PREPROCESSOR = "preprocessor_config.json"
_PICKLE = "pytorch_model.bin"
_COMMIT = re.compile("[0-9a-f]{40}")
_CONVERTER = "auricle.encoders.checkpoints.convert_checkpoint"


class Weights(Protocol):
    """Named tensors with the configuration of their network and the SHA-256 of their file."""

    @property
    def config(self) -> dict[str, Any]:
        """Sizes and switches of the network, under their published names."""

    @property
    def sha256(self) -> str:
        """Checksum of the file, in hexadecimal."""

    def tensors(self) -> dict[str, Tensor]:
        """Read the tensors, by their published names."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder of published weights: `config` is its config.json, `weights` the safetensors."""

    folder: Path
    config: dict[str, Any]
    weights: Path
    sha256: str

    def tensors(self) -> dict[str, Tensor]:
        """Read the tensors, by their published names. Raises `ConfigError` for a damaged file."""
        try:
            return load_file(self.weights)
        except SafetensorError as error:
            raise ConfigError(f"{self.weights} is damaged: {error}") from error

    def preprocessor(self) -> dict[str, Any]:
        """Read preprocessor_config.json, what to do to samples; empty when there is none."""
        path = self.folder / _PREPROCESSOR
        return _read_json(path) if path.is_file() else {}


def find_checkpoint(name: str | Path, revision: str | None = None) -> Checkpoint:
    """Find published weights: a local folder, or else a model of the Hugging Face hub.

    A folder holds config.json, model.safetensors and mostly preprocessor_config.json; `revision`
    is not looked at. A hub's model, "owner/name", needs the full hash of a commit as `revision`,
    so that the weights stay what they are; it is fetched into the hub's own cache, once. Code
    that lies beside the weights is never fetched nor run.

    Raises `ConfigError`, saying what to do, when the files cannot be had or are of a kind that
    is not read.

    >>> find_checkpoint("microsoft/wavlm-base-plus", "main")
    Traceback (most recent call last):
        ...
    auricle.core.errors.ConfigError: microsoft/wavlm-base-plus needs the full hash of a commit...
    """
    folder = Path(name)
    if not folder.is_dir():
        folder = _fetch(str(name), revision)
    weights = folder / _WEIGHTS
    if not weights.is_file():
        raise ConfigError(_missing_weights(folder))
    if not (folder / _CONFIG).is_file():
        raise ConfigError(f"{folder} has no {_CONFIG}: copy it there from where the weights are")
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Checkpoint(folder, _read_json(folder / _CONFIG), weights, digest)


def convert_checkpoint(bin_path: Path, safetensors_path: Path) -> Path:
    """Rewrite a pickled checkpoint (pytorch_model.bin) as safetensors; return its path.

    Nothing but named tensors is accepted, and no code in the file is run.

    Raises `ConfigError` when the file is missing, damaged or holds anything else.

    >>> import tempfile, torch
    >>> folder = Path(tempfile.mkdtemp())
    >>> torch.save({"weight": torch.ones(2)}, folder / "pytorch_model.bin")
    >>> path = convert_checkpoint(folder / "pytorch_model.bin", folder / "model.safetensors")
    >>> load_file(path)["weight"]
    tensor([1., 1.])
    """
    state = read_weights(bin_path)
    if not state:
        raise ConfigError(f"{bin_path} holds no tensors")
    # Copies, since tensors that share memory cannot be written.
    copies = {name: value.detach().clone().contiguous() for name, value in state.items()}
    part = safetensors_path.with_name(f".{safetensors_path.name}.part")
    try:
        save_file(copies, part, metadata={"format": "pt"})
        part.replace(safetensors_path)
    finally:
        part.unlink(missing_ok=True)
    return safetensors_path


def _fetch(name: str, revision: str | None) -> Path:
    if revision is None or not _COMMIT.fullmatch(revision):
        raise ConfigError(
            f"{name} needs the full hash of a commit (40 hexadecimal digits) as revision, not"
            f" {revision}; or it is meant to be a folder, and there is none"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    wanted = [_CONFIG, _WEIGHTS, _INDEX, _PREPROCESSOR]
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=wanted))
    except HFValidationError as error:
        raise ConfigError(f"{name} is neither a folder nor the name of a model: {error}") from error
    except OSError as error:
        raise ConfigError(
            f"{name} at {revision} cannot be fetched ({error}): copy its {_CONFIG}, {_WEIGHTS} and"
            f" {_PREPROCESSOR} into a folder, and name that folder instead"
        ) from error


def _missing_weights(folder: Path) -> str:
    if (folder / _INDEX).is_file():
        return (
            f"the weights of {folder} are cut into several files, which is not supported: join"
            f" them into one {_WEIGHTS}"
        )
    if (folder / _PICKLE).is_file():
        return (
            f"{folder} has only {_PICKLE}, a pickle: write {_WEIGHTS} beside it by"
            f" {_CONVERTER}({_PICKLE!r}, {_WEIGHTS!r})"
        )
    return (
        f"{folder} has no {_WEIGHTS}: copy it there; if only {_PICKLE} is published, convert that"
        f" by {_CONVERTER} and name the folder of the result"
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} does not hold a table of names and values")
    return content
