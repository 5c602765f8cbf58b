"""A trained system as a folder, with a checksum for every file.

```
system.yaml           the configuration
weights.safetensors   the weights for torch          (one of these
model.onnx            the network for ONNX Runtime    or both)
calibration.json      how sigma becomes an interval
card.md               what the model is and is not for (optional)
checksums.json        {file: SHA-256}
```
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from auricle.core.errors import BundleError
from auricle.heads.calibration import Calibration
from auricle.systems.config import SystemConfig

_SYSTEM = "system.yaml"
_WEIGHTS = "weights.safetensors"
_ONNX = "model.onnx"
_CALIBRATION = "calibration.json"
_CARD = "card.md"
_CHECKSUMS = "checksums.json"
_REQUIRED = frozenset({_SYSTEM, _CALIBRATION})
_KNOWN = _REQUIRED | {_WEIGHTS, _ONNX, _CARD}

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A folder whose files are all there and unaltered."""

    config: SystemConfig
    calibration: Calibration
    folder: Path
    checksums: Mapping[str, str]

    @property
    def onnx(self) -> Path:
        """The ONNX model; raises `BundleError` when the bundle has none."""
        return self._file(_ONNX)

    @property
    def weights(self) -> Path:
        """The weights for torch; raises `BundleError` when the bundle has none."""
        return self._file(_WEIGHTS)

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the ONNX model; raises `BundleError` when the bundle has none."""
        return self.checksums[self.onnx.name]

    @property
    def card(self) -> str | None:
        """The model card in Markdown, if the bundle has one."""
        if _CARD not in self.checksums:
            return None
        return (self.folder / _CARD).read_text(encoding="utf-8")

    def _file(self, name: str) -> Path:
        if name not in self.checksums:
            raise BundleError(f"{self.folder} holds no {name}: export the model again")
        return self.folder / name


def save_bundle(
    folder: Path,
    config: SystemConfig,
    calibration: Calibration,
    *,
    onnx: bytes | Path | None = None,
    weights: bytes | Path | None = None,
    card: str | None = None,
) -> Bundle:
    """Write a bundle to `folder`, in place of the one that may be there.

    `onnx` and `weights` (safetensors) are contents or files to copy. Raises `BundleError` when
    neither is given.
    """
    if onnx is None and weights is None:
        raise BundleError("a bundle needs an ONNX model, weights, or both")
    contents = {
        _SYSTEM: yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False).encode(),
        _CALIBRATION: (calibration.model_dump_json(indent=2) + "\n").encode(),
        _ONNX: onnx.read_bytes() if isinstance(onnx, Path) else onnx,
        _WEIGHTS: weights.read_bytes() if isinstance(weights, Path) else weights,
        _CARD: card.encode() if card is not None else None,
    }
    files = {name: content for name, content in contents.items() if content is not None}
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files[_CHECKSUMS] = (json.dumps(checksums, indent=2) + "\n").encode()
    _write_folder(folder, files)
    return Bundle(config, calibration, folder, checksums)


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle and check every file in it.

    Raises `BundleError`, with what to do, when a file is missing, altered or not understood.
    """
    checksums = _read_checksums(folder)
    for name, expected in checksums.items():
        if not (folder / name).is_file():
            raise BundleError(f"{folder / name} is missing: fetch or train the model again")
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise BundleError(
                f"{folder / name} was altered since it was written (its SHA-256 differs):"
                " fetch or train the model again"
            )
    for name in sorted(_KNOWN - checksums.keys()):
        if (folder / name).exists():
            raise BundleError(f"{folder / name} has no checksum: take it out or save it anew")
    config = _parse(folder / _SYSTEM, SystemConfig)
    return Bundle(config, _parse(folder / _CALIBRATION, Calibration), folder, checksums)


def _read_checksums(folder: Path) -> dict[str, str]:
    path = folder / _CHECKSUMS
    if not path.is_file():
        raise BundleError(f"{folder} is no model bundle: it has no {_CHECKSUMS}")
    try:
        checksums = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BundleError(f"{path} is not JSON: fetch or train the model again") from error
    if not isinstance(checksums, dict) or not all(
        isinstance(value, str) for value in checksums.values()
    ):
        raise BundleError(f"{path} must map file names to checksums")
    unknown, missing = checksums.keys() - _KNOWN, _REQUIRED - checksums.keys()
    if unknown:
        raise BundleError(
            f"{path} lists {', '.join(sorted(unknown))}, which no bundle of this version holds:"
            " update Auricle or train the model again"
        )
    if missing:
        raise BundleError(f"{path} does not list {', '.join(sorted(missing))}: save it anew")
    if not checksums.keys() & {_WEIGHTS, _ONNX}:
        raise BundleError(f"{path} lists neither {_ONNX} nor {_WEIGHTS}: save it anew")
    return checksums


def _parse(path: Path, kind: type[Model]) -> Model:
    try:
        return kind.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError) as error:
        raise BundleError(
            f"{path} is not understood: update Auricle or train the model again\n{error}"
        ) from error


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, content in files.items():
        (part / name).write_bytes(content)
    if folder.exists():
        shutil.rmtree(folder)
    part.rename(folder)
