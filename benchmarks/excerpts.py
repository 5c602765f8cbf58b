"""What the benchmarks share: reference excerpts, scores beside labels, tables and files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from auricle.core.audio import Audio
from auricle.core.errors import DataError
from auricle.data.manifest import Split, read_manifest
from auricle.data.recordings import Recording, read_corpus
from auricle.signal.io import read_audio
from auricle.signal.loudness import normalise_loudness
from auricle.stats.intervals import Estimate, bootstrap_interval

SAMPLE_RATE = 48000
LOUDNESS = -23.0
FEWEST = 5
INTERVALS = (
    "Brackets hold 95% intervals, bootstrapped over recordings; shares of fewer than five"
    " recordings, and those of none or all, are counts."
)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """An excerpt that serves as a reference: its file, and what it was taken from."""

    path: Path
    recording: str
    source: str


def find_excerpts(
    manifest: Path, split: Split, corpus: Path, *, seconds: float = 10.0, most: int | None = None
) -> list[Excerpt]:
    """Return the excerpts in `corpus` of the recordings that a manifest has in `split`.

    At least `seconds` long, in the corpus's order; `most` limits how many are taken of one
    recording. Raises `DataError` when there are none.
    """
    names = {clip.recording for clip in read_manifest(manifest) if clip.split == split}
    rows = [row for row in read_corpus(corpus) if row.recording in names]
    rows = take_each([row for row in rows if row.duration >= seconds], most)
    if not rows:
        raise DataError(f"{corpus} holds no excerpt of the {split} recordings of {manifest}")
    return [Excerpt(corpus / row.path, row.recording, row.source) for row in rows]


def take_each(rows: Iterable[Recording], most: int | None) -> list[Recording]:
    """Return at most so many excerpts of each recording."""
    groups = groupby(sorted(rows, key=lambda row: row.recording), key=lambda row: row.recording)
    return [row for _, group in groups for row in list(group)[:most]]


def read_excerpt(path: Path, seconds: float = 10.0) -> Audio:
    """Read the first `seconds` of a file in mono at 48 kHz, at the level that it has."""
    whole = read_audio(path, sample_rate=SAMPLE_RATE).mono()
    return Audio.from_array(whole.samples[:, : round(seconds * SAMPLE_RATE)], SAMPLE_RATE)


def equalise(audio: Audio) -> Audio:
    """Return audio as loud as the training clips, which are equalised once they are degraded."""
    return normalise_loudness(audio, LOUDNESS)


def finish(audio: Audio) -> Audio:
    """Return audio as training clips are stored: equally loud, of 16 bits."""
    samples = equalise(audio).samples
    integers = np.clip(np.round(samples * 32768.0), -32768, 32767).astype(np.int16)
    return Audio.from_array(integers, audio.sample_rate)


def interval(
    statistic: Callable[..., float], *arrays: ArrayLike, groups: Sequence[str]
) -> Estimate | None:
    """Return a statistic with its 95% interval, bootstrapped over groups (items, if there is one).

    None where it is undefined, as a correlation with equal values is.
    """
    try:
        return bootstrap_interval(
            statistic, *arrays, groups=groups if len(set(groups)) > 1 else None
        )
    except DataError:
        return None


def share_of(found: Sequence[bool], recordings: Sequence[str]) -> Estimate | str | None:
    """Return which share was found, or the count where a bootstrap over recordings says nothing.

    >>> share_of([True, False, False], ["a", "b", "b"])
    '1 of 3'
    """
    if len(set(recordings)) < FEWEST or len(set(found)) < 2:
        return f"{sum(found)} of {len(found)}"
    return interval(np.mean, np.array(found, dtype=float), groups=recordings)


def show(estimate: Estimate | str | None, digits: int = 3, *, factor: float = 1.0) -> str:
    """Return an estimate as a table cell; a count is one.

    >>> show(Estimate(0.5, 0.25, 0.75, 0.95), 1, factor=100.0)
    '50.0 [25.0, 75.0]'
    """
    if estimate is None:
        return "-"
    if isinstance(estimate, str):
        return estimate
    value, low, high = (
        f"{factor * number:.{digits}f}" for number in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} [{low}, {high}]"


def plain(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return summaries as JSON holds them: estimates as value, low, high and confidence."""
    return {
        name: {
            key: asdict(value) if isinstance(value, Estimate) else value
            for key, value in part.items()
        }
        for name, part in parts.items()
    }


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table.

    >>> print(table(["", "clips"], [["mp3", 3]]))
    | | clips |
    |---|---|
    | mp3 | 3 |
    """
    lines = [header, *rows]
    text = ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
    text[0] = text[0].replace("|  |", "| |")
    return "\n".join([text[0], "|---" * len(header) + "|", *text[1:]])


def write_results(folder: Path, name: str, result: dict[str, Any], markdown: str) -> None:
    """Write `name`.json and `name`.md, and print the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(markdown + "\n", encoding="utf-8")
    print(markdown)
