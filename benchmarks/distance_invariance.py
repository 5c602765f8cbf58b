"""What should not move a metric with a reference, and by how much it does.

    python benchmarks/distance_invariance.py deepaq-fullband --pairs PAIRS --corpus MUSIC \
        --corpus SAMPLES --output DIR

Nine seconds of each held-out recording are compared with themselves (clean) and with coded versions
(MP3 at 64 kb/s, AAC at 96 kb/s), once as they are and once changed. What is told is how far the
score moves. Offsets are cut from within ten seconds, so that no silence comes in.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from auricle.catalog import load_reference_metric
from auricle.core.audio import Audio
from auricle.degrade.base import apply_process, parse_process
from auricle.reference.base import PairMetric
from auricle.signal.resample import resample
from distance_excerpts import HeldOut, add_sources, find_held_out, read_stereo
from excerpts import SAMPLE_RATE, table, write_results

CODED = ("mp3:64k", "aac:96k")
MARGIN = SAMPLE_RATE // 2
CD_RATE = 44100

Pair = tuple[Audio, Audio]


def cut(audio: Audio, late: int = 0) -> Audio:
    """Return audio without its margins, `late` samples late."""
    samples = audio.samples[:, MARGIN - late : audio.frames - MARGIN - late]
    return Audio.from_array(samples, audio.sample_rate)


def amplify(audio: Audio, decibel: float) -> Audio:
    """Return audio louder by so many dB; it may go beyond full scale."""
    return Audio.from_array(audio.samples * 10.0 ** (decibel / 20.0), audio.sample_rate)


def double(audio: Audio) -> Audio:
    """Return the mono mean on two channels."""
    mono = audio.mono().samples[0]
    return Audio.from_array([mono, mono], audio.sample_rate)


def round_to_16_bits(audio: Audio) -> Audio:
    """Return audio as a 16-bit file holds it."""
    steps = np.clip(np.round(audio.samples * 32768.0), -32768, 32767).astype(np.int16)
    return Audio.from_array(steps, audio.sample_rate)


def plain_pair(reference: Audio, degraded: Audio) -> Pair:
    """Return both as they are."""
    return cut(reference), cut(degraded)


def mono_pair(reference: Audio, degraded: Audio) -> Pair:
    """Return the mono means of both."""
    return cut(reference).mono(), cut(degraded).mono()


Making = Callable[[Audio, Audio], Pair]
STARTS: tuple[Making, ...] = (plain_pair, mono_pair)
# Of each change: the pair it starts from, and the pair it leads to.
Change = tuple[Making, Making]
CHANGES: Mapping[str, Change] = {
    "none": (plain_pair, plain_pair),
    "1 sample late": (plain_pair, lambda r, d: (cut(r), cut(d, 1))),
    "50 ms late": (plain_pair, lambda r, d: (cut(r), cut(d, SAMPLE_RATE // 20))),
    "6 dB louder": (plain_pair, lambda r, d: (cut(r), amplify(cut(d), 6.0))),
    "6 dB quieter": (plain_pair, lambda r, d: (cut(r), amplify(cut(d), -6.0))),
    "degraded at 44.1 kHz": (plain_pair, lambda r, d: (cut(r), resample(cut(d), CD_RATE))),
    "reference at 44.1 kHz": (plain_pair, lambda r, d: (resample(cut(r), CD_RATE), cut(d))),
    "both at 44.1 kHz": (
        plain_pair,
        lambda r, d: (resample(cut(r), CD_RATE), resample(cut(d), CD_RATE)),
    ),
    "16 bits": (plain_pair, lambda r, d: (cut(r), round_to_16_bits(cut(d)))),
    "mono as stereo": (mono_pair, lambda r, d: (double(cut(r)), double(cut(d)))),
}


def move(metric: PairMetric, reference: Audio, degraded: Audio) -> dict[str, float]:
    """Return by how many points each change moves the score of a pair."""
    before = {start: metric(*start(reference, degraded)).value for start in STARTS}
    return {
        name: metric(*changed(reference, degraded)).value - before[start]
        for name, (start, changed) in CHANGES.items()
    }


def run(metric: PairMetric, excerpts: Sequence[HeldOut]) -> dict[str, dict[str, Any]]:
    """Return by kind of pair and change the mean and the largest move."""
    moved: dict[str, list[dict[str, float]]] = {"clean": [], "coded": []}
    for excerpt in excerpts:
        reference = read_stereo(excerpt.path)
        moved["clean"].append(move(metric, reference, reference))
        for process in CODED:
            coded = apply_process(reference, parse_process(process))
            moved["coded"].append(move(metric, reference, coded))
    return {
        kind: {name: summarise([one[name] for one in found]) for name in CHANGES}
        for kind, found in moved.items()
    }


def summarise(moves: Sequence[float]) -> dict[str, float]:
    """Return the mean and the largest move, regardless of its direction."""
    sizes = np.abs(moves)
    return {
        "pairs": len(moves),
        "mean": round(float(sizes.mean()), 4),
        "largest": round(float(sizes.max()), 4),
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metric", help="a name, or a bundle's folder")
    add_sources(parser, recordings=20)
    options = parser.parse_args()
    metric = load_reference_metric(options.metric)
    excerpts = find_held_out(options.pairs, options.split, options.corpus, options.recordings)
    parts = run(metric, excerpts)
    columns = ("mean", "largest")
    rows = [
        [name, *(f"{part[name][key]:.3f}" for part in parts.values() for key in columns)]
        for name in CHANGES
    ]
    header = ["change", *(f"{kind}, {key}" for kind in parts for key in columns)]
    markdown = "\n".join([
        f"`{metric.spec.full_name}`: points by which the score of {parts['clean']['none']['pairs']}"
        f" clean and {parts['coded']['none']['pairs']} coded pairs moves, of {len(excerpts)}"
        " recordings, regardless of direction.",
        "",
        table(header, rows),
    ])  # fmt: skip
    facts = {
        "metric": metric.spec.full_name,
        "recordings": [one.recording for one in excerpts],
        "parts": parts,
    }
    write_results(options.output, "invariance", facts, markdown)


if __name__ == "__main__":
    main()
