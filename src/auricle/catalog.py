"""Which metrics there are: a literal table, and how to get one ready.

Embedded bundles lie in `auricle/models/NAME.TAG`. The table repeats the SHA-256 of each model,
so that a damaged or exchanged file is noticed even when its folder is consistent in itself.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from auricle.core.errors import BundleError, ConfigError, UnknownMetricError
from auricle.reference.base import PairMetric, ReferenceMetric
from auricle.reference.haaqi import Haaqi
from auricle.reference.log_spectral import LogSpectral
from auricle.reference.peaq import Peaq
from auricle.reference.pesq import Pesq
from auricle.reference.stoi import ExtendedStoi, Stoi
from auricle.reference.visqol_metric import VisqolMetric
from auricle.reference.zimtohrli import Zimtohrli
from auricle.systems.bundle import AnyBundle, Bundle, DistanceBundle, read_any_bundle
from auricle.systems.distance_runtime import DistanceMetric
from auricle.systems.fusion_runtime import FusionMetric
from auricle.systems.metric import Metric
from auricle.systems.runtime import QualityMetric


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the catalog; `licence` is the weights'."""

    name: str
    tag: str
    sha256: str
    licence: str

    @property
    def full_name(self) -> str:
        """`name.tag`."""
        return f"{self.name}.{self.tag}"

    @property
    def folder(self) -> Path:
        """Where the bundle lies in the installed package."""
        return Path(str(files("auricle"))) / "models" / self.full_name


_ENTRIES = (
    Entry(
        name="codec-music",
        tag="v3",
        sha256="3044e2cac662cb2ec3824e1439821f2cd1e87e65aae942fb9dd2e60144d97719",
        licence="Apache-2.0",
    ),
    Entry(
        name="speech",
        tag="v1",
        sha256="42c599cd64286242789e182b8825f03096926bdaf5029f9346bd0986460a5e87",
        licence="Apache-2.0",
    ),
)

_DISTANCE_ENTRIES = (
    Entry(
        name="deepaq-fullband",
        tag="v1",
        sha256="b72a0ed802203f619a4d4e490a0519b9a12390203a559b64afaee1a9c0a1c29e",
        licence="Apache-2.0",
    ),
    Entry(
        name="deepaq-codec",
        tag="v1",
        sha256="25cc2e5e0e4050e8c250f1240157ffd9bc160309f5d4b71fdbed6f11b0fc342b",
        licence="Apache-2.0",
    ),
)

CATALOG: Mapping[str, Entry] = MappingProxyType({entry.full_name: entry for entry in _ENTRIES})

DISTANCE_CATALOG: Mapping[str, Entry] = MappingProxyType(
    {entry.full_name: entry for entry in _DISTANCE_ENTRIES}
)
"""Trained systems that compare with a reference."""

_COMPARING: tuple[type[ReferenceMetric], ...] = (
    VisqolMetric,
    Pesq,
    Stoi,
    ExtendedStoi,
    LogSpectral,
    Zimtohrli,
    Haaqi,
    Peaq,
)

REFERENCE_CATALOG: Mapping[str, type[ReferenceMetric]] = MappingProxyType(
    {metric.spec.full_name: metric for metric in _COMPARING}
)
"""Metrics that compare with a reference: each has its `spec`, and is made by calling it."""


DEFAULT_REFERENCE_METRIC = "deepaq-fullband"
"""What `auricle compare` compares by unless told otherwise."""

DEFAULT_BANK_METRIC = "deepaq-codec"
"""What `auricle bank build` embeds by unless told otherwise."""


def find_metric(name: str) -> Entry:
    """Return the entry of the embedded bundle called `name` or `name.tag`.

    Raises `UnknownMetricError` when there is none, or when several tags share the name.

    >>> find_metric("codec-music").full_name
    'codec-music.v3'
    """
    entries = {**CATALOG, **DISTANCE_CATALOG}
    if name in entries:
        return entries[name]
    tagged = [entry for entry in entries.values() if entry.name == name]
    if len(tagged) == 1:
        return tagged[0]
    if tagged:
        names = ", ".join(entry.full_name for entry in tagged)
        raise UnknownMetricError(f"{name!r} could be {names}: say which")
    if _comparing(name) is not None:
        raise UnknownMetricError(needs_reference(name))
    if Path(name).is_dir():
        raise UnknownMetricError(
            f"{name}: the folder holds no bundle, for it has no system.yaml; what 'auricle train'"
            " makes is in its folder 'bundle'"
        )
    known = [*CATALOG, *(path.name for path in own_bundles())]
    near = difflib.get_close_matches(name, [*known, *(entry.name for entry in _ENTRIES)], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(known)}"
    raise UnknownMetricError(f"no metric is called {name!r}: {hint}")


