"""References of other content: how well a metric judges by them, by their number.

    python benchmarks/non_matching.py deepaq-codec --clips CLIPS --references CLIPS --output DIR

`CLIPS` and the folder of references are what `auricle data build` or `auricle data pairs` made.
Judged are the coded clips of a split whose recordings the metric never met; references are clean
clips of the train split, one of each recording, drawn anew a number of times. Every clip is
embedded once. The agreement is the rank correlation of mean distances with ViSQOL.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.catalog import find_bundle, load_distance_metric
from auricle.core.errors import DataError, SignalError
from auricle.data.generate import MANIFEST
from auricle.data.manifest import SPLITS, Split, read_manifest
from auricle.data.pair_plan import PairClip
from auricle.data.pairs import read_clips
from auricle.degrade.base import parse_cascade
from auricle.degrade.codecs import CODECS
from auricle.signal.io import read_audio
from auricle.stats.correlation import spearman
from auricle.stats.intervals import Estimate
from auricle.systems.bundle import DistanceBundle
from auricle.systems.distance_calibration import DistanceMapping
from auricle.systems.distance_runtime import DistanceMetric
from excerpts import interval, plain, show, table, write_results

NUMBERS = (1, 2, 4, 8, 16, 32, 64)
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coded:
    """A coded clip: its file, the recording it is of, and what ViSQOL says of it."""

    path: str
    recording: str
    visqol: float


def find_coded(folder: Path, split: Split) -> list[Coded]:
    """Return the clips of a split that went through codecs and nothing else, speech left out.

    Raises `DataError` when there are none.
    """
    if (folder / MANIFEST).is_file():
        clips = [
            (Coded(clip.path, clip.recording, clip.label), clip.process)
            for clip in read_manifest(folder / MANIFEST)
            if clip.split == split and clip.label is not None
        ]
    else:
        clips = [
            (Coded(clip.path, clip.recording, clip.labels["visqol"]), clip.process)
            for clip in read_clips(folder)
            if clip.split == split and clip.domain != "speech" and "visqol" in clip.labels
        ]
    found = [clip for clip, process in clips if process and is_coded(process)]
    if not found:
        raise DataError(f"{folder} holds no coded clip with a ViSQOL label in its {split} split")
    return found


def is_coded(process: str) -> bool:
    """Whether all steps of a process are codecs.

    >>> is_coded("mp3:64k+opus:32k"), is_coded("mp3:64k+lowpass:7500")
    (True, False)
    """
    return all(step.kind in CODECS for step in parse_cascade(process))


def find_references(clips: Sequence[PairClip]) -> list[PairClip]:
    """Return a clean clip of each recording of the train split, speech left out."""
    clean = [c for c in clips if c.split == "train" and c.clean and c.domain != "speech"]
    return list({clip.recording: clip for clip in clean}.values())


def find_mapping(metric: str) -> DistanceMapping | None:
    """Return the mapping for references of other content, where the metric has one."""
    bundle = find_bundle(metric)
    return bundle.calibration.non_matching if isinstance(bundle, DistanceBundle) else None


def embed(metric: DistanceMetric, folder: Path, paths: Sequence[str]) -> dict[str, Array]:
    """Return the embeddings `[size]` of files; those that cannot be judged are left out."""
    found = {}
    for path in paths:
        try:
            found[path] = metric.embed(read_audio(folder / path)).astype(np.float64)
        except SignalError as error:
            print(f"left out: {path}: {error}", file=sys.stderr)
    return found


def between(first: Array, second: Array) -> Array:
    """Return the distances `[first, second]` between embeddings `[first, size]`, `[second, size]`.

    >>> between(np.zeros((1, 2)), np.array([[3.0, 4.0]])).tolist()
    [[5.0]]
    """
    return np.array([np.linalg.norm(second - one, axis=1) for one in first])


def judge(
    mapping: DistanceMapping | None, clips: Sequence[Coded], distances: Array
) -> dict[str, float]:
    """Return agreement, and mean width of the spread, of distances `[clip, reference]`."""
    result = {"srcc": spearman(-distances.mean(axis=1), [clip.visqol for clip in clips])}
    if mapping is not None and distances.shape[1] > 1:
        low, high = np.percentile(mapping.apply(distances), [5.0, 95.0], axis=1)
        result["width"] = float(np.mean(high - low))
    return result


def draw(
    mapping: DistanceMapping | None,
    clips: Sequence[Coded],
    distances: Array,
    number: int,
    draws: int,
) -> dict[str, Any]:
    """Return the mean and spread of what banks of so many references say.

    The interval of the agreement is that of the first bank.
    """
    rng = np.random.default_rng(number)
    banks = [rng.permutation(distances.shape[1])[:number] for _ in range(draws)]
    found = [judge(mapping, clips, distances[:, bank]) for bank in banks]
    result: dict[str, Any] = {"references": number}
    for key in found[0]:
        values = np.array([one[key] for one in found])
        result[f"{key}_mean"] = float(values.mean())
        result[f"{key}_sd"] = float(values.std(ddof=1))
    result["srcc_first"] = agreement(clips, distances[:, banks[0]].mean(axis=1))
    return result


def agreement(clips: Sequence[Coded], distances: Array) -> Estimate | None:
    """Return the rank correlation of distances `[clip]` with ViSQOL."""
    return interval(
        spearman,
        -distances,
        [clip.visqol for clip in clips],
        groups=[clip.recording for clip in clips],
    )


def to_row(part: dict[str, Any]) -> list[str]:
    """Return the cells of a number of references."""
    width = "-"
    if "width_mean" in part:
        width = f"{part['width_mean']:.1f} ({part['width_sd']:.1f})"
    agreed = f"{part['srcc_mean']:.3f} ({part['srcc_sd']:.3f})"
    return [str(part["references"]), agreed, show(part["srcc_first"]), width]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metric", help="a name, or a bundle's folder")
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--references", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=20, help="banks of each size, at least two")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    metric = load_distance_metric(options.metric)
    mapping = find_mapping(options.metric)
    coded = find_coded(options.clips, options.split)
    heard = embed(metric, options.clips, [clip.path for clip in coded])
    clips = [clip for clip in coded if clip.path in heard]
    recordings = len({clip.recording for clip in clips})
    clean = find_references(read_clips(options.references))
    bank = np.array([*embed(metric, options.references, [c.path for c in clean]).values()])
    distances = between(np.array([heard[clip.path] for clip in clips]), bank)
    numbers = [number for number in NUMBERS if number <= len(bank)]
    parts = {str(n): draw(mapping, clips, distances, n, options.draws) for n in numbers}
    markdown = "\n".join([
        f"`{metric.spec.full_name}` on {len(clips)} coded clips of"
        f" {recordings} recordings. Rank correlation with ViSQOL: mean (SD) of"
        f" {options.draws} banks drawn from {len(bank)} clean recordings, and of the first bank"
        f" with its interval, bootstrapped over recordings; mean width of the interval that a"
        " bank gives a score, in points.",
        "",
        table(["references", "SRCC", "SRCC of one bank", "width"], map(to_row, parts.values())),
    ])  # fmt: skip
    facts = {
        "metric": metric.spec.full_name,
        "clips": len(clips),
        "recordings": recordings,
        "draws": options.draws,
        "parts": plain(parts),
    }
    write_results(options.output, "non-matching", facts, markdown)


if __name__ == "__main__":
    main()
