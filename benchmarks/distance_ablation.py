"""What the parts of DeePAQ are worth: training strategy, bitrates, encoder, mappings.

    auricle data pairs deepaq-paper --corpus MUSIC --output PAIRS --set seconds=4.0 \
        --set excerpts.train=150 --set excerpts.validation=40 --set excerpts.test=60 \
        --set split.train=0.6 --set split.validation=0.15 --set split.test=0.25
    OMP_NUM_THREADS=1 AURICLE_PACKAGES=PACKAGES \
        python benchmarks/distance_ablation.py --pairs PAIRS --cache CACHE --runs RUNS --output DIR

Every variant is trained on the same pairs, then hears whole clips of the test split. What a run
leaves in RUNS is kept: an interrupted one goes on, a finished one is only read. `--only VARIANT...`
trains a part of them, `--seeds 0` with one seed; the tables show what is finished of all variants.
PACKAGES holds the unpacked weights of Whisper-tiny (docs/encoders.md).
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from auricle.core.errors import AuricleError, DataError
from auricle.data.manifest import Split
from auricle.data.pairs import read_clips
from auricle.encoders.cache import EmbeddingCache
from auricle.encoders.lora import trainable_share
from auricle.encoders.waveform import WaveformEncoder
from auricle.stats.correlation import pearson, spearman
from auricle.stats.cubic_mapping import fit_cubic
from auricle.stats.intervals import Estimate, bootstrap_interval
from auricle.stats.mlp_mapping import fit_mlp
from auricle.training.distance_clips import PreparedPairs, prepare_pairs
from auricle.training.distance_figures import EmbeddedPairs, embed_pairs
from auricle.training.distance_fit import fit_distance
from auricle.training.distance_loop import start_network
from auricle.training.distance_recipe import DistanceRecipe, load_distance_recipe
from excerpts import plain, show, table, write_results

Values = NDArray[np.float64]
Figures = dict[str, Estimate]
Correlation = Callable[[ArrayLike, ArrayLike], float]

SPLITS: tuple[Split, ...] = ("validation", "test")
# All others are compared with this one.
BASE = "lora"
# Distances as they are, and mapped.
KINDS = ("raw", "cubic", "mlp")
MEASURES: Mapping[str, Correlation] = {"SRCC": spearman, "PCC": pearson}
# Rates that a short training by each strategy wants: what is new learns faster than what is tuned.
NEW, TUNED = "optimiser.lr=1e-3", "optimiser.lr=1e-4"
WHISPER = "deepaq-whisper"
FULL_RATE = "system.sample_rate=48000"


@dataclass(frozen=True, slots=True)
class Variant:
    """A training: an embedded recipe and what is changed of it."""

    recipe: str
    overrides: tuple[str, ...]


VARIANTS: Mapping[str, Variant] = {
    "lora": Variant(WHISPER, (NEW,)),
    "frozen": Variant(f"{WHISPER}-frozen", (NEW,)),
    "full-band": Variant(
        f"{WHISPER}-full",
        (NEW, FULL_RATE, "system.encoder={kind: full_band, settings: {}}"),
    ),
    "codec-music": Variant(
        f"{WHISPER}-full",
        (NEW, FULL_RATE, "system.encoder={kind: mel_cnn, weights: codec-music.v3}"),
    ),
    "full": Variant(f"{WHISPER}-full", (TUNED,)),
    "visqol": Variant(f"{WHISPER}-visqol", (NEW,)),
    "within-codec": Variant(
        WHISPER,
        (
            NEW,
            "loss.terms=[{of: clips, label: visqol}, {of: clips, label: bitrate, within: codec}]",
        ),
    ),
    # A projection as it was drawn.
    "untrained": Variant(f"{WHISPER}-frozen", ("optimiser.lr=1e-12", "max_epochs=1")),
    "mel-statistics": Variant(
        f"{WHISPER}-frozen",
        (NEW, FULL_RATE, "system.encoder={kind: mel_statistics, settings: {}}"),
    ),
}
SHORT = (
    "data.seconds=2.0",
    "max_epochs=5",
    "schedule={kind: cosine, warm_up: 0.05}",
)  # fmt: skip


class Heard(NamedTuple):
    """What a finished run says of degraded clips `[clip]`: distances beside what is known of them.

    `ladder` names the one that a clip is on, the severer the higher its `rung`.
    """

    recording: Sequence[str]
    ladder: Sequence[str]
    rung: Values
    visqol: Values
    matching: Values
    non_matching: Values


@dataclass(frozen=True, slots=True)
class Run:
    """A finished training by one seed: its facts, and what it says of each split."""

    facts: Mapping[str, Any]
    heard: Mapping[Split, Heard]


def train(name: str, seed: int, pairs: Path, cache: Path, folder: Path) -> None:
    """Train a variant, unless that is finished, and write its distances to `folder`."""
    if (folder / "run.json").is_file():
        return
    variant = VARIANTS[name]
    recipe = load_distance_recipe(
        variant.recipe, [*SHORT, *variant.overrides, f"seed={seed}", f"system.name={name}"]
    )
    network, _ = start_network(recipe)
    # Preparing is quick, and kept: clips are cut for training, and whole for the test.
    cut, whole = (_prepare(recipe, network.encoder, pairs, cache, crop) for crop in (True, False))
    seconds = [time.process_time()]
    epochs = fit_distance(
        recipe, network, cut, folder, on_epoch=lambda _: seconds.append(time.process_time())
    )
    for split in SPLITS:
        found = embed_pairs(network, whole, split, recipe.references, seed=0)
        _write_heard(whole, found, folder / f"{split}.csv")
    facts = {
        "learns": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "share": trainable_share(network),
        "epochs": len(epochs),
        "best": 1 + int(np.argmin([epoch.loss for epoch in epochs])),
        "seconds_per_epoch": float(np.median(np.diff(seconds))) if len(seconds) > 1 else None,
        "learning_rate": recipe.optimiser.lr,
        "recipe": recipe.model_dump(mode="json"),
    }
    (folder / "run.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _prepare(
    recipe: DistanceRecipe, encoder: WaveformEncoder, pairs: Path, cache: Path, crop: bool
) -> PreparedPairs:
    samples = recipe.crop_samples if crop else recipe.system.segment_samples
    store = EmbeddingCache(cache, recipe.data.precision)
    return prepare_pairs(encoder, read_clips(pairs), pairs, store, samples)


def _write_heard(pairs: PreparedPairs, found: EmbeddedPairs, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Heard._fields)
        for row, *both in zip(found.rows, found.matching, found.non_matching, strict=True):
            clip = pairs.clips[row]
            if not clip.clean and "visqol" in clip.labels:
                ladder = f"{clip.excerpt} {clip.ladder}"
                writer.writerow([clip.recording, ladder, clip.rung, clip.labels["visqol"], *both])


def read_heard(path: Path) -> Heard:
    """Read what a run wrote of a split."""
    with path.open(newline="", encoding="utf-8") as file:
        recordings, ladders, *numbers = zip(*list(csv.reader(file))[1:], strict=True)
    return Heard(recordings, ladders, *np.array(numbers, dtype=np.float64))


def read_runs(folder: Path) -> dict[str, list[Run]]:
    """Return the finished runs of each variant in `folder`, in the order of their seeds.

    Raises `DataError` when none is finished, or they heard different clips.
    """
    runs: dict[str, list[Run]] = {}
    for name in VARIANTS:
        for facts in sorted((folder / name).glob("*/run.json")):
            heard = {split: read_heard(facts.with_name(f"{split}.csv")) for split in SPLITS}
            runs.setdefault(name, []).append(
                Run(json.loads(facts.read_text(encoding="utf-8")), heard)
            )
    if not runs:
        raise DataError(f"no training in {folder} is finished")
    labels = [run.heard["test"].visqol for part in runs.values() for run in part]
    if not all(np.array_equal(labels[0], other) for other in labels):
        raise DataError(f"trainings in {folder} heard different clips: they are of other pairs")
    return runs


def map_distances(run: Run, kind: str) -> Values:
    """Return the scores of test clips by a mapping that was fitted on validation clips.

    Both mappings aim at ViSQOL on a scale of 100, and are 100 at the distance 0. "raw" is none:
    distances with their sign changed.
    """
    known, heard = run.heard["validation"], run.heard["test"]
    if kind == "raw":
        return -heard.matching
    target = 100.0 * (known.visqol - 1.0) / 3.732
    if kind == "cubic":
        return fit_cubic(known.matching, target, falling=True, at_zero=100.0).apply(heard.matching)
    return fit_mlp(known.matching, target, at_zero=100.0).apply(heard.matching)


def order_rungs(heard: Heard) -> tuple[Values, list[str]]:
    """Return 1 for neighbours on a ladder whose severer is the farther one, and the recordings."""
    order = np.lexsort((heard.rung, np.array(heard.ladder)))
    pairs = [(a, b) for a, b in pairwise(order) if heard.ladder[a] == heard.ladder[b]]
    right = [float(heard.matching[mild] < heard.matching[severe]) for mild, severe in pairs]
    return np.array(right), [heard.recording[mild] for mild, _ in pairs]


def agree(
    heard: Heard,
    measure: Correlation,
    scores: Sequence[Values],
    others: Sequence[Values] = (),
    *,
    resamples: int,
) -> Estimate:
    """Return how well scores agree with ViSQOL, on average over seeds; less how well others do."""

    def mean(truth: Values, columns: Sequence[Values]) -> float:
        return float(np.mean([measure(column, truth) for column in columns])) if columns else 0.0

    def difference(truth: Values, *columns: Values) -> float:
        return mean(truth, columns[: len(scores)]) - mean(truth, columns[len(scores) :])

    columns = (heard.visqol, *scores, *others)
    return bootstrap_interval(difference, *columns, groups=heard.recording, resamples=resamples)


def measure_runs(runs: Sequence[Run], base: Sequence[Run] = (), *, resamples: int) -> Figures:
    """Return all figures of the runs of a variant, less those of `base` by the same seeds."""
    test = runs[0].heard["test"]
    found: Figures = {}
    for kind in KINDS:
        ours, theirs = ([map_distances(run, kind) for run in part] for part in (runs, base))
        for name, measure in MEASURES.items():
            found[f"{kind} {name}"] = agree(test, measure, ours, theirs, resamples=resamples)
    ours, theirs = ([-run.heard["test"].non_matching for run in part] for part in (runs, base))
    found["non-matching SRCC"] = agree(test, spearman, ours, theirs, resamples=resamples)
    ordered = [[order_rungs(run.heard["test"]) for run in part] for part in (runs, base)]
    right, wrong = (np.mean([one for one, _ in part], axis=0) if part else 0.0 for part in ordered)
    found["ladders"] = bootstrap_interval(
        np.mean, right - wrong, groups=ordered[0][0][1], resamples=resamples
    )
    return found


def measure_gains(runs: Sequence[Run], *, resamples: int) -> Figures:
    """Return what mappings change of a variant: correlations after less those before."""
    test = runs[0].heard["test"]
    raw, *mapped = ([map_distances(run, kind) for run in runs] for kind in KINDS)
    return {
        f"{kind} {name}": agree(test, measure, scores, raw, resamples=resamples)
        for kind, scores in zip(KINDS[1:], mapped, strict=True)
        for name, measure in MEASURES.items()
    }


def describe(runs: Mapping[str, Sequence[Run]], resamples: int) -> tuple[dict[str, Any], str]:
    """Return all figures, and the tables of them in Markdown."""
    base = runs.get(BASE, ())
    parts = {
        "figures": {name: measure_runs(part, resamples=resamples) for name, part in runs.items()},
        "differences": {
            # As many seeds of each.
            name: measure_runs(part[: len(base)], base[: len(part)], resamples=resamples)
            for name, part in runs.items()
            if base and name != BASE
        },
        "gains": {name: measure_gains(part, resamples=resamples) for name, part in runs.items()},
    }
    titles = ("Agreement with ViSQOL", f"Difference from `{BASE}`", "What mappings change")
    sections = [f"### Trainings\n\n{_facts(runs)}"]
    sections += [
        f"### {title}\n\n{_rows(part)}" for title, part in zip(titles, parts.values(), strict=True)
    ]
    facts = {name: [run.facts for run in part] for name, part in runs.items()}
    result = {name: plain(part) for name, part in parts.items()}
    return {**result, "facts": facts}, "\n\n".join(sections)


def _rows(parts: Mapping[str, Figures]) -> str:
    columns = list(next(iter(parts.values()), {}))
    return table(
        ["", *columns],
        [[name, *(show(part[column]) for column in columns)] for name, part in parts.items()],
    )


def _facts(runs: Mapping[str, Sequence[Run]]) -> str:
    rows = []
    for name, part in runs.items():
        facts = part[0].facts
        seconds = [run.facts["seconds_per_epoch"] for run in part]
        known = [value for value in seconds if value is not None]
        heard = [run.heard["test"] for run in part]
        rows.append([
            name, f"{facts['learns']:,}", f"{100 * facts['share']:.1f}%",
            f"{facts['learning_rate']:g}", f"{np.median(known):.0f}" if known else "-",
            ", ".join(str(run.facts["best"]) for run in part),
            ", ".join(f"{spearman(-one.matching, one.visqol):.3f}" for one in heard),
        ])  # fmt: skip
    header = ("weights that learn", "share", "rate", "processor s per epoch")
    return table(["", *header, "best epoch, by seed", "raw SRCC, by seed"], rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--pairs", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--cache", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--runs", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--resamples", type=int, default=1000, help="of recordings, per interval")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        for seed in options.seeds:
            for name in options.only:
                print(f"{name}, seed {seed}", file=sys.stderr, flush=True)
                folder = options.runs / name / str(seed)
                train(name, seed, options.pairs, options.cache, folder)
        result, markdown = describe(read_runs(options.runs), options.resamples)
    except AuricleError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    write_results(options.output, "distance-ablation", result, markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
