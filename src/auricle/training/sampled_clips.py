"""Rated clips as samples, for encoders that learn: what they make of a clip changes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Samples
from auricle.core.errors import DataError
from auricle.data.rated import RatedClip
from auricle.encoders.cache import EmbeddingCache
from auricle.systems.fusion_config import FusionConfig
from auricle.training.embeddings import Progress, hear_clips, identify_file, read_mono


@dataclass(frozen=True, slots=True, eq=False)
class SampledClips:
    """Clips, their ratings `[clip, axis]` on the axes' scales, and where their samples lie.

    A missing rating is NaN. `unheard` are the clips that could not be read, and why.
    """

    clips: tuple[RatedClip, ...]
    ratings: NDArray[np.float64]
    unheard: tuple[tuple[str, str], ...]
    _keys: tuple[str, ...]
    _cache: EmbeddingCache

    @property
    def identity(self) -> str:
        """SHA-256 of all that decides a training besides its recipe and its encoders."""
        clips = [replace(clip, scores={}) for clip in self.clips]
        facts = repr([self._keys, clips, self.ratings.tolist()])
        return hashlib.sha256(facts.encode()).hexdigest()

    def samples(self, row: int) -> Samples:
        """Return a clip, `[time]` at the system's rate, memory-mapped."""

        def gone() -> NDArray[np.float32]:
            raise DataError(f"what was kept of {self.clips[row].path} is gone: train again")

        return np.asarray(self._cache.get(self._keys[row], gone), dtype=np.float32)


def sample_clips(
    config: FusionConfig,
    clips: Sequence[RatedClip],
    folder: Path,
    cache: Path,
    *,
    progress: Progress | None = None,
) -> SampledClips:
    """Keep clips (paths relative to `folder`) at the system's rate, unless `cache` holds them.

    They are read, left out and refused as by `auricle.training.embeddings.embed_clips`.
    """
    # Single precision: training hears what scoring hears.
    store = EmbeddingCache(cache, "float32")
    settings = {"samples": "mono", "sample_rate": config.sample_rate}

    def keep(path: Path) -> str:
        key = store.key(settings, identify_file(path))
        store.get(key, partial(read_mono, config, path))
        return key

    heard = hear_clips(config, clips, folder, keep, progress)
    return SampledClips(heard.clips, heard.ratings, heard.unheard, heard.found, store)