def find_reference_metric(name: str) -> type[ReferenceMetric] | DistanceBundle:
    """Return the metric with a reference called `name` or `name.tag`, or a bundle of one.

    Bundles are found as by `find_bundle`. Raises `UnknownMetricError` when there is none, and
    `BundleError`.

    >>> find_reference_metric("pesq").spec.full_name
    'pesq.wb'
    """
    found = _comparing(name)
    if found is not None:
        return found
    embedded = [*CATALOG.values(), *DISTANCE_CATALOG.values()]
    known = {entry.name for entry in embedded} | {entry.full_name for entry in embedded}
    if name in known or _own_bundle(name) is not None or Path(name, "system.yaml").is_file():
        bundle = find_bundle(name)
        if isinstance(bundle, DistanceBundle):
            return bundle
        raise UnknownMetricError(f"{name} needs no reference: auricle score FILE --metric {name}")
    names = [metric.spec.name for metric in _COMPARING]
    names += [entry.name for entry in DISTANCE_CATALOG.values()]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(names)}"
    raise UnknownMetricError(f"no metric with a reference is called {name!r}: {hint}")


def needs_reference(name: str) -> str:
    """Return what to tell those who score by a metric that compares."""
    return f"{name} needs a reference: auricle compare REFERENCE DEGRADED --metric {name}"


def _comparing(name: str) -> type[ReferenceMetric] | None:
    named = (m for m in _COMPARING if name in (m.spec.name, m.spec.full_name))
    return next(named, None)


def find_bundle(name: str) -> AnyBundle:
    """Return the checked bundle of a catalog name, or of a bundle folder given as a path.

    Bundles of one's own have names too: those of their folders in `AURICLE_MODELS`, with or
    without the tag. A released name always means the released model.

    Raises `UnknownMetricError` or `BundleError`.

    >>> find_bundle("codec-music").config.spec.sample_rate
    48000
    """
    if Path(name, "system.yaml").is_file():
        return read_any_bundle(Path(name))
    own = _own_bundle(name)
    if own is not None:
        return read_any_bundle(own)
    entry = find_metric(name)
    bundle = read_any_bundle(entry.folder)
    if bundle.model_sha256 != entry.sha256:
        raise BundleError(
            f"{entry.folder}: the model is not the one this version was released with;"
            " reinstall auricle"
        )
    return bundle


def own_bundles() -> list[Path]:
    """Return the folders of the bundles in `AURICLE_MODELS`, each called as its metric is.

    Raises `ConfigError` when that folder is not there.
    """
    models = os.environ.get("AURICLE_MODELS")
    if not models:
        return []
    if not Path(models).is_dir():
        raise ConfigError(f"AURICLE_MODELS names {models}, where there is no folder")
    return [path.parent for path in sorted(Path(models).glob("*/system.yaml"))]


def _own_bundle(name: str) -> Path | None:
    """Return the folder of a bundle of one's own, if no released metric is called so."""
    entries = {**CATALOG, **DISTANCE_CATALOG}
    if name in {entry.name for entry in entries.values()} | entries.keys():
        return None
    fitting = [p for p in own_bundles() if name in (p.name, p.name.partition(".")[0])]
    if len(fitting) > 1:
        names = ", ".join(path.name for path in fitting)
        raise UnknownMetricError(f"{name!r} could be {names}: say which")
    return fitting[0] if fitting else None


@lru_cache(maxsize=4)
def load(metric: str) -> Metric:
    """Return a metric, ready to run, by its catalog name or the path of a bundle folder.

    Raises `UnknownMetricError`, also for one that needs a reference, or `BundleError`.

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(0.0, 0.1, 48000)
    >>> 0.0 <= load("codec-music")(noise, 48000).value <= 100.0
    True
    """
    bundle = find_bundle(metric)
    if isinstance(bundle, DistanceBundle):
        raise UnknownMetricError(needs_reference(metric))
    return QualityMetric(bundle) if isinstance(bundle, Bundle) else FusionMetric(bundle)


@lru_cache(maxsize=8)
def load_reference_metric(metric: str) -> PairMetric:
    """Return a metric with a reference, ready to run, by its name or the path of a bundle folder.

    Raises `UnknownMetricError`, `BundleError`, and `MissingDependencyError` or `ConfigError` when a
    package that it needs is not installed.

    >>> import numpy as np
    >>> from auricle.core.audio import Audio
    >>> noise = Audio.from_array(np.random.default_rng(0).normal(0.0, 0.1, 48000), 48000)
    >>> load_reference_metric("log-spectral")(noise, noise).value
    0.0
    """
    found = find_reference_metric(metric)
    return DistanceMetric(found) if isinstance(found, DistanceBundle) else found()


def load_distance_metric(metric: str) -> DistanceMetric:
    """Return a metric that judges by distance, as a bank of clean recordings needs it.

    Raises what `load_reference_metric` raises, and `UnknownMetricError` for another metric.
    """
    found = load_reference_metric(metric)
    if isinstance(found, DistanceMetric):
        return found
    able = ", ".join(DISTANCE_CATALOG)
    raise UnknownMetricError(f"{metric} has no embeddings for a bank of recordings: use {able}")
