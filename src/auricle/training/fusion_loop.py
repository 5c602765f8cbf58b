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
from auricle.heads.fusion import FusionHead
from auricle.systems.config import Name
from auricle.systems.encoders import load_encoders
from auricle.systems.fusion import Fusion
from auricle.systems.fusion_config import FusionConfig
from auricle.systems.listener import Listener
from auricle.training.embeddings import EmbeddedClips, Progress, embed_clips
from auricle.training.fusion_bundle import calibrate_axes, write_fusion
from auricle.training.fusion_fit import OnMemberEpoch, fit_member, load_member, rate
from auricle.training.fusion_recipe import FusionRecipe

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
    # Tried before the training: what is missing should not be missed afterwards.
    labels = embedded.ratings[[clip.split == "validation" for clip in embedded.clips]]
    calibrate_axes(resolved.axes, labels, labels)
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
) -> tuple[Path, EmbeddedClips]:
    """Train one member; return the folder of the finished bundle, and the clips it is made from.

    `clips` have paths relative to `audio`. Embeddings go to `cache`, all else to `output`. Raises
    `DataError` when clips and recipe don't fit, `ConfigError` when an encoder cannot be had.
    """
    prepared = prepare(recipe.system, recipe.data.precision, clips, audio, cache, on_clip)
    embedded = prepared.embedded
    member = train_member(recipe, embedded, output, resume=resume, on_epoch=on_epoch)
    unseen = np.flatnonzero([clip.split == "validation" for clip in embedded.clips])
    ratings = rate(recipe, member, embedded, unseen).astype(np.float64)
    calibration = calibrate_axes(recipe.system.axes, ratings, embedded.ratings[unseen])
    fusion = Fusion(prepared.encoders, [member], prepared.config)
    return write_fusion(output / "bundle", fusion, prepared.config, calibration), embedded


def train_member(
    recipe: FusionRecipe,
    embedded: EmbeddedClips,
    output: Path,
    *,
    resume: bool = True,
    on_epoch: OnMemberEpoch | None = None,
) -> FusionHead:
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
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    (output / "recipe.yaml").write_text(text, encoding="utf-8")
    member = fit_member(recipe, embedded, output, on_epoch=on_epoch)
    # Written last: it says that the rest is complete.
    result.write_text(json.dumps({"fingerprint": fingerprint}) + "\n", encoding="utf-8")
    return member


def _fingerprint(recipe: FusionRecipe, embedded: EmbeddedClips) -> str:
    digest = hashlib.sha256(recipe.model_dump_json().encode())
    digest.update(repr(embedded.identity).encode())
    for clip, ratings in zip(embedded.clips, embedded.ratings.tolist(), strict=True):
        digest.update(f"{clip.id} {clip.split} {ratings}".encode())
    return digest.hexdigest()


def _read_fingerprint(path: Path) -> str | None:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts.get("fingerprint") if isinstance(facts, dict) else None
