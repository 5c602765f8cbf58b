"""Rated clips with the embeddings that frozen encoders make of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Samples
from auricle.core.errors import DataError, InputError, SignalError, UnreadableFileError
from auricle.data.rated import RatedClip
from auricle.encoders.cache import EmbeddingCache
from auricle.encoders.waveform import WaveformEncoder
from auricle.heads.fusion import Shape
from auricle.signal.checks import SignalMonitor, is_silent
from auricle.signal.io import AudioStream
from auricle.signal.resample import resample_blocks
from auricle.systems.config import Name
from auricle.systems.encoders import describe_front_end
from auricle.systems.fusion_config import FusionConfig
from auricle.systems.listener import Listener

Progress = Callable[[int, int], None]
FoundT = TypeVar("FoundT")


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedClips:
    """Clips, their ratings `[clip, axis]` on the axes' scales, and where their embeddings lie.

    A missing rating is NaN. `unheard` are the clips that could not be read, and why.
    """

    clips: tuple[RatedClip, ...]
    ratings: NDArray[np.float64]
    shapes: dict[Name, Shape]
    unheard: tuple[tuple[str, str], ...]
    _keys: dict[Name, tuple[str, ...]]
    _cache: EmbeddingCache

    @property
    def identity(self) -> str:
        """SHA-256 of what all embeddings are made from."""
        return hashlib.sha256(repr(sorted(self._keys.items())).encode()).hexdigest()

    def embedding(self, name: Name, row: int) -> NDArray[np.floating]:
        """Return what an encoder makes of a clip, `[layer, bin, feature]`, memory-mapped."""
        key = self._keys[name][row]

        def gone() -> NDArray[np.floating]:
            raise DataError(f"the embedding of {self.clips[row].path} is gone: embed it again")

        return self._cache.get(key, gone)


class HeardClips(NamedTuple, Generic[FoundT]):
    """Clips that could be heard, their ratings, those that could not, and what was `found`."""

    clips: tuple[RatedClip, ...]
    ratings: NDArray[np.float64]
    unheard: tuple[tuple[str, str], ...]
    found: tuple[FoundT, ...]


def embed_clips(
    config: FusionConfig,
    listener: Listener,
    clips: Sequence[RatedClip],
    folder: Path,
    cache: EmbeddingCache,
    *,
    progress: Progress | None = None,
) -> EmbeddedClips:
    """Embed clips (paths relative to `folder`), unless the cache holds them already.

    Audio is read as when scoring, and only where an embedding is missing. Files that could not be
    scored (unreadable, too short, silent, not finite) are left out and named. Raises `DataError`
    when none is left, an axis of the system is rated in none, or a rating lies beyond its axis's
    scale.
    """
    settings = {name: _settings(config, listener, name) for name in listener.encoders}

    def keep(path: Path) -> dict[Name, str]:
        content = identify_file(path)
        keys = {name: cache.key(settings[name], content) for name in settings}
        _embed(config, listener, path, keys, cache)
        return keys

    heard = hear_clips(config, clips, folder, keep, progress)
    names = {name: tuple(keys[name] for keys in heard.found) for name in settings}
    return EmbeddedClips(heard.clips, heard.ratings, listener.shapes, heard.unheard, names, cache)


def hear_clips(
    config: FusionConfig,
    clips: Sequence[RatedClip],
    folder: Path,
    keep: Callable[[Path], FoundT],
    progress: Progress | None = None,
) -> HeardClips[FoundT]:
    """Call `keep` with the path of every clip; raises what `embed_clips` does."""
    _check_ratings(config, clips)
    heard: list[tuple[RatedClip, FoundT]] = []
    unheard: list[tuple[str, str]] = []
    for count, clip in enumerate(clips, start=1):
        try:
            heard.append((clip, keep(folder / clip.path)))
        except InputError as error:
            unheard.append((clip.path, str(error)))
        if progress is not None:
            progress(count, len(clips))
    if not heard:
        reason = f": {unheard[0][0]}: {unheard[0][1]}" if unheard else ""
        raise DataError(f"none of the clips in {folder} could be heard{reason}")
    kept, found = zip(*heard, strict=True)
    ratings = np.array([[clip.mean(axis.name) for axis in config.axes] for clip in kept])
    return HeardClips(kept, ratings, tuple(unheard), found)


def _check_ratings(config: FusionConfig, clips: Sequence[RatedClip]) -> None:
    missing = [axis.name for axis in config.axes if not any(axis.name in c.scores for c in clips)]
    if missing:
        raise DataError(f"none of the clips is rated for {', '.join(missing)}")
    for axis in config.axes:
        # An engine may overshoot its highest grade by its last digits.
        reach = 0.01 * axis.span
        for clip in clips:
            rating = clip.mean(axis.name)
            if rating < axis.low - reach or rating > axis.high + reach:
                raise DataError(
                    f"{clip.id}: {axis.name} is {rating:g}, beyond the recipe's scale from"
                    f" {axis.low:g} to {axis.high:g}: mend system.axes, or the table"
                )


def identify_file(path: Path) -> str:
    """Return a file's SHA-256; raises `InputError` when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read: {error.strerror}") from error


def _embed(
    config: FusionConfig,
    listener: Listener,
    path: Path,
    keys: dict[Name, str],
    cache: EmbeddingCache,
) -> None:
    if all(cache.holds(key) for key in keys.values()):
        return
    found = listener.embed(read_mono(config, path))
    for name, key in keys.items():
        cache.get(key, partial(found.__getitem__, name))


def read_mono(config: FusionConfig, path: Path) -> Samples:
    """Return a file's samples `[time]` at the system's rate; raises what scoring it would."""
    with AudioStream(path) as stream:
        monitor = SignalMonitor(stream.sample_rate, stream.channels)
        mono = monitor.mix(stream.blocks())
        blocks = [*resample_blocks(mono, stream.sample_rate, config.sample_rate)]
    samples = np.concatenate([np.zeros(0, dtype=np.float32), *blocks])
    if samples.size < round(config.shortest * config.sample_rate):
        raise SignalError(
            f"it lasts {samples.size / config.sample_rate:.3f} s: at least {config.shortest:g} s"
            " are needed"
        )
    if is_silent(samples):
        raise SignalError("it is silent: there is nothing to judge")
    return samples


def _settings(config: FusionConfig, listener: Listener, name: Name) -> dict[str, object]:
    """All that decides an encoder's embeddings, apart from the audio."""
    source, encoder = config.encoders[name], listener.encoders[name]
    # Only where one is picked, so that what was embedded before is known again.
    picked = {} if source.layer is None else {"layer": source.layer}
    return {
        **picked,
        "kind": source.kind,
        "sha256": encoder.facts.sha256 or digest_weights(encoder),
        "settings": source.settings,
        "layers": encoder.facts.layers,
        "features": encoder.facts.features,
        "front_end": describe_front_end(encoder.front_end),
        "sample_rate": config.sample_rate,
        "segment": config.segment,
        "frame_rate": config.frame_rate,
        "level": config.level,
    }


def digest_weights(encoder: WaveformEncoder) -> str:
    """Return the SHA-256 of weights that come from no file."""
    digest = hashlib.sha256()
    for name, value in encoder.state_dict().items():
        digest.update(name.encode() + value.cpu().numpy().tobytes())
    return digest.hexdigest()
