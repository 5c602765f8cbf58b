r"""What domain-adversarial training is worth where quality goes with content by accident.

    python benchmarks/confounded.py table PAIRS/pairs.csv work/confounded/rated.csv
    auricle data features work/confounded/rated.csv --audio PAIRS --axis visqol \
        --recipe dat-small --output work/confounded/features
    python benchmarks/confounded.py train cnn --clips work/confounded/rated.csv \
        --features work/confounded/features --output work/confounded/runs
    python benchmarks/confounded.py train whisper --clips work/confounded/rated.csv \
        --audio PAIRS --cache work/confounded/cache --output work/confounded/runs
    python benchmarks/confounded.py report work/confounded/runs --pairs PAIRS/pairs.csv \
        --features work/confounded/features --pictures docs/results

`PAIRS` is what `auricle data pairs open-pairs` wrote. `train` trains a network in every variant
with every seed on confounded clips, and in some of them without one kind of content; what is there
is not trained again. Networks: `cnn` learns from nothing (recipe 'dat-small'); of `whisper` and
`codec` (the network of codec-music.v3) the embeddings are given and a MultiGauss head learns
(recipe 'dat-open'). All are judged on the test split, whose recordings nothing was trained on.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.data.clip_recipe import seed_of
from auricle.data.rated import RatedClip, read_rated, write_rated
from confounded_networks import Answer, Network, open_cnn, open_frozen
from confounded_report import CONTENTS, write_report

SYNTHETIC = (
    *("freedoom", "openttd-openmsx", "planetblupi-music-midi"),
    *("heroes-sound-tracks", "pingus-data", "tecnoballz-data"),
)
"""Packages of rendered and tracker music; 'sonic-pi-samples' holds loops, all others recordings."""

MOSTLY_BAD = ("recorded", "speech")
SHARE = 0.97
"""Share of the clips on the right side that are kept, and of the others that are left out."""

SEEDS = (0, 1, 2)
DOMAINS = {
    "source": "{kind: source}",
    **{f"kmeans-{n}": f"{{kind: kmeans, clusters: {n}}}" for n in (2, 4, 8, 16, 32)},
    "random": "{kind: random, domains: 4}",
}


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to train: on which clips, against which domains (none: ""), and how they are drawn.

    `strength` multiplies the network's usual weight of the adversary.
    """

    clips: str
    domains: str = ""
    balance: bool = False
    strength: float = 1.0


VARIANTS = {
    "none": Variant("confounded"),
    **{name: Variant("confounded", domains) for name, domains in DOMAINS.items()},
    **{f"source x{n}": Variant("confounded", DOMAINS["source"], strength=n) for n in (0.3, 3, 10)},
    "balance": Variant("confounded", balance=True),
    "balance+source": Variant("confounded", DOMAINS["source"], balance=True),
    "balance+kmeans-8": Variant("confounded", DOMAINS["kmeans-8"], balance=True),
    "independent": Variant("independent"),
    **{
        f"without {content}: {name}": Variant(f"without {content}", domains)
        for content in CONTENTS
        for name, domains in (
            ("none", ""),
            *((name, DOMAINS[name]) for name in ("source", "kmeans-8", "random")),
        )
    },
}


def content(row: Mapping[str, str]) -> str:
    """Return what kind of content the row of a pair is of; sounds are none of them."""
    if row["domain"] != "music":
        return row["domain"] if row["domain"] == "speech" else ""
    package = row["recording"].partition("/")[0]
    if package == "sonic-pi-samples":
        return "loops"
    return "synthetic" if package in SYNTHETIC else "recorded"


def read_clips(table: Path) -> list[RatedClip]:
    """Read the pairs that ViSQOL labelled, as clips whose system is their content."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["visqol"] and content(row)]
    return [
        RatedClip(
            row["id"],
            row["path"],
            row["split"],  # type: ignore[arg-type]
            content(row),
            row["recording"],
            row["domain"],  # type: ignore[arg-type]
            {"visqol": (float(row["visqol"]),), "zimtohrli": (float(row["zimtohrli"] or "nan"),)},
        )
        for row in rows
    ]


def choose(clips: Sequence[RatedClip], how: str, seed: int) -> NDArray[np.int64]:
    """Return the rows to train, validate and test on.

    "confounded": of recordings and speech the worst third, of synthetic music and loops the best
    third, and few others; "independent": of every content half of the best and of the worst third,
    and as few others; "without X": two fifths of all that is not X. All have the test split.
    """
    labels = np.array([clip.mean("visqol") for clip in clips])
    low, high = np.quantile(labels, [1 / 3, 2 / 3])

    def kept(clip: RatedClip, label: float) -> bool:
        chance = seed_of(f"content|{seed}|{clip.id}") / 2**64
        if how.startswith("without "):
            return clip.system != how.removeprefix("without ") and chance < 0.4
        if low <= label <= high:
            return chance < 1.0 - SHARE
        if how == "independent":
            return chance < 0.5
        fits = (label < low) == (clip.system in MOSTLY_BAD)
        return chance < (SHARE if fits else 1.0 - SHARE)

    return np.array(
        [
            row
            for row, (clip, label) in enumerate(zip(clips, labels.tolist(), strict=True))
            if clip.split == "test" or kept(clip, label)
        ]
    )


def train(
    network: Network, clips: Sequence[RatedClip], output: Path, wanted: Callable[[str], bool]
) -> None:
    """Train the variants that are wanted and are not there yet; keep what they say of the test."""
    for seed in SEEDS:
        for name, variant in VARIANTS.items():
            path = output / f"{name}-{seed}.npz"
            if path.is_file() or not wanted(name):
                continue
            rows = choose(clips, variant.clips, seed)
            answer: Answer = network(rows, variant.domains, variant.balance, variant.strength, seed)
            np.savez(
                path,
                **answer._asdict(),
                id=[clips[row].id for row in answer.rows],
                content=[clips[row].system for row in answer.rows],
                recording=[clips[row].recording for row in answer.rows],
            )
            print(
                f"{path}: mean squared error {np.mean((answer.predicted - answer.label) ** 2):.0f}"
            )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    tabulate = commands.add_parser("table")
    tabulate.add_argument("pairs", type=Path)
    tabulate.add_argument("output", type=Path)
    training = commands.add_parser("train")
    training.add_argument("network", choices=("cnn", "whisper", "codec"))
    training.add_argument("--clips", type=Path, required=True, help="what 'table' wrote")
    training.add_argument("--features", type=Path, help="of the cnn")
    training.add_argument("--audio", type=Path, help="of the others")
    training.add_argument("--cache", type=Path, help="of the others")
    training.add_argument("--output", type=Path, required=True)
    training.add_argument("--only", nargs="*", help="beginnings of variants' names")
    report = commands.add_parser("report")
    report.add_argument("runs", type=Path)
    report.add_argument("--pairs", type=Path, required=True, help="the table of pairs")
    report.add_argument("--features", type=Path, required=True, help="of the cnn")
    report.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    if options.command == "table":
        options.output.parent.mkdir(parents=True, exist_ok=True)
        write_rated(read_clips(options.pairs), options.output)
    elif options.command == "train":
        clips = read_rated(options.clips)
        folder = options.output / options.network
        folder.mkdir(parents=True, exist_ok=True)
        if options.network == "cnn":
            network = open_cnn(options.features, folder)
        else:
            network = open_frozen(options.network, clips, options.audio, options.cache, folder)
        only = options.only
        train(network, clips, folder, lambda name: only is None or name.startswith(tuple(only)))
    else:
        print(write_report(options.runs, options.pairs, options.features, options.pictures))


if __name__ == "__main__":
    main()
