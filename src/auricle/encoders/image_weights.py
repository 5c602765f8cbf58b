"""Weights of networks that were trained on ImageNet: found or fetched, checked, loaded."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import urllib.request
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from auricle.core.errors import ConfigError
from auricle.encoders.image_cnn import Trunk

PUBLIC_ADDRESS = "https://download.pytorch.org/models/"
_TIMEOUT = 60.0


def load_trunk(trunk: Trunk, weights: str) -> None:
    """Load the weights of a frozen trunk, strictly.

    `weights` is "imagenet" for the public file of torchvision, which is looked for in
    `cache_folder()` and fetched when it is not there, or the path of a .pth or .safetensors file
    with the same names in it. Parts of the file that the trunk lacks on purpose are left out.

    Raises `ConfigError` when the file cannot be had, is damaged or belongs to another network.
    """
    path = fetch_weights(trunk.published) if weights == "imagenet" else Path(weights)
    if path.name == trunk.published and path.is_file():
        _check(path, path.name)
    state = read_weights(path)
    wanted = {name: value for name, value in state.items() if not name.startswith(trunk.left_out)}
    try:
        trunk.load_state_dict(wanted, strict=True)
    except RuntimeError as error:
        raise ConfigError(f"{path} does not fit {type(trunk).__name__}: {error}") from error


def cache_folder() -> Path:
    """Where fetched files are kept: `AURICLE_CACHE`, else the user's cache folder."""
    if own := os.environ.get("AURICLE_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "auricle"


def fetch_weights(name: str) -> Path:
    """Return a public file, from the cache or else from torchvision's address, checked.

    Raises `ConfigError` when it can't be fetched (saying where to put a copy) or is damaged.
    """
    path = cache_folder() / name
    if path.is_file():
        return path
    part = path.with_name(f".{name}.{os.getpid()}.part")
    address = PUBLIC_ADDRESS + name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(address, timeout=_TIMEOUT) as answer, part.open("wb") as file:
            shutil.copyfileobj(answer, file)
        _check(part, name)
        part.replace(path)
    except OSError as error:
        raise ConfigError(
            f"{address} cannot be fetched ({error}): copy that file to {path}, or name a file of"
            " your own as system.encoder.weights"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return path


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a .safetensors file, or a .pth file of nothing but tensors.

    Raises `ConfigError` when the file is missing, damaged or holds something else.
    """
    if not path.is_file():
        raise ConfigError(f"there are no weights at {path}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ConfigError(f"{path} is damaged, or no file of weights: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ConfigError(f"{path} holds something else than named tensors")
    return dict(state)


def _check(path: Path, name: str) -> None:
    """Compare a file with what its public name states: `vgg19-dcbb9e9d.pth`, SHA-256 dcbb9e9d..."""
    stated = Path(name).stem.rpartition("-")[2]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(stated):
        raise ConfigError(
            f"{path} is not the public {name}: its SHA-256 begins with {digest[:8]}; delete it, it"
            " is damaged"
        )
