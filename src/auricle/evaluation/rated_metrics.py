"""Metrics by name for a benchmark: with a reference, without one, and Fréchet distances."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from auricle.api import assess, compare, compare_with_bank
from auricle.catalog import (
    CATALOG,
    DISTANCE_CATALOG,
    REFERENCE_CATALOG,
    find_bundle,
    find_reference_metric,
    load,
    load_distance_metric,
    load_reference_metric,
    own_bundles,
)
from auricle.core.audio import Audio, Samples
from auricle.core.errors import (
    AuricleError,
    ConfigError,
    MissingDependencyError,
    UnknownMetricError,
)
from auricle.core.score import Score
from auricle.core.spec import PERCENT, Domain, MetricSpec, Scale
from auricle.evaluation.peers import PEERS, load_peer
from auricle.reference.base import ReferenceMetric
from auricle.reference.frechet import make_frechet_metric
from auricle.signal.io import read_audio
from auricle.systems.distance_bank import read_bank
from auricle.systems.fusion_config import EncoderSource

_FRECHET = "fad-"
# Encoders by a short name; any other is called KIND:WEIGHTS.
_ENCODERS = {
    "mel": EncoderSource(kind="mel_statistics", settings={}),
    "codec-music": EncoderSource(kind="mel_cnn", weights="codec-music.v3"),
    "whisper-tiny.en": EncoderSource(kind="whisper", weights="whisper-tiny.en"),
    "whisper-base": EncoderSource(kind="whisper", weights="whisper-base"),
}
# What Whisper hears at once; others are given no more either, for the memory's sake.
_LONGEST = 30.0
# The packages whose version decides what a metric says.
_ENGINES = {
    "visqol": "visqol-python",
    "pesq": "pesq",
    "stoi": "pystoi",
    "estoi": "pystoi",
    "zimtohrli": "zimtohrli",
    "haaqi": "pyclarity",
    "dnsmos": "speechmos",
    "distill-mos": "distillmos",
}


@dataclass(frozen=True, slots=True)
class Contender:
    """A metric in a benchmark: `name` is how it was asked for, `identity` what decides its values.

    `sign` is 1 where higher values mean better quality, -1 for distances. Of its spec come the
    `domain`, whether it `needs_reference`, the `scale`, and the `axes` where there are several: the
    first is judged.
    """

    name: str
    full_name: str
    sign: float
    identity: str
    domain: Domain = "any"
    needs_reference: bool = True
    scale: Scale = PERCENT
    axes: tuple[str, ...] = ()


def find_contenders(names: list[str]) -> tuple[list[Contender], list[str]]:
    """Return the metrics of these names, or every one that is installed.

    Those are embedded systems and those in `AURICLE_MODELS`, metrics with a reference, and
    `auricle.evaluation.peers`. Of those that nobody asked for the second list says why they cannot
    run. Raises what loading a metric that was asked for raises: `UnknownMetricError`,
    `MissingDependencyError`, `ConfigError`, `BundleError`.

    The Fréchet distance of an encoder's last layer is called "fad-mel", "fad-codec-music",
    "fad-whisper-tiny.en", "fad-whisper-base" or, of any other encoder, "fad-KIND:WEIGHTS" as a
    recipe names it. It embeds a recording in equal parts of at most 30 s. "dnsmos" and
    "distill-mos" are `auricle.evaluation.peers`. "NAME+BANK" is a metric that judges by distance,
    with a file of clean recordings instead of the matching reference.

    >>> [contender.sign for contender in find_contenders(["stoi", "log-spectral"])[0]]
    [1.0, -1.0]
    """
    if names:
        return [_find(name) for name in dict.fromkeys(names)], []
    found, missing = [], []
    for name in _installed_names():
        try:
            found.append(_find(name))
        except AuricleError as error:
            missing.append(f"{name} is left out: {error}")
    return found, missing


def _installed_names() -> list[str]:
    """Return what may be installed, by the shortest name that means one thing only."""
    embedded = [*DISTANCE_CATALOG.values(), *CATALOG.values()]
    single = [entry.name for entry in embedded]
    return [
        *(entry.name if single.count(entry.name) == 1 else entry.full_name for entry in embedded),
        *(path.name for path in own_bundles()),
        *(metric.spec.name for metric in REFERENCE_CATALOG.values()),
        *dict.fromkeys(peer.spec.name for peer in PEERS.values()),
    ]


def load_contender(name: str) -> None:
    """Load the metric of that name, as scoring the first pair would; raises what that raises."""
    if name in PEERS:
        load_peer(name)
    else:
        _find(name)


def score_pair(name: str, reference: Path, degraded: Path) -> Score:
    """Score a degraded file by the metric of that name, which may do without the reference.

    Raises what scoring raises: `InputError` or `LabelError`.
    """
    if name.startswith(_FRECHET):
        return _load_frechet(name).metric(read_audio(reference), read_audio(degraded))
    if name in PEERS:
        return load_peer(name).score_file(degraded)
    metric, bank = _split(name)
    if bank is not None:
        report = compare_with_bank(degraded, bank, metric)
    elif _compares(name):
        report = compare([(reference, degraded)], name)
    else:
        report = assess(degraded, name)
    for result in report:
        if result.error is not None:
            raise result.error
    (score,) = report.scores
    return score


def score_audio(name: str, reference: Audio, degraded: Audio) -> Score:
    """Score degraded audio in memory by the metric of that name, which may do without a reference.

    Raises what scoring raises: `InputError` or `LabelError`.
    """
    if name.startswith(_FRECHET):
        return _load_frechet(name).metric(reference, degraded)
    if name in PEERS:
        return load_peer(name)(degraded.samples, degraded.sample_rate)
    metric, bank = _split(name)
    if bank is not None:
        return load_distance_metric(metric).compare_with_bank(degraded, read_bank(bank))
    if _compares(name):
        return load_reference_metric(name)(reference, degraded)
    return load(name)(degraded.samples, degraded.sample_rate)


def _find(name: str) -> Contender:
    if name.startswith(_FRECHET):
        frechet = _load_frechet(name)
        return _contender(name, frechet.metric.spec, frechet.identity)
    if name in PEERS:
        peer = PEERS[name]
        # Found, not loaded: a benchmark of what is known already need not wait for torch.
        weights = peer.find_weights().read_bytes()
        return _contender(name, peer.spec, hashlib.sha256(weights).hexdigest())
    base, bank = _split(name)
    if bank is not None:
        distance = load_distance_metric(base)
        distance.require_bank(read_bank(bank))
        content = hashlib.sha256(bank.read_bytes()).hexdigest()
        return _contender(name, distance.spec, find_bundle(base).identity + content)
    _require_known(name)
    metric = load_reference_metric(name) if _compares(name) else load(name)
    model = "" if isinstance(metric, ReferenceMetric) else find_bundle(name).identity
    return _contender(name, metric.spec, model)


def _require_known(name: str) -> None:
    """Raise `UnknownMetricError` that tells of all there are, where no metric is called so."""
    try:
        _compares(name)
    except UnknownMetricError as error:
        known = _installed_names()
        # Of a folder, and of a name that several have, there is something else to say.
        if Path(name).is_dir() or any(one.partition(".")[0] == name for one in known):
            raise
        near = difflib.get_close_matches(name.lower(), known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        encoders = ", ".join(f"{_FRECHET}{one}" for one in _ENCODERS)
        raise UnknownMetricError(
            f"no metric is called {name!r}: {hint}there are {', '.join(known)}, {encoders}"
        ) from error


def _contender(name: str, spec: MetricSpec, model: str) -> Contender:
    facts = [spec.full_name, model, version("auricle"), _engine_version(spec.name)]
    identity = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return Contender(
        name=name,
        full_name=spec.full_name,
        sign=1.0 if spec.scale.higher_is_better else -1.0,
        identity=identity,
        domain=spec.domain,
        needs_reference=spec.needs_reference,
        scale=spec.scale,
        axes=spec.axes if len(spec.axes) > 1 else (),
    )


def _engine_version(name: str) -> str:
    try:
        return version(_ENGINES[name])
    except (KeyError, PackageNotFoundError):
        return ""


def _split(name: str) -> tuple[str, Path | None]:
    """Return the metric and the bank of "NAME+BANK", or all of the name where it is a metric's.

    Either may have a plus of its own: of several ways to read it the first whose bank is there is
    meant.
    """
    plus = [place for place, letter in enumerate(name) if letter == "+"]
    if not plus or _is_known(name):
        return name, None
    ways = [(name[:place], Path(name[place + 1 :])) for place in plus if _is_known(name[:place])]
    found = [way for way in ways if way[1].is_file()]
    return next(iter(found or ways), (name, None))


def _is_known(name: str) -> bool:
    try:
        _compares(name)
    except UnknownMetricError:
        return False
    return True


def _compares(name: str) -> bool:
    """Whether a metric has a reference; raises `UnknownMetricError` when there is none."""
    try:
        find_reference_metric(name)
    except UnknownMetricError:
        find_bundle(name)
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Frechet:
    metric: ReferenceMetric
    identity: str


@lru_cache(maxsize=4)
def _load_frechet(name: str) -> _Frechet:
    """Load "fad-" and a short name, or "fad-KIND:WEIGHTS" as a recipe names an encoder."""
    try:
        import torch

        from auricle.systems.encoders import load_encoder
    except ImportError as error:
        raise MissingDependencyError("torch", extra="train") from error
    source = _encoder_source(name)
    encoder, told = load_encoder(source)
    encoder.eval()
    rate = encoder.facts.sample_rate

    def embed(samples: Samples) -> NDArray[np.float64]:
        parts = np.array_split(samples, math.ceil(samples.size / (_LONGEST * rate)))
        with torch.inference_mode():
            found = [encoder.embed([part]) for part in parts]
        frames = [one.values[0, -1, : int(one.frames[0])].double().numpy() for one in found]
        return np.concatenate(frames)

    metric = make_frechet_metric(
        name.removeprefix(_FRECHET),
        embed,
        sample_rate=rate,
        shortest=max(0.5, 4.0 * encoder.facts.hop / rate),
        licence=told.licence,
    )
    return _Frechet(metric(), told.model_dump_json())


def _encoder_source(name: str) -> EncoderSource:
    wanted = name.removeprefix(_FRECHET)
    if wanted in _ENCODERS:
        return _ENCODERS[wanted]
    kind, colon, weights = wanted.partition(":")
    if not colon:
        known = ", ".join(f"{_FRECHET}{one}" for one in _ENCODERS)
        raise UnknownMetricError(
            f"no encoder is called {wanted}: there is {known}, or fad-KIND:WEIGHTS"
        )
    try:
        return EncoderSource.model_validate({"kind": kind, "weights": weights})
    except ValidationError as error:
        raise ConfigError(f"{name}: {kind!r} is no kind of encoder") from error
