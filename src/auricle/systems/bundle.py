"""A trained system as a folder, with a checksum for every file.

```
system.yaml           the configuration
weights.safetensors   the weights for torch          (one of these
model.onnx            the network for ONNX Runtime    or both)
calibration.json      how what the network says becomes a score and its interval
density.json          which recordings are unlike those that it learned from (optional)
domains.json          what it was trained against, and clusters that tell it (optional)
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
from typing import Final, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auricle.core.errors import BundleError, DataError
from auricle.heads.calibration import Calibration
from auricle.heads.density import Density
from auricle.systems.config import SystemConfig
from auricle.systems.distance_calibration import DistanceCalibration
from auricle.systems.distance_config import DistanceConfig
from auricle.systems.fusion_config import FusionConfig

_SYSTEM = "system.yaml"
_WEIGHTS = "weights.safetensors"
_ONNX = "model.onnx"
_CALIBRATION = "calibration.json"
_DENSITY = "density.json"
DOMAINS: Final = "domains.json"
_CARD = "card.md"
_CHECKSUMS = "checksums.json"
_REQUIRED = frozenset({_SYSTEM, _CALIBRATION})
_KNOWN = _REQUIRED | {_WEIGHTS, _ONNX, _DENSITY, DOMAINS, _CARD}

Model = TypeVar("Model", bound=BaseModel)


class FusionCalibration(BaseModel):
    """How the ratings of a fused system become intervals: a calibration per axis, scale 0 to 1.

    All axes at once lie in intervals that are `joint` times as wide, None where too few clips were
    rated on all axes to know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    axes: dict[str, Calibration]
    joint: float | None = Field(default=None, gt=0.0, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class BundleFiles:
    """A folder whose files are all there and unaltered."""

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
    def has_onnx(self) -> bool:
        """Whether the model runs without torch."""
        return _ONNX in self.checksums

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the ONNX model, or of the weights where there is none."""
        return self.checksums[_ONNX if self.has_onnx else _WEIGHTS]

    @property
    def identity(self) -> str:
        """SHA-256 of all that scores and warnings depend on."""
        beside = (_CARD, DOMAINS)
        files = sorted(item for item in self.checksums.items() if item[0] not in beside)
        return hashlib.sha256(json.dumps(files).encode()).hexdigest()

    @property
    def density(self) -> Density | None:
        """What tells recordings out of its domain, if the bundle has it; raises `BundleError`."""
        if _DENSITY not in self.checksums:
            return None
        return _parse(self.folder / _DENSITY, Density)

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


@dataclass(frozen=True, slots=True)
class Bundle(BundleFiles):
    """The bundle of a system that rates quality from a spectrogram."""

    config: SystemConfig
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class FusionBundle(BundleFiles):
    """The bundle of a fused system."""

    config: FusionConfig
    calibration: FusionCalibration


@dataclass(frozen=True, slots=True)
class DistanceBundle(BundleFiles):
    """The bundle of a system that judges by distance."""

    config: DistanceConfig
    calibration: DistanceCalibration


AnyBundle = Bundle | FusionBundle | DistanceBundle


def save_fusion_bundle(
    folder: Path,
    config: FusionConfig,
    calibration: FusionCalibration,
    *,
    weights: Path,
    onnx: bytes | None = None,
    domains: Path | None = None,
    card: str | None = None,
) -> FusionBundle:
    """Write the bundle of a fused system to `folder`, in place of the one that may be there."""
    checksums = _save(folder, config, calibration, onnx, weights, card, domains=domains)
    return FusionBundle(folder, checksums, config, calibration)


def save_distance_bundle(
    folder: Path,
    config: DistanceConfig,
    calibration: DistanceCalibration,
    *,
    weights: bytes | Path | None = None,
    onnx: bytes | Path | None = None,
    density: Density | None = None,
    card: str | None = None,
) -> DistanceBundle:
    """Write the bundle of a system that judges by distance, in place of one that may be there.

    `config` is the resolved one; `weights` (safetensors), in which adapters are merged, and `onnx`
    are contents or files to copy. Raises `BundleError` for a configuration that was not resolved,
    and when there is neither.
    """
    if config.hop is None or config.encoder.front_end is None:
        raise BundleError("save the configuration that build_distance_network returned")
    if onnx is None and weights is None:
        raise BundleError("a bundle needs an ONNX model, weights, or both")
    checksums = _save(folder, config, calibration, onnx, weights, card, density)
    return DistanceBundle(folder, checksums, config, calibration)


def save_bundle(
    folder: Path,
    config: SystemConfig,
    calibration: Calibration,
    *,
    onnx: bytes | Path | None = None,
    weights: bytes | Path | None = None,
    density: Density | None = None,
    domains: Path | None = None,
    card: str | None = None,
) -> Bundle:
    """Write a bundle to `folder`, in place of the one that may be there.

    `onnx` and `weights` (safetensors) are contents or files to copy, `domains` is the file that
    the training left. Raises `BundleError` when
    neither is given.
    """
    if onnx is None and weights is None:
        raise BundleError("a bundle needs an ONNX model, weights, or both")
    checksums = _save(folder, config, calibration, onnx, weights, card, density, domains)
    return Bundle(folder, checksums, config, calibration)


def _save(
    folder: Path,
    config: BaseModel,
    calibration: BaseModel,
    onnx: bytes | Path | None,
    weights: bytes | Path | None,
    card: str | None,
    density: Density | None = None,
    domains: Path | None = None,
) -> dict[str, str]:
    contents = {
        _SYSTEM: yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False).encode(),
        _CALIBRATION: (calibration.model_dump_json(indent=2) + "\n").encode(),
        _ONNX: onnx.read_bytes() if isinstance(onnx, Path) else onnx,
        _WEIGHTS: weights.read_bytes() if isinstance(weights, Path) else weights,
        _DENSITY: density.model_dump_json().encode() + b"\n" if density is not None else None,
        DOMAINS: domains.read_bytes() if domains is not None else None,
        _CARD: card.encode() if card is not None else None,
    }
    files = {name: content for name, content in contents.items() if content is not None}
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files[_CHECKSUMS] = (json.dumps(checksums, indent=2) + "\n").encode()
    _write_folder(folder, files)
    return checksums


def read_bundle(folder: Path) -> Bundle:
    """Read the bundle of a system that rates quality from a spectrogram.

    Raises what `read_any_bundle` raises, and `BundleError` for one of another kind.
    """
    bundle = read_any_bundle(folder)
    if not isinstance(bundle, Bundle):
        raise BundleError(f"{folder} is a system of another kind: this needs a spectrogram's")
    return bundle


def read_any_bundle(folder: Path) -> AnyBundle:
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
    system, path = folder / _SYSTEM, folder / _CALIBRATION
    kind = _read_kind(system)
    if kind == "fusion":
        fused = _parse(system, FusionConfig)
        return FusionBundle(folder, checksums, fused, _parse(path, FusionCalibration))
    if kind == "distance":
        distance = _parse(system, DistanceConfig)
        return DistanceBundle(folder, checksums, distance, _parse(path, DistanceCalibration))
    config = _parse(system, SystemConfig)
    return Bundle(folder, checksums, config, _parse(path, Calibration))


def _read_kind(path: Path) -> object:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return None  # What is wrong with it is said where it is parsed.
    return tree.get("kind") if isinstance(tree, dict) else None


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
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError, DataError) as error:
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
