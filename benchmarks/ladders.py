"""Ladders: whether harder coding is scored lower on recordings the model never heard.

    python benchmarks/ladders.py --corpus CORPUS --manifest MANIFEST --output DIR

For every clean excerpt of the manifest's test split, mp3 and Opus at 32, 64 and 128 kb/s are
scored; a pair counts as ordered when the lower bitrate has the lower score.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

import auricle
from auricle.core.audio import Audio
from auricle.data.manifest import read_manifest
from auricle.degrade.base import apply_process, parse_process
from auricle.signal.io import read_audio
from auricle.stats.intervals import wilson_interval

LADDERS = {
    "mp3": ("mp3:32k", "mp3:64k", "mp3:128k"),
    "opus": ("opus:32k", "opus:64k", "opus:128k"),
}


def score_ladder(metric: str, audio: Audio, steps: tuple[str, ...]) -> list[float]:
    """Return the score of each step, in order."""
    judge = auricle.load(metric)
    return [
        judge(apply_process(audio, parse_process(step)).samples, audio.sample_rate).value
        for step in steps
    ]


def count_ordered(scores: list[float]) -> tuple[int, int]:
    """Return how many of all pairs rise, and how many pairs there are."""
    pairs = list(itertools.combinations(scores, 2))
    return sum(low < high for low, high in pairs), len(pairs)


def run(metric: str, corpus: Path, manifest: Path) -> dict[str, object]:
    """Score the ladders of all clean test excerpts."""
    clips = [c for c in read_manifest(manifest) if c.split == "test" and not c.process]
    result: dict[str, object] = {"metric": metric, "excerpts": len(clips)}
    ordered_all = pairs_all = 0
    for name, steps in LADDERS.items():
        ordered = pairs = 0
        for clip in clips:
            audio = read_audio(corpus / clip.reference, sample_rate=48000).mono()
            found = count_ordered(score_ladder(metric, audio, steps))
            ordered, pairs = ordered + found[0], pairs + found[1]
        share = wilson_interval(ordered, pairs)
        result[name] = {"ordered": ordered, "pairs": pairs, "share": str(share)}
        ordered_all, pairs_all = ordered_all + ordered, pairs_all + pairs
    result["all"] = {
        "ordered": ordered_all,
        "pairs": pairs_all,
        "share": str(wilson_interval(ordered_all, pairs_all)),
    }
    return result


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--metric", default="codec-music")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    result = run(options.metric, options.corpus, options.manifest)
    options.output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=2)
    (options.output / "ladders.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
