"""What a pretrained encoder knows of listeners' opinions, beside the same one with fresh weights.

    python benchmarks/jsqa_human.py --data FOLDER --recipe jsqa-small \
        --encoder PRETRAINING/encoder.safetensors --output docs/results/jsqa

`FOLDER` holds listening tests (docs/benchmark.md). Of each test mean and deviation of an encoder's
frames over a clip go into a ridge regression to the mean rating. One talker or item at a time is
held out; its penalty is chosen on the others. Nothing that is shipped is fitted on these ratings.
Tests joined by "+" are one: their items of the same name are held out together.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from auricle.data.listening_layouts import read_listening_tests
from auricle.data.listening_sets import ListeningTests, RatedPair
from auricle.data.set_description import read_description
from auricle.encoders.base import Encoder
from auricle.evaluation.human_probe import (
    ClipEmbedder,
    ProbeResult,
    compare_probes,
    embed_pairs,
    predict_held_out,
)
from auricle.stats.performance import Agreement
from auricle.systems.config import SystemConfig
from auricle.systems.system import build_spectrogram_encoder
from auricle.training.checkpoint import load_encoder
from auricle.training.recipe import load_recipe
from excerpts import show, table, write_results

TESTS = ("p835_fb48+p835_wb16", "se_mushra", "neuralcodec_mushra")
SEEDS = 5


def find_pairs(tests: ListeningTests, name: str) -> list[RatedPair]:
    """Return the pairs of tests joined by "+" that were rated for quality as a whole."""
    return [pair for pair in tests.rated(name.split("+")) if pair.overall]


def start_encoder(config: SystemConfig, seed: int) -> Encoder:
    """Return a system's encoder with fresh weights."""
    torch.manual_seed(seed)
    return build_spectrogram_encoder(config.encoder, config.front_end.n_mels)


def probe(
    config: SystemConfig, weights: Path, tests: Mapping[str, Sequence[RatedPair]], seeds: int
) -> dict[str, ProbeResult]:
    """Probe the encoder in `weights` and as many fresh ones on each test."""
    pretrained = start_encoder(config, 0)
    load_encoder(pretrained, weights)
    embedders = [
        ClipEmbedder(encoder, config)
        for encoder in (pretrained, *(start_encoder(config, seed) for seed in range(seeds)))
    ]
    found = {}
    for name, pairs in tests.items():
        rating, items = [pair.score for pair in pairs], [pair.item for pair in pairs]
        own, *fresh = (predict_held_out(embed_pairs(e, pairs), rating, items) for e in embedders)
        found[name] = compare_probes(rating, items, own, fresh)
    return found


def to_row(test: str, encoder: str, one: Agreement) -> list[str]:
    """Return a row of the table."""
    return [test, encoder, *(show(part, 2) for part in (one.rmse, one.mae, one.pcc, one.srcc))]


def to_markdown(found: Mapping[str, ProbeResult], tests: Mapping[str, Sequence[RatedPair]]) -> str:
    """Return one table of all tests."""
    rows = []
    for name, result in found.items():
        items = {pair.item for pair in tests[name]}
        told = f"{name} ({len(tests[name])} clips of {len(items)})"
        rows.append(to_row(told, "pretrained", result.pretrained))
        rows += [to_row("", f"fresh, seed {n}", one) for n, one in enumerate(result.fresh)]
        best = result.best_fresh
        difference = (show(one, 2) for one in result.differences[best].values())
        rows.append(["", f"pretrained - seed {best}, the best", *difference])
        rows.append(to_row("", "mean of the others", result.guess))
    header = ["test", "encoder", "RMSE", "MAE", "PCC", "SRCC"]
    return (
        "Ratings predicted from mean and deviation of an encoder's frames by ridge regression, for"
        " each talker or item fitted on the others; hidden references are left out. Brackets hold"
        " 95% bootstrap intervals over items (over clips where there are fewer than five), of these"
        " encoders: how far apart others would be is seen in the rows of the fresh ones. RMSE and"
        " MAE are on the ratings' scale.\n\n" + table(header, rows)
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", required=True, help="of the system that has the encoder")
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--tests", nargs="+", default=TESTS)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="fresh encoders beside it")
    options = parser.parse_args()
    description = read_description(Path(__file__).with_name("listening_tests.yaml"))
    there = read_listening_tests(options.data, description=description)
    tests = {name: find_pairs(there, name) for name in options.tests}
    config = load_recipe(options.recipe).system
    found = probe(config, options.encoder, tests, options.seeds)
    result: dict[str, Any] = {
        "recipe": options.recipe,
        "tests": {name: {"clips": len(tests[name]), **asdict(one)} for name, one in found.items()},
    }
    write_results(options.output, "human", result, to_markdown(found, tests))


if __name__ == "__main__":
    main()
