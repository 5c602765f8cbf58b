"""Rated clips: audio that listeners, or a stand-in for them, scored on one or more axes."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Final, Literal, get_args

from auricle.core.errors import ConfigError, DataError
from auricle.data.clip_recipe import seed_of
from auricle.data.manifest import SPLITS, Split
from auricle.data.recordings import write_rows

Domain = Literal["speech", "music", "sound", "mixture", ""]
DOMAINS: tuple[Domain, ...] = get_args(Domain)

_FACTS: Final = ("id", "path", "split", "system", "recording", "domain")


@dataclass(frozen=True, slots=True)
class RatedClip:
    """One clip and what it was given.

    `path` is relative to the audio folder (POSIX), `system` what made it (a generating system, or
    the kind of process), `recording` what it was made from: clips of one recording share a split
    and are resampled together ("": it stands alone). `scores` holds, per axis, one score per
    rater; NaN where a rater gave none.

    >>> clip = RatedClip("a", "a.wav", "train", scores={"quality": (4.0, float("nan"), 5.0)})
    >>> clip.mean("quality"), clip.mean("beauty")
    (4.5, nan)
    """

    id: str
    path: str
    split: Split
    system: str = ""
    recording: str = ""
    domain: Domain = ""
    scores: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def mean(self, axis: str) -> float:
        """Return the mean of the scores on an axis that are numbers; NaN when there is none."""
        given = [score for score in self.scores.get(axis, ()) if not math.isnan(score)]
        return math.fsum(given) / len(given) if given else math.nan


def write_rated(clips: Sequence[RatedClip], path: Path) -> None:
    """Write clips as CSV at once: the columns after `domain` are the axes.

    A cell of an axis holds the scores with spaces between, and nothing where the clip was not
    rated on it. Raises `DataError` for an axis that bears the name of another column.
    """
    axes = list(dict.fromkeys(axis for clip in clips for axis in clip.scores))
    if taken := sorted({"", *_FACTS} & set(axes)):
        raise DataError(f"an axis cannot be called {taken[0]!r}: a column bears that name")
    rows = (
        [getattr(clip, name) for name in _FACTS]
        + [" ".join(repr(float(score)) for score in clip.scores.get(axis, ())) for axis in axes]
        for clip in clips
    )
    write_rows(path, (*_FACTS, *axes), rows)


def read_rated(path: Path) -> list[RatedClip]:
    """Read clips from a CSV file that `write_rated` wrote, or one like it.

    Raises `DataError` naming line and column for a value that does not fit, for an id that comes
    twice, for a recording in two splits, and for a table without axes.
    """
    if not path.is_file():
        raise DataError(f"there is no table of rated clips at {path}")
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        axes = _read_header(header, path)
        clips = [
            _from_cells(cells, axes, f"{path}, line {rows.line_num}") for cells in rows if cells
        ]
    check_rated(clips, path)
    return clips


def merge_rated(paths: Iterable[Path], audio: Path | None = None) -> list[RatedClip]:
    """Read the clips of several tables as one, their `path` made absolute.

    Paths start from `audio`, or where there is none from the folder of their table. Raises
    `DataError` as `read_rated` does, also for what two tables don't agree on.
    """
    tables = list(paths)
    clips = [
        replace(clip, path=str(((audio or table.parent) / clip.path).resolve()))
        for table in tables
        for clip in read_rated(table)
    ]
    check_rated(clips, " and ".join(map(str, tables)))
    return clips


def check_rated(clips: Iterable[RatedClip], place: Path | str) -> None:
    """Raise `DataError` for an id that comes twice, or a recording in two splits."""
    splits: dict[str, Split] = {}
    known: set[str] = set()
    for clip in clips:
        if clip.id in known:
            raise DataError(f"{place}: two clips have the id {clip.id!r}")
        known.add(clip.id)
        if clip.recording and splits.setdefault(clip.recording, clip.split) != clip.split:
            raise DataError(
                f"{place}: recording {clip.recording!r} is both in the {splits[clip.recording]} and"
                f" in the {clip.split} split"
            )


def find_audio(
    clips: Sequence[RatedClip], folder: Path, remap: Mapping[str, str] | None = None
) -> tuple[list[RatedClip], list[RatedClip]]:
    """Return the clips whose audio is in `folder`, and those whose audio is missing.

    `remap` replaces the beginning of paths, the longest that fits: tables name folders that were
    elsewhere when they were made. Paths of clips that are found become relative to `folder`.
    Raises `DataError` for a path that leads out of `folder`.

    >>> found, missing = find_audio([RatedClip("a", "old/a.wav", "test")], Path(), {"old/": "new/"})
    >>> [clip.path for clip in missing]
    ['new/a.wav']
    """
    found: list[RatedClip] = []
    missing: list[RatedClip] = []
    prefixes = sorted(remap or {}, key=len, reverse=True)
    for clip in clips:
        prefix = next((name for name in prefixes if clip.path.startswith(name)), "")
        path = (remap or {}).get(prefix, "") + clip.path[len(prefix) :]
        # By its text alone: what is in the folder may be links to where the corpora lie.
        plain = PurePath(os.path.normpath(path))
        if plain.is_absolute() or plain.parts[:1] == ("..",):
            raise DataError(f"{clip.id}: its path {path} leads out of {folder}: remap it")
        (found if (folder / path).is_file() else missing).append(replace(clip, path=path))
    return found, missing


def stratify(clips: Sequence[RatedClip], share: float = 0.2, seed: int = 0) -> list[RatedClip]:
    """Divide clips into training and validation, each system keeping its share in both.

    Recordings are not torn apart: of each system, in turn, recordings go to validation in random
    order as long as they bring the system nearer to `share` of its clips. A system whose
    recordings went elsewhere with another system's has that share less exactly. Any split that
    clips had before is forgotten. Raises `ConfigError` for a share outside 0..1.

    Source: "stratified 80/20 by generating system" as in MMMOS (AudioMOS Challenge 2025, track 2).

    >>> clips = [RatedClip(str(n), f"{n}.wav", "train", system=f"s{n % 2}") for n in range(20)]
    >>> divided = stratify(clips, 0.2)
    >>> [sum(c.system == s and c.split == "validation" for c in divided) for s in ("s0", "s1")]
    [2, 2]
    """
    if not 0.0 <= share <= 1.0:
        raise ConfigError(f"a share lies between 0 and 1, not at {share}")
    groups: dict[str, dict[str, int]] = {}
    for clip in clips:
        counts = groups.setdefault(_group(clip), {})
        counts[clip.system] = counts.get(clip.system, 0) + 1
    held: set[str] = set()
    decided: set[str] = set()
    for system in sorted({clip.system for clip in clips}):
        own = [name for name, counts in groups.items() if system in counts]
        wanted = share * sum(groups[name][system] for name in own)
        ready = sum(groups[name][system] for name in own if name in held)
        for name in sorted(set(own) - decided, key=lambda text: seed_of(f"{seed}|{text}")):
            size = groups[name][system]
            if abs(ready + size - wanted) < abs(ready - wanted):
                held.add(name)
                ready += size
        decided.update(own)
    return [
        replace(clip, split="validation" if _group(clip) in held else "train") for clip in clips
    ]


def _group(clip: RatedClip) -> str:
    """What is not torn apart: the recording, or the clip itself where it stands alone."""
    return f"recording {clip.recording}" if clip.recording else f"clip {clip.id}"


def _read_header(header: Sequence[str], path: Path) -> list[str]:
    facts, axes = header[: len(_FACTS)], list(header[len(_FACTS) :])
    if tuple(facts) != _FACTS:
        raise DataError(f"{path}, line 1: the first columns must be {', '.join(_FACTS)}")
    if not axes:
        raise DataError(f"{path}, line 1: there is no axis after the column domain")
    if "" in axes or len(set(header)) < len(header):
        raise DataError(f"{path}, line 1: every axis needs a name of its own")
    return axes


def _from_cells(cells: Sequence[str], axes: Sequence[str], place: str) -> RatedClip:
    if len(cells) != len(_FACTS) + len(axes):
        raise DataError(f"{place}: {len(cells)} cells, not {len(_FACTS) + len(axes)}")
    facts = dict(zip(_FACTS, cells, strict=False))
    for name in ("id", "path"):
        if not facts[name]:
            raise DataError(f"{place}, column {name}: it is empty")
    split = next((name for name in SPLITS if name == facts["split"]), None)
    if split is None:
        raise DataError(f"{place}, column split: {facts['split']!r} is none of {', '.join(SPLITS)}")
    domain = next((name for name in DOMAINS if name == facts["domain"]), None)
    if domain is None:
        raise DataError(
            f"{place}, column domain: {facts['domain']!r} is none of {', '.join(DOMAINS[:-1])}"
        )
    scores = {
        axis: _to_scores(cell, f"{place}, column {axis}")
        for axis, cell in zip(axes, cells[len(_FACTS) :], strict=True)
        if cell.strip()
    }
    return RatedClip(
        facts["id"], facts["path"], split, facts["system"], facts["recording"], domain, scores
    )


def _to_scores(cell: str, place: str) -> tuple[float, ...]:
    try:
        scores = tuple(float(part) for part in cell.split())
    except ValueError as error:
        raise DataError(f"{place}: {cell!r} is not numbers with spaces between") from error
    if any(math.isinf(score) for score in scores):
        raise DataError(f"{place}: a score is not finite")
    return scores
