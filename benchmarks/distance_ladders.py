"""Ladders of bitrates: whether metrics with a reference hear harder coding, on held-out music.

    python benchmarks/distance_ladders.py deepaq-fullband visqol --pairs PAIRS --corpus MUSIC \
        --corpus SAMPLES --output DIR

Ten seconds of each held-out recording, in stereo, are coded at every bitrate. Two neighbouring
bitrates are in order when the metric finds the lower one worse: by its distance, where it has one,
else by its score. Equal values are not in order.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from auricle.catalog import load_reference_metric
from auricle.core.score import Score
from auricle.degrade.base import apply_process, parse_process
from distance_excerpts import HeldOut, add_sources, badness, find_held_out, read_stereo
from excerpts import INTERVALS, interval, plain, share_of, show, table, write_results

# Bitrates in kb/s, the lowest first.
LADDERS = {
    "mp3": (32, 48, 64, 96, 128, 192),
    "aac": (48, 64, 96, 128, 192),
    "opus": (16, 24, 32, 48, 64, 96, 128),
}
NEIGHBOURS = "aac"

Ladder = list[Score]


def climb(metrics: Sequence[str], excerpt: HeldOut, codec: str) -> dict[str, Ladder]:
    """Return what each metric says of an excerpt at the bitrates of a codec."""
    reference = read_stereo(excerpt.path)
    coded = [apply_process(reference, parse_process(f"{codec}:{k}k")) for k in LADDERS[codec]]
    return {
        name: [load_reference_metric(name)(reference, one) for one in coded] for name in metrics
    }


def find_orders(ladders: Mapping[str, Ladder]) -> list[tuple[bool, str]]:
    """Say of all neighbours on ladders, by recording, if they are in order, and whose they are."""
    return [
        (badness(low) > badness(high), recording)
        for recording, ladder in ladders.items()
        for low, high in pairwise(ladder)
    ]


def summarise(orders: Sequence[tuple[bool, str]]) -> dict[str, Any]:
    """Return the share of neighbours in order."""
    found, recordings = zip(*orders, strict=True)
    return {"pairs": len(found), "share_in_order": share_of(found, recordings)}


def compare_step(ladders: Mapping[str, Ladder], step: int) -> dict[str, Any]:
    """Return of one step of ladders how many are in order, and by how much scores differ."""
    part = {recording: ladder[step : step + 2] for recording, ladder in ladders.items()}
    gains = [high.value - low.value for low, high in part.values()]
    return {
        **summarise(find_orders(part)),
        "mean_difference": interval(np.mean, gains, groups=list(part)),
    }


def describe(heard: Mapping[str, Mapping[str, Ladder]]) -> dict[str, dict[str, Any]]:
    """Return one metric's figures by codec, of all codecs, and of each step of `NEIGHBOURS`."""
    orders = {codec: find_orders(ladders) for codec, ladders in heard.items()}
    parts = {codec: summarise(part) for codec, part in orders.items()}
    parts["all"] = summarise([order for part in orders.values() for order in part])
    for step, (low, high) in enumerate(pairwise(LADDERS[NEIGHBOURS])):
        parts[f"{NEIGHBOURS} {low} to {high}"] = compare_step(heard[NEIGHBOURS], step)
    return parts


def run(metrics: Sequence[str], excerpts: Sequence[HeldOut]) -> dict[str, dict[str, Any]]:
    """Return the figures of each metric."""
    heard = {
        (one.recording, codec): climb(metrics, one, codec) for one in excerpts for codec in LADDERS
    }
    return {
        load_reference_metric(name).spec.full_name: describe(
            {
                codec: {one.recording: heard[one.recording, codec][name] for one in excerpts}
                for codec in LADDERS
            }
        )
        for name in metrics
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metrics", nargs="+", help="names, or folders of bundles")
    add_sources(parser, recordings=25)
    options = parser.parse_args()
    excerpts = find_held_out(options.pairs, options.split, options.corpus, options.recordings)
    result = run(options.metrics, excerpts)
    keys = next(iter(result.values()))
    shares = [
        [key, *(show(parts[key]["share_in_order"], 1, factor=100.0) for parts in result.values())]
        for key in keys
    ]
    steps = [
        [key, *(show(parts[key]["mean_difference"], 2) for parts in result.values())]
        for key in keys
        if "mean_difference" in keys[key]
    ]
    markdown = "\n".join([
        f"{len(excerpts)} held-out recordings, ten seconds of stereo each. Neighbouring bitrates in"
        f" order, %. {INTERVALS}",
        "",
        table(["kb/s", *result], shares),
        "",
        "By how much the score rises, on each metric's own scale:",
        "",
        table(["kb/s", *result], steps),
    ])  # fmt: skip
    facts = {
        "ladders": LADDERS,
        "recordings": [one.recording for one in excerpts],
        "metrics": {name: plain(parts) for name, parts in result.items()},
    }
    write_results(options.output, "ladders", facts, markdown)


if __name__ == "__main__":
    main()
