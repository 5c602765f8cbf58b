"""Ladders: whether harder coding is scored lower on recordings the model never heard.

    python benchmarks/ladders.py --corpus CORPUS --manifest MANIFEST --output DIR

For every clean excerpt of the manifest's test split, mp3 and Opus at 32, 64 and 128 kb/s are
scored; a pair counts as ordered when the lower bitrate has the lower score. Ties (two scores of
100) are counted too: they are not ordered.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import auricle
from auricle.core.audio import Audio
from auricle.degrade.base import apply_process, parse_process
from excerpts import (
    INTERVALS,
    find_excerpts,
    finish,
    plain,
    read_excerpt,
    share_of,
    show,
    table,
    write_results,
)

LADDERS = {
    "mp3": ("mp3:32k", "mp3:64k", "mp3:128k"),
    "opus": ("opus:32k", "opus:64k", "opus:128k"),
}
ORDERS = ("ordered", "tied", "inverted")


def score_ladder(metric: str, audio: Audio, steps: tuple[str, ...]) -> list[float]:
    """Return the score of each step, in order."""
    judge = auricle.load(metric)
    return [
        judge(finish(apply_process(audio, parse_process(step))).samples, audio.sample_rate).value
        for step in steps
    ]


def order_pairs(scores: Sequence[float]) -> list[str]:
    """Say of each pair if it rises (ordered), stays (tied) or falls (inverted).

    >>> order_pairs([1.0, 2.0, 1.0])
    ['ordered', 'tied', 'inverted']
    """
    return [
        "ordered" if low < high else "tied" if low == high else "inverted"
        for low, high in itertools.combinations(scores, 2)
    ]


def run(metric: str, corpus: Path, manifest: Path) -> dict[str, dict[str, Any]]:
    """Score the ladders of all excerpts of the test recordings."""
    excerpts = find_excerpts(manifest, "test", corpus)
    pairs = {
        name: [
            (excerpt.recording, order)
            for excerpt in excerpts
            for order in order_pairs(score_ladder(metric, read_excerpt(excerpt.path), steps))
        ]
        for name, steps in LADDERS.items()
    }
    pairs["all"] = list(itertools.chain.from_iterable(pairs.values()))
    return {name: summarise(part) for name, part in pairs.items()}


def summarise(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Count pairs, each a recording and its order."""
    recordings, orders = zip(*pairs, strict=True)
    return {
        "pairs": len(pairs),
        "recordings": len(set(recordings)),
        **{order: orders.count(order) for order in ORDERS},
        "share_ordered": share_of([order == "ordered" for order in orders], recordings),
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--metric", default="codec-music")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    metric = auricle.load(options.metric).spec.full_name
    parts = run(options.metric, options.corpus, options.manifest)
    columns = ("pairs", "recordings", *ORDERS)
    rows = [
        [name, *(part[key] for key in columns), show(part["share_ordered"], 1, factor=100.0)]
        for name, part in parts.items()
    ]
    markdown = "\n".join([
        f"`{metric}` at all pairs of 32, 64 and 128 kb/s, mono. {INTERVALS}",
        "",
        table(["codec", *columns, "ordered, %"], rows),
    ])  # fmt: skip
    write_results(options.output, "ladders", {"metric": metric, "parts": plain(parts)}, markdown)


if __name__ == "__main__":
    main()
