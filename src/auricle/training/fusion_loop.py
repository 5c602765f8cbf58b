"""From a recipe and rated clips to a finished fused system."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from auricle.core.errors import ConfigError
from auricle.data.rated import RatedClip
from auricle.encoders.cache import EmbeddingCache, Precision
from auricle.encoders.waveform import WaveformEncoder
from auricle.heads.member import MemberHead
from auricle.systems.config import Name
from auricle.systems.encoders import load_encoders
from auricle.systems.estimate import Estimate
from auricle.systems.fusion import Fusion
from auricle.systems.fusion_config import FusionConfig
from auricle.systems.listener import Listener
from auricle.training.embeddings import EmbeddedClips, Progress, embed_clips
from auricle.training.fusion_bundle import calibrate_axes, calibration_rows, write_fusion
from auricle.training.fusion_fit import OnMemberEpoch, fit_member, load_member, rate
from auricle.training.fusion_recipe import FusionRecipe
from auricle.training.fusion_tuning import merge_encoders, rate_samples, tune_member
from auricle.training.judging import dataset
from auricle.training.sampled_clips import SampledClips, sample_clips

_RESULT = "result.json"


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Loaded encoders, the configuration that tells all of them, and the embedded clips."""

    encoders: dict[Name, WaveformEncoder]
    config: FusionConfig
    embedded: EmbeddedClips


def prepare(
    config: FusionConfig,
    precision: Precision,
    clips: Sequence[RatedClip],
    audio: Path,
    cache: Path,
    on_clip: Progress | None = None,
) -> Prepared:
    """Load encoders and embed clips.

    Raises what those raise, and `DataError` when the validation split is too small to calibrate on.
    """
    encoders, resolved = load_encoders(config)
    store = EmbeddingCache(cache, precision)
    listener = Listener(resolved, encoders)
    embedded = embed_clips(resolved, listener, clips, audio, store, progress=on_clip)
    _try_calibration(resolved, embedded)
    return Prepared(encoders, resolved, embedded)


def train_fusion(
    recipe: FusionRecipe,
    clips: Sequence[RatedClip],
    audio: Path,
    cache: Path,
    output: Path,
    *,
    resume: bool = True,
    on_clip: Progress | None = None,
    on_epoch: OnMemberEpoch | None = None,
) -> tuple[Path, EmbeddedClips | SampledClips]:
    """Train one member; return the folder of the finished bundle, and the clips it is made from.

    `clips` have paths relative to `audio`. Embeddings, or samples for encoders that learn, go to
    `cache`, all else to `output`. Raises `DataError` when clips and recipe don't fit, `ConfigError`
    when an encoder cannot be had.
    """
    if recipe.train_encoder != "frozen":
        return _tune_fusion(
            recipe, clips, audio, cache, output, resume=resume, on_clip=on_clip, on_epoch=on_epoch
        )
    prepared = prepare(recipe.system, recipe.data.precision, clips, audio, cache, on_clip)
    embedded = prepared.embedded
    member = train_member(recipe, embedded, output, resume=resume, on_epoch=on_epoch)
    unseen = calibration_rows(embedded.clips)
    estimate = rate(recipe, member, embedded, unseen)
    calibration = calibrate_axes(recipe.system.axes, estimate, embedded.ratings[unseen])
    fusion = Fusion(prepared.encoders, [member], prepared.config)
    return write_fusion(output / "bundle", fusion, prepared.config, calibration, output), embedded


def _tune_fusion(
    recipe: FusionRecipe,
    clips: Sequence[RatedClip],
    audio: Path,
    cache: Path,
    output: Path,
    *,
    resume: bool,
    on_clip: Progress | None,
    on_epoch: OnMemberEpoch | None,
) -> tuple[Path, SampledClips]:
    """Train one member and its encoders."""
    encoders, config = load_encoders(recipe.system)
    sampled = sample_clips(config, clips, audio, cache, progress=on_clip)
    _try_calibration(config, sampled)
    network = tune_member(
        recipe, encoders, config, sampled, output, resume=resume, on_epoch=on_epoch
    )
    _write_recipe(recipe, output)
    unseen = calibration_rows(sampled.clips)
    estimate = rate_samples(network, sampled, unseen)
    calibration = calibrate_axes(config.axes, estimate, sampled.ratings[unseen])
    merged, config = merge_encoders(network)
    fusion = Fusion(merged, [network.member], config)
    return write_fusion(output / "bundle", fusion, config, calibration, output), sampled


def train_member(
    recipe: FusionRecipe,
    embedded: EmbeddedClips,
    output: Path,
    *,
    resume: bool = True,
    on_epoch: OnMemberEpoch | None = None,
) -> MemberHead:
    """Train a member in `output`, or load it from there if it was trained by the same recipe.

    Raises `ConfigError` when another recipe, or other clips, gave what is there, unless `resume` is
    off; and what `fit_member` raises.
    """
    fingerprint = _fingerprint(recipe, embedded)
    result = output / _RESULT
    if resume and result.is_file():
        if _read_fingerprint(result) == fingerprint:
            return load_member(recipe, embedded, output)
        raise ConfigError(
            f"{output} holds a training by another recipe or on other clips: train into another"
            " folder, or without resuming"
        )
    result.unlink(missing_ok=True)
    output.mkdir(parents=True, exist_ok=True)
    _write_recipe(recipe, output)
    member = fit_member(recipe, embedded, output, on_epoch=on_epoch)
    # Written last: it says that the rest is complete.
    result.write_text(json.dumps({"fingerprint": fingerprint}) + "\n", encoding="utf-8")
    return member


def _try_calibration(config: FusionConfig, heard: EmbeddedClips | SampledClips) -> None:
    """Calibrate before the training: what is missing should not be missed afterwards."""
    labels = heard.ratings[calibration_rows(heard.clips)]
    calibrate_axes(config.axes, Estimate(labels, np.zeros((len(labels), 0, 0))), labels)


def _write_recipe(recipe: FusionRecipe, output: Path) -> None:
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    (output / "recipe.yaml").write_text(text, encoding="utf-8")


def _fingerprint(recipe: FusionRecipe, embedded: EmbeddedClips) -> str:
    digest = hashlib.sha256(recipe.model_dump_json().encode())
    digest.update(repr(embedded.identity).encode())
    for clip, ratings in zip(embedded.clips, embedded.ratings.tolist(), strict=True):
        sources = (dataset(clip), clip.system, clip.domain)
        digest.update(f"{clip.id} {clip.split} {ratings} {sources}".encode())
    return digest.hexdigest()


def _read_fingerprint(path: Path) -> str | None:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts.get("fingerprint") if isinstance(facts, dict) else None
