"""Pairs as a network hears them, with their labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import DataError
from auricle.data.manifest import Split
from auricle.data.pair_plan import PairClip
from auricle.encoders.cache import EmbeddingCache
from auricle.encoders.waveform import WaveformEncoder
from auricle.training.distance_labels import PairLabels, label_pairs
from auricle.training.prepared_clips import PreparedClips, Progress, Rows, prepare_clips


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPairs(PreparedClips):
    """Clips that could be heard, each with its reference among them, and their labels.

    `crop` is the number of the front end's steps that are heard at once.
    """

    labels: PairLabels
    crop: int

    @property
    def identity(self) -> str:
        """SHA-256 of all that decides a training besides its recipe."""
        facts = repr([self.keys, self.crop, *(sorted(c.labels.items()) for c in self.clips)])
        clips = repr([(c.id, c.excerpt, c.split, c.process, c.ladder, c.rung) for c in self.clips])
        return hashlib.sha256((facts + clips).encode()).hexdigest()

    def excerpts(self, split: Split) -> list[Rows]:
        """Return the rows of each excerpt of a split, the clean clip's first.

        Raises `DataError` when there are none.
        """
        found: dict[str, list[int]] = {}
        for row, clip in enumerate(self.clips):
            if clip.split == split:
                found.setdefault(clip.excerpt, []).insert(0 if clip.clean else row, row)
        if not found:
            raise DataError(f"there are no pairs of the {split} split that could be heard")
        return [np.array(rows, dtype=np.int64) for rows in found.values()]


def prepare_pairs(
    encoder: WaveformEncoder,
    clips: Sequence[PairClip],
    folder: Path,
    cache: EmbeddingCache,
    crop_samples: int,
    *,
    progress: Progress | None = None,
) -> PreparedPairs:
    """Apply an encoder's front end to whole clips as `prepare_clips` does.

    Clips whose reference is missing are left out and named, too. Raises `DataError` when none is
    left.
    """
    prepared = prepare_clips(encoder.front_end, clips, folder, cache, progress=progress)
    there = {clip.path for clip in prepared.clips}
    heard = prepared.without(
        {
            clip.path: f"its reference {clip.reference} is missing"
            for clip in prepared.clips
            if clip.reference not in there
        }
    )
    crop = len(encoder.front_end(_probe(crop_samples)))
    labels = label_pairs(heard.clips)
    return PreparedPairs(heard.clips, heard.unheard, heard.keys, cache, labels, crop)


def _probe(samples: int) -> NDArray[np.float32]:
    """Return noise: some front ends refuse silence."""
    rng = np.random.default_rng(0)
    return rng.normal(scale=0.1, size=samples).astype(np.float32)
