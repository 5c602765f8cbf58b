"""How far two degradations may lie apart without being told apart, by ViSQOL where nobody asked.

For signal-to-noise ratios listeners were asked: 3 dB on average (D. McShefferty, W. M. Whitmer and
M. A. Akeroyd, "The just-noticeable difference in speech-to-noise ratio", Trends in Hearing 19,
2015). What ViSQOL says of 3 dB of noise is then taken for as noticeable elsewhere: the script reads
the ladders of a table of pairs, and prints for each kind the step at which ViSQOL changes as much.

    python benchmarks/jnd_thresholds.py benchmarks/labels/open-pairs.csv
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from auricle.data.pair_plan import PairClip
from auricle.data.pairs import read_pairs
from auricle.degrade.base import parse_process, unit_of

JND_DB = 3.0
NOISES = ("noise", "pink", "babble")
KINDS = ("opus", "mp3", "aac", "vorbis", "lowpass", "clip", "reverb")


def measure_slopes(clips: list[PairClip]) -> dict[str, tuple[float, int]]:
    """Return by kind how far ViSQOL falls per dB, or per octave of the value, and on how many."""
    ladders: dict[tuple[str, str], list[PairClip]] = defaultdict(list)
    for clip in clips:
        if clip.ladder and clip.domain == "speech" and "visqol" in clip.labels:
            ladders[clip.excerpt, clip.ladder].append(clip)
    falls: dict[str, list[float]] = defaultdict(list)
    steps: dict[str, list[float]] = defaultdict(list)
    for (_, kind), rungs in ladders.items():
        rungs.sort(key=lambda clip: clip.rung)
        places = [_place(clip.process) for clip in rungs]
        falls[kind].append(rungs[0].labels["visqol"] - rungs[-1].labels["visqol"])
        steps[kind].append(abs(places[-1] - places[0]))
    return {kind: (sum(falls[kind]) / sum(steps[kind]), len(falls[kind])) for kind in falls}


def _place(process: str) -> float:
    step = parse_process(process)
    return float(step.value if unit_of(step.kind) == "dB" else np.log2(step.value))


def main() -> None:
    """Print the fall of ViSQOL per 3 dB of noise, and the steps of the other kinds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="a table of pairs with ViSQOL labels")
    slopes = measure_slopes(read_pairs(parser.parse_args().table))
    fall = JND_DB * float(np.mean([slopes[kind][0] for kind in NOISES]))
    print(f"ViSQOL falls by {fall:.3f} in {JND_DB:g} dB of noise\n")
    print("| kind | ladders | as far is a factor of |\n|---|---|---|")
    for kind in KINDS:
        slope, ladders = slopes[kind]
        print(f"| {kind} | {ladders} | {2 ** (fall / slope):.2f} |")


if __name__ == "__main__":
    main()
