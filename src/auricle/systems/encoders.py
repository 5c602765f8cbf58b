"""Which encoder is built how, and where its weights come from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from auricle.core.errors import ConfigError
from auricle.encoders.aisfx import Aisfx, load_aisfx
from auricle.encoders.checkpoints import find_checkpoint
from auricle.encoders.full_band import FullBandEncoder
from auricle.encoders.inner_layer import InnerLayer
from auricle.encoders.m2d import M2d, M2dConfig, load_m2d
from auricle.encoders.mel_cnn import MelCnn
from auricle.encoders.mel_encoders import MelCnnEncoder, MelStatistics, load_mel_cnn
from auricle.encoders.muq import Muq, MuqConfig, load_muq
from auricle.encoders.package_weights import PACKAGED, find_package_weights
from auricle.encoders.transformer import (
    TransformerKind,
    build_transformer,
    load_transformer,
)
from auricle.encoders.waveform import WaveformEncoder
from auricle.encoders.whisper import build_whisper, load_whisper
from auricle.signal.front_ends import FrontEnd
from auricle.signal.music_front_ends import M2dMel
from auricle.signal.spectra import LogMel
from auricle.signal.speech_front_ends import Standardise
from auricle.systems.bundle import read_bundle
from auricle.systems.config import Name
from auricle.systems.fusion_config import EncoderSource, FusionConfig
from auricle.systems.fusion_front_end import read_front_end

Settings = dict[str, Any]
Loaded = tuple[WaveformEncoder, Settings]

_MODELS = Path(str(files("auricle"))) / "models"


def load_encoders(config: FusionConfig) -> tuple[dict[Name, WaveformEncoder], FusionConfig]:
    """Load the encoders that a member reads, frozen; return them with the resolved configuration.

    That has the networks' settings, front ends, checksums and licences filled in, and leaves out
    encoders that nobody reads. An encoder without `weights` gets random ones, by its `settings`,
    the same every time.
    Raises `ConfigError` that says how to get weights which are not there.
    """
    encoders: dict[Name, WaveformEncoder] = {}
    sources: dict[Name, EncoderSource] = {}
    for name, source in config.used_encoders.items():
        try:
            encoder, sources[name] = load_encoder(source)
        except ConfigError as error:
            raise ConfigError(f"encoder {name}: {error}") from error
        encoders[name] = encoder.eval().requires_grad_(False)
    return encoders, config.model_copy(update={"encoders": sources})


def load_encoder(source: EncoderSource) -> tuple[WaveformEncoder, EncoderSource]:
    """Load one encoder as `load_encoders` does, but not frozen; return it with what it is."""
    encoder, settings = _load(source)
    told = {
        "settings": settings,
        "front_end": describe_front_end(encoder.front_end),
        "sha256": encoder.facts.sha256,
        "licence": encoder.facts.licence,
    }
    return encoder, source.model_copy(update=told)


def build_encoder(source: EncoderSource) -> WaveformEncoder:
    """Build an encoder by its `settings` and `front_end`, with fresh weights.

    >>> build_encoder(EncoderSource(kind="mel_statistics", settings={})).facts.features
    384
    """
    try:
        return _pick_layer(_BUILDERS[source.kind](source, source.settings or {}), source)
    except (ValidationError, TypeError) as error:
        raise ConfigError(f"these are no settings of {source.kind}: {error}") from error


def describe_front_end(front_end: FrontEnd) -> Settings:
    """Return a front end as `read_front_end` reads it."""
    return {"kind": type(front_end).__name__, **asdict(front_end)}


def _load(source: EncoderSource) -> Loaded:
    if source.weights:
        encoder, settings = _LOADERS[source.kind](source)
        return _pick_layer(encoder, source), settings
    if source.settings is None:
        raise ConfigError("say where its 'weights' are, or the 'settings' of a random one")
    # The same ones every time: embeddings and trainings are known again by them.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_encoder(source), source.settings


def _pick_layer(encoder: WaveformEncoder, source: EncoderSource) -> WaveformEncoder:
    return encoder if source.layer is None else InnerLayer(encoder, source.layer)


def _load_transformer(source: EncoderSource) -> Loaded:
    checkpoint = find_checkpoint(source.weights, source.revision)
    kind: TransformerKind = source.kind  # type: ignore[assignment]  # by the table below
    return load_transformer(kind, checkpoint, licence=source.licence), checkpoint.config


def _load_whisper(source: EncoderSource) -> Loaded:
    if source.weights in PACKAGED:
        packaged = find_package_weights(source.weights)
        return load_whisper(packaged, licence=source.licence or "MIT"), packaged.config
    checkpoint = find_checkpoint(source.weights, source.revision)
    return load_whisper(checkpoint, licence=source.licence or "Apache-2.0"), checkpoint.config


def _load_muq(source: EncoderSource) -> Loaded:
    found = find_checkpoint(source.weights, source.revision)
    return load_muq(found.config, found.weights, found.sha256), found.config


def _load_aisfx(source: EncoderSource) -> Loaded:
    return load_aisfx(None if source.weights == "aisfx" else Path(source.weights)), {}


def _load_m2d(source: EncoderSource) -> Loaded:
    """Load a published file, whose folder's name says its sizes."""
    path = Path(source.weights)
    if not path.is_file():
        raise ConfigError(f"there are no weights at {path}: name the .pth or .safetensors file")
    sizes = M2dConfig.from_name(path.parent.name).model_dump(mode="json")
    return load_m2d(sizes, path, hashlib.sha256(path.read_bytes()).hexdigest()), sizes


