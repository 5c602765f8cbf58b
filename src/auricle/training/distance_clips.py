"""Pairs as a network hears them: what its front end makes of whole clips, kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import DataError, InputError, UnreadableFileError
from auricle.data.manifest import Split
from auricle.data.pair_plan import PairClip
from auricle.encoders.cache import EmbeddingCache
from auricle.encoders.waveform import WaveformEncoder
from auricle.signal.front_ends import FrontEnd
from auricle.signal.io import read_audio
from auricle.systems.encoders import describe_front_end
from auricle.training.distance_labels import PairLabels, Rows, label_pairs

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPairs:
    """Clips that could be heard, each with its reference among them, and their labels.

    `unheard` are the others, by path, and why. `crop` is the number of the front end's steps that
    are heard at once.
    """

    clips: tuple[PairClip, ...]
    labels: PairLabels
    crop: int
    unheard: tuple[tuple[str, str], ...]
    _keys: tuple[str, ...]
    _cache: EmbeddingCache

    @property
    def identity(self) -> str:
        """SHA-256 of all that decides a training besides its recipe."""
        facts = repr([self._keys, self.crop, *(sorted(c.labels.items()) for c in self.clips)])
        clips = repr([(c.id, c.excerpt, c.split, c.process, c.ladder, c.rung) for c in self.clips])
        return hashlib.sha256((facts + clips).encode()).hexdigest()

    def prepared(self, row: int) -> NDArray[np.floating]:
        """Return what the front end makes of a clip, `[step, channel]`, memory-mapped."""

        def gone() -> NDArray[np.floating]:
            raise DataError(f"what was kept of {self.clips[row].path} is gone: train again")

        return self._cache.get(self._keys[row], gone)

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
    """Apply an encoder's front end to whole clips (paths relative to `folder`), unless kept.

    Channels are averaged; the level is that of the files. A piece cut out of what a front end
    makes of a clip is what it makes of a piece of the clip, apart from a few steps at the ends, so
    clips need not be read anew for every crop. For encoders of samples the front end keeps samples,
    and scales them by the whole clip.

    Clips that were not made, cannot be read, or whose reference is missing are left out and named.
    Raises `DataError` when none is left.
    """
    front_end = encoder.front_end
    settings = {"front_end": describe_front_end(encoder), "sample_rate": front_end.sample_rate}
    keys: dict[str, str] = {}
    unheard: list[tuple[str, str]] = []
    for count, clip in enumerate(clips, start=1):
        reason = clip.error
        try:
            if not reason:
                key = cache.key(settings, _identify(folder, clip))
                cache.get(key, partial(_prepare, front_end, folder / clip.path))
                keys[clip.path] = key
        except InputError as error:
            reason = str(error)
        if reason:
            unheard.append((clip.path, reason))
        if progress is not None:
            progress(count, len(clips))
    heard = [clip for clip in clips if clip.path in keys and clip.reference in keys]
    unheard += [
        (clip.path, f"its reference {clip.reference} is missing")
        for clip in clips
        if clip.path in keys and clip.reference not in keys
    ]
    if not heard:
        raise DataError(f"none of the pairs in {folder} could be heard: is this their folder?")
    crop = len(front_end(_probe(crop_samples)))
    chosen = tuple(keys[clip.path] for clip in heard)
    return PreparedPairs(tuple(heard), label_pairs(heard), crop, tuple(unheard), chosen, cache)


def _identify(folder: Path, clip: PairClip) -> str:
    """Return a hash of a clip's samples, or of its file where the table has none."""
    path = folder / clip.path
    if clip.pcm_sha256 and path.is_file():
        return clip.pcm_sha256
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read: {error.strerror}") from error


def _prepare(front_end: FrontEnd, path: Path) -> NDArray[np.float32]:
    return front_end(read_audio(path, sample_rate=front_end.sample_rate).mono().samples[0])


def _probe(samples: int) -> NDArray[np.float32]:
    """Return noise: some front ends refuse silence."""
    rng = np.random.default_rng(0)
    return rng.normal(scale=0.1, size=samples).astype(np.float32)
