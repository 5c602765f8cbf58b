"""What benchmarks of metrics with a reference share: held-out excerpts, and a pair's badness."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import DataError
from auricle.core.score import Score
from auricle.data.manifest import SPLITS, Split
from auricle.data.pairs import read_clips
from auricle.data.recordings import read_corpus
from auricle.signal.io import read_audio
from excerpts import SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A file of music or sound, and the recording it was taken from."""

    path: Path
    recording: str


def add_sources(parser: argparse.ArgumentParser, recordings: int) -> None:
    """Add the options that say which recordings are held out, and where they are."""
    parser.add_argument("--pairs", type=Path, required=True, help="what the metric was trained on")
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--corpus", type=Path, action="append", required=True)
    parser.add_argument("--recordings", type=int, default=recordings, help="how many, at most")
    parser.add_argument("--output", type=Path, required=True)


def find_held_out(
    pairs: Path, split: Split, corpora: Sequence[Path], most: int, *, seconds: float = 10.0
) -> list[HeldOut]:
    """Return excerpts of the recordings that a folder of pairs has in a split, one of each.

    Stereo, no speech, `seconds` long or longer; of more than `most`, every so manieth. Raises
    `DataError` when no corpus holds any.
    """
    names = {clip.recording for clip in read_clips(pairs) if clip.split == split}
    found: dict[str, HeldOut] = {}
    for corpus in corpora:
        for row in read_corpus(corpus):
            fits = row.channels > 1 and row.duration >= seconds and row.kind != "speech"
            if fits and row.recording in names:
                found.setdefault(row.recording, HeldOut(corpus / row.path, row.recording))
    if not found:
        raise DataError(f"no corpus holds a stereo excerpt of the {split} recordings of {pairs}")
    rows = [found[name] for name in sorted(found)]
    places = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))
    return [rows[place] for place in places]


def read_stereo(path: Path, seconds: float = 10.0) -> Audio:
    """Read the first `seconds` of a file at 48 kHz, with its channels and level."""
    whole = read_audio(path, sample_rate=SAMPLE_RATE)
    return Audio.from_array(whole.samples[:, : round(seconds * SAMPLE_RATE)], SAMPLE_RATE)


def badness(score: Score) -> float:
    """Return what grows as quality falls: the distance where there is one, else from the score."""
    if score.distance is not None:
        return score.distance
    return -score.value if score.scale.higher_is_better else score.value
