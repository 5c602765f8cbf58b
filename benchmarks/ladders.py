"""Ladders: whether harder coding is scored lower on recordings the model never heard.

    python benchmarks/ladders.py --corpus CORPUS --manifest MANIFEST --output DIR

For every clean excerpt of the manifest's test split, mp3 and Opus at 32, 64 and 128 kb/s are
scored; a pair counts as ordered when the lower bitrate has the lower score. Ties (two scores of
100) are counted too: they are not ordered.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import Counter
from pathlib import Path

import auricle
from auricle.core.audio import Audio
from auricle.degrade.base import apply_process, parse_process
from auricle.stats.intervals import wilson_interval
from excerpts import find_excerpts, read_excerpt

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


def count_pairs(scores: list[float]) -> Counter[str]:
    """Count pairs by whether they rise (ordered), stay (tied) or fall (inverted)."""
    return Counter(
        "ordered" if low < high else "tied" if low == high else "inverted"
        for low, high in itertools.combinations(scores, 2)
    )


def run(metric: str, corpus: Path, manifest: Path) -> dict[str, object]:
    """Score the ladders of all excerpts of the test recordings."""
    excerpts = find_excerpts(manifest, "test", corpus)
    result: dict[str, object] = {"metric": metric, "excerpts": len(excerpts)}
    total: Counter[str] = Counter()
    for name, steps in LADDERS.items():
        counts: Counter[str] = Counter()
        for excerpt in excerpts:
            counts += count_pairs(score_ladder(metric, read_excerpt(excerpt.path), steps))
        result[name] = _describe(counts)
        total += counts
    result["all"] = _describe(total)
    return result


def _describe(counts: Counter[str]) -> dict[str, object]:
    share = wilson_interval(counts["ordered"], counts.total())
    return {**counts, "pairs": counts.total(), "share_ordered": str(share)}


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
