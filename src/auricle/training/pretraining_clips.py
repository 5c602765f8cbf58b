"""JND pairs as a network hears them: ladders whose every rung has two clips."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from auricle.core.errors import DataError
from auricle.data.manifest import Split
from auricle.data.pair_plan import PairClip
from auricle.training.prepared_clips import PreparedClips, Rows


def find_ladders(clips: Sequence[PairClip], split: Split) -> list[Rows]:
    """Return the rows of each ladder of a split, `[rung, 2]`, the lowest rung first.

    Two clips that share excerpt, ladder and rung are a pair less than one just noticeable
    difference apart. Rungs of which a clip is missing are left out. Raises `DataError` when no
    pair is left, or a rung has more than two clips.
    """
    rungs: dict[tuple[str, str], dict[int, list[int]]] = {}
    for row, clip in enumerate(clips):
        if clip.split == split and clip.ladder:
            ladder = rungs.setdefault((clip.excerpt, clip.ladder), {})
            ladder.setdefault(clip.rung, []).append(row)
    found = []
    for (excerpt, name), ladder in rungs.items():
        if any(len(rows) > 2 for rows in ladder.values()):
            raise DataError(f"ladder {name} of excerpt {excerpt} has a rung of more than two clips")
        pairs = [ladder[rung] for rung in sorted(ladder) if len(ladder[rung]) == 2]
        if pairs:
            found.append(np.array(pairs, dtype=np.int64))
    if not found:
        raise DataError(
            f"there are no JND pairs of the {split} split that could be heard: 'auricle data"
            " pairs' makes them by a recipe of the kind 'jnd'"
        )
    return found


def identify_pairs(prepared: PreparedClips) -> str:
    """Return the SHA-256 of what a pretraining is told of clips, and of what it hears."""
    told = [(c.excerpt, c.split, c.ladder, c.rung) for c in prepared.clips]
    return hashlib.sha256(repr((told, prepared.keys)).encode()).hexdigest()
