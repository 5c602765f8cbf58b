"""Clips as a network hears them: what a front end makes of whole ones, kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import DataError, InputError, UnreadableFileError
from auricle.data.pair_plan import PairClip
from auricle.encoders.cache import EmbeddingCache
from auricle.signal.front_ends import FrontEnd
from auricle.signal.io import read_audio
from auricle.systems.encoders import describe_front_end

Progress = Callable[[int, int], None]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedClips:
    """Clips that could be heard, and where what a front end makes of each lies.

    `unheard` are the others, by path, and why.
    """

    clips: tuple[PairClip, ...]
    unheard: tuple[tuple[str, str], ...]
    keys: tuple[str, ...]
    cache: EmbeddingCache

    def prepared(self, row: int) -> NDArray[np.floating]:
        """Return what the front end makes of a clip, `[step, channel]`, memory-mapped."""

        def gone() -> NDArray[np.floating]:
            raise DataError(f"what was kept of {self.clips[row].path} is gone: train again")

        return self.cache.get(self.keys[row], gone)

    def without(self, reasons: Mapping[str, str]) -> PreparedClips:
        """Return the clips but for those with a reason, by path, to leave them out.

        Raises `DataError` when none is left.
        """
        left = [row for row, clip in enumerate(self.clips) if clip.path not in reasons]
        if not left:
            raise DataError("none of the pairs could be heard: is this their folder?")
        return PreparedClips(
            tuple(self.clips[row] for row in left),
            self.unheard + tuple(reasons.items()),
            tuple(self.keys[row] for row in left),
            self.cache,
        )


def prepare_clips(
    front_end: FrontEnd,
    clips: Sequence[PairClip],
    folder: Path,
    cache: EmbeddingCache,
    *,
    progress: Progress | None = None,
) -> PreparedClips:
    """Apply a front end to whole clips (paths relative to `folder`), unless kept.

    Channels are averaged; the level is that of the files. A piece cut out of what a front end
    makes of a clip is what it makes of a piece of the clip, apart from a few steps at the ends, so
    clips need not be read anew for every crop. For encoders of samples the front end keeps samples,
    and scales them by the whole clip.

    Clips that were not made or cannot be read are left out and named.
    """
    settings = {
        "front_end": describe_front_end(front_end),
        "sample_rate": front_end.sample_rate,
    }
    heard: list[tuple[PairClip, str]] = []
    unheard: list[tuple[str, str]] = []
    for count, clip in enumerate(clips, start=1):
        reason = clip.error
        try:
            if not reason:
                key = cache.key(settings, _identify(folder, clip))
                cache.get(key, partial(_prepare, front_end, folder / clip.path))
                heard.append((clip, key))
        except InputError as error:
            reason = str(error)
        if reason:
            unheard.append((clip.path, reason))
        if progress is not None:
            progress(count, len(clips))
    kept, keys = zip(*heard, strict=True) if heard else ((), ())
    return PreparedClips(tuple(kept), tuple(unheard), tuple(keys), cache)


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