def _load_mel_cnn(source: EncoderSource) -> Loaded:
    """Load the encoder of a bundle: an embedded one by its name, or a folder."""
    embedded = _MODELS / source.weights
    folder = embedded if embedded.is_dir() else Path(source.weights)
    bundle = read_bundle(folder)
    if bundle.config.encoder.kind != "mel_cnn":
        raise ConfigError(f"{folder} has another encoder: {bundle.config.encoder.kind}")
    settings = bundle.config.encoder.model_dump(mode="json", exclude={"kind"})
    encoder = load_mel_cnn(
        bundle.config.front_end.build(),
        settings,
        load_file(bundle.weights),
        licence=bundle.config.licence,
        sha256=bundle.checksums[bundle.weights.name],
    )
    return encoder, settings


def _build_mel_cnn(source: EncoderSource, settings: Settings) -> WaveformEncoder:
    front_end = _read_log_mel(source)
    network = MelCnn(front_end.n_mels, **settings)
    return MelCnnEncoder(front_end, network, licence=source.licence, sha256=source.sha256)


def _build_m2d(source: EncoderSource, settings: Settings) -> WaveformEncoder:
    sizes = M2dConfig.model_validate(settings)
    if source.front_end is None:
        return M2d(sizes)
    front_end = read_front_end(source)
    if not isinstance(front_end, M2dMel):
        raise TypeError("its front end must be M2dMel")
    statistics = {"mean": front_end.mean, "deviation": front_end.deviation}
    return M2d(sizes, **statistics, licence=source.licence, sha256=source.sha256)


def _build_transformer(source: EncoderSource, settings: Settings) -> WaveformEncoder:
    front_end = read_front_end(source)
    if not isinstance(front_end, Standardise):
        raise TypeError("its front end must be Standardise")
    kind: TransformerKind = source.kind  # type: ignore[assignment]  # by the table below
    return build_transformer(
        kind,
        settings,
        sample_rate=front_end.sample_rate,
        do_normalize=front_end.do_normalize,
        licence=source.licence,
        sha256=source.sha256,
    )


def _build_mel_statistics(source: EncoderSource, settings: Settings) -> WaveformEncoder:
    if source.front_end is None:
        return MelStatistics(**settings)
    return MelStatistics(_read_log_mel(source), **settings)


def _build_full_band(source: EncoderSource, settings: Settings) -> WaveformEncoder:
    if source.front_end is None:
        return FullBandEncoder(**settings)
    told: Settings = {"licence": source.licence, "sha256": source.sha256}
    return FullBandEncoder(_read_log_mel(source), **settings, **told)


def _read_log_mel(source: EncoderSource) -> LogMel:
    front_end = read_front_end(source)
    if not isinstance(front_end, LogMel):
        raise TypeError("its front end must be LogMel")
    return front_end


def _refuse_weights(source: EncoderSource) -> Loaded:
    raise ConfigError(f"{source.kind} has no weights: leave 'weights' out, give 'settings'")


_LOADERS: Mapping[str, Callable[[EncoderSource], Loaded]] = {
    "wavlm": _load_transformer,
    "hubert": _load_transformer,
    "wav2vec2": _load_transformer,
    "mert": _load_transformer,
    "whisper": _load_whisper,
    "muq": _load_muq,
    "m2d": _load_m2d,
    "aisfx": _load_aisfx,
    "mel_cnn": _load_mel_cnn,
    "mel_statistics": _refuse_weights,
    "full_band": _refuse_weights,
}
_BUILDERS: Mapping[str, Callable[[EncoderSource, Settings], WaveformEncoder]] = {
    "wavlm": _build_transformer,
    "hubert": _build_transformer,
    "wav2vec2": _build_transformer,
    "mert": _build_transformer,
    "whisper": lambda source, settings: build_whisper(
        settings, licence=source.licence, sha256=source.sha256
    ),
    "muq": lambda source, settings: Muq(
        MuqConfig.model_validate(settings), licence=source.licence, sha256=source.sha256
    ),
    "m2d": _build_m2d,
    "aisfx": lambda source, _: Aisfx(sha256=source.sha256),
    "mel_cnn": _build_mel_cnn,
    "mel_statistics": _build_mel_statistics,
    "full_band": _build_full_band,
}
