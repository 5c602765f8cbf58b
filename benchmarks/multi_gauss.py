"""Whether intervals hold what they promise, of one axis and of two at once, at home and abroad.

Two heads are trained on the same embeddings (statistics of mel bands, frozen) of a table of pairs:
`mlp`, which knows no uncertainty, and `multi_gauss`. Axes are ViSQOL and Zimtohrli. Recordings are
divided anew for each draw: 60% to train, 10% to choose the epoch, 15% to calibrate, 15% to test.

    auricle data pairs open-pairs ... --output PAIRS
    python benchmarks/multi_gauss.py PAIRS --cache CACHE --output RUNS
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.core.errors import DataError
from auricle.data.manifest import Split
from auricle.data.pairs import read_pairs
from auricle.data.rated import RatedClip
from auricle.losses.regression import mahalanobis
from auricle.stats.correlation import mse, pearson, spearman
from auricle.stats.intervals import bootstrap_interval
from auricle.systems.bundle import FusionCalibration
from auricle.systems.estimate import Estimate
from auricle.training.embeddings import EmbeddedClips
from auricle.training.fusion_bundle import calibrate_axes
from auricle.training.fusion_fit import rate
from auricle.training.fusion_loop import prepare, train_member
from auricle.training.fusion_recipe import FusionRecipe

AXES = ("visqol", "zimtohrli")
LOSSES = {"mlp": "mean_squared_error", "multi_gauss": "multi_gauss"}
SHARES: dict[Split, float] = {"train": 0.6, "validation": 0.1, "calibration": 0.15, "test": 0.15}
# 90% of a normal distribution on two axes lies within so many deviations (chi squared, 2 degrees).
ELLIPSE = float(np.sqrt(-2.0 * np.log(0.1)))

Floats = NDArray[np.float64]
Statistic = Callable[..., float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of test clips: who they are, what was said, and whether it held."""

    recordings: NDArray[np.str_]
    domains: NDArray[np.str_]
    label: Floats
    estimate: Estimate
    held: dict[str, Floats]
    width: Floats


def read_clips(folder: Path) -> list[RatedClip]:
    """Return the pairs of a folder that have both labels, as rated clips."""
    return [
        RatedClip(
            id=clip.id,
            path=clip.path,
            split=clip.split,
            system=clip.ladder,
            recording=clip.recording,
            domain=clip.domain,
            scores={name: (clip.labels[name],) for name in AXES},
        )
        for clip in read_pairs(folder / "pairs.csv")
        if all(name in clip.labels for name in AXES)
    ]


def build_recipe(head: str, seed: int) -> FusionRecipe:
    """Return the recipe of one of the heads."""
    member = {
        "encoders": ["mel"],
        "aggregation": {"kind": "statistics"},
        "head": head,
        "hidden": 128,
        "dropout": 0.1,
    }
    system = {
        "kind": "fusion",
        "name": "pairs",
        "tag": head.replace("_", "-"),
        "summary": "ViSQOL and Zimtohrli without a reference.",
        "axes": [{"name": name, "low": 1.0, "high": 5.0} for name in AXES],
        "encoders": {"mel": {"kind": "mel_statistics", "settings": {}}},
        "members": [member],
        "licence": "Apache-2.0",
        "citation": "",
    }
    return FusionRecipe.model_validate(
        {
            "system": system,
            "loss": {"kind": LOSSES[head]},
            "optimiser": {"kind": "adam", "lr": 1e-3},
            "batch_size": 64,
            "max_epochs": 10,
            "seed": seed,
        }
    )


def divide(clips: Sequence[RatedClip], seed: int, home: str) -> tuple[RatedClip, ...]:
    """Give every recording a split at random; what is not of the `home` domain is for the test."""
    recordings = sorted({clip.recording for clip in clips})
    order = np.random.default_rng(seed).permutation(len(recordings)) / len(recordings)
    ends = np.cumsum(list(SHARES.values()))
    names: list[Split] = list(SHARES)
    split = {
        recording: names[min(int(np.searchsorted(ends, place, side="right")), len(names) - 1)]
        for recording, place in zip(recordings, order.tolist(), strict=True)
    }
    return tuple(
        replace(clip, split="test" if home and clip.domain != home else split[clip.recording])
        for clip in clips
    )


def judge(
    test: EmbeddedClips, estimate: Estimate, calibration: FusionCalibration, recipe: FusionRecipe
) -> Verdict:
    """Return whether the labels of test clips lie in what was said of them."""
    label = test.ratings
    means, deviations = estimate.to_shares(recipe.system.axes)
    true, _ = estimate._replace(mean=label).to_shares(recipe.system.axes)
    scales = np.array([calibration.axes[name].scale for name in AXES])
    reach = scales * deviations
    within = np.abs(true - means) / reach
    if calibration.joint is None:
        raise DataError("too few clips to calibrate the joint intervals on")
    held: dict[str, NDArray[np.bool_]] = {
        name: within[:, place] <= 1.0 for place, name in enumerate(AXES)
    }
    farthest = within.max(axis=1)
    held["both intervals"] = farthest <= 1.0
    held["joint box"] = farthest <= calibration.joint
    if estimate.covariance.size:
        error, factor = label - estimate.mean, np.linalg.cholesky(estimate.covariance)
        length = mahalanobis(torch.from_numpy(error), torch.from_numpy(factor))
        held["ellipse, not calibrated"] = length.numpy() <= ELLIPSE
    ends = np.clip(means + reach, 0.0, 1.0) - np.clip(means - reach, 0.0, 1.0)
    return Verdict(
        np.array([clip.recording for clip in test.clips]),
        np.array([clip.domain for clip in test.clips]),
        label,
        estimate,
        {name: values.astype(np.float64) for name, values in held.items()},
        ends * np.array([axis.span for axis in recipe.system.axes]),
    )


def try_head(
    head: str, seed: int, embedded: EmbeddedClips, folder: Path
) -> tuple[Verdict, Verdict]:
    """Train a head; return the verdicts calibrated on their own split and on validation clips."""
    recipe = build_recipe(head, seed)
    member = train_member(recipe, embedded, folder)
    splits = np.array([clip.split for clip in embedded.clips])
    rows = {name: np.flatnonzero(splits == name) for name in ("validation", "calibration", "test")}
    said = {name: rate(recipe, member, embedded, row) for name, row in rows.items()}
    test = replace(
        embedded,
        clips=tuple(embedded.clips[row] for row in rows["test"].tolist()),
        ratings=embedded.ratings[rows["test"]],
    )
    own, shared = (
        judge(
            test,
            said["test"],
            calibrate_axes(recipe.system.axes, said[name], embedded.ratings[rows[name]]),
            recipe,
        )
        for name in ("calibration", "validation")
    )
    return own, shared


def pool(verdicts: Sequence[Verdict], domain: str) -> Verdict:
    """Put the verdicts of several draws on clips of a domain ("": all) together."""
    pairs = [(v, np.isin(v.domains, domain or v.domains)) for v in verdicts]
    return Verdict(
        np.concatenate([v.recordings[k] for v, k in pairs]),
        np.concatenate([v.domains[k] for v, k in pairs]),
        np.concatenate([v.label[k] for v, k in pairs]),
        Estimate(*(np.concatenate([v.estimate[i][k] for v, k in pairs]) for i in (0, 1))),
        {name: np.concatenate([v.held[name][k] for v, k in pairs]) for name in verdicts[0].held},
        np.concatenate([v.width[k] for v, k in pairs]),
    )


def tell_rows(verdict: Verdict, resamples: int) -> dict[str, str]:
    """Return what is to be told of a verdict, by the name of its row.

    Intervals are those of the bootstrap over recordings.
    """

    def show(statistic: Statistic, *columns: Floats) -> str:
        groups = verdict.recordings
        return str(bootstrap_interval(statistic, *columns, groups=groups, resamples=resamples))

    rows = {"clips": str(len(verdict.label))}
    for name, held in verdict.held.items():
        rows[f"covered: {name}"] = show(np.mean, held)
    for place, name in enumerate(AXES):
        rows[f"mean width: {name}"] = f"{verdict.width[:, place].mean():.2f}"
    for place, name in enumerate(AXES):
        columns = verdict.estimate.mean[:, place], verdict.label[:, place]
        rows[f"MSE: {name}"] = show(mse, *columns)
        rows[f"SRCC: {name}"] = show(spearman, *columns)
    error = verdict.label - verdict.estimate.mean
    if verdict.estimate.covariance.size:
        for place, name in enumerate(AXES):
            sigma = np.sqrt(verdict.estimate.covariance[:, place, place])
            rows[f"SRCC of error and sigma: {name}"] = show(
                spearman, np.abs(error[:, place]), sigma
            )
        told = verdict.estimate.correlation[:, 0, 1]
        rows["correlation told, mean"] = f"{told.mean():.2f}"
    rows["correlation of the errors"] = f"{pearson(*error.T):.2f}"
    return rows


def print_table(title: str, columns: dict[str, Verdict], resamples: int) -> None:
    """Print verdicts side by side."""
    told = [tell_rows(verdict, resamples) for verdict in columns.values()]
    print(f"\n{title}\n\n| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name in dict.fromkeys(name for rows in told for name in rows):
        print(f"| {name} | {' | '.join(rows.get(name, '') for rows in told)} |")


def main() -> None:
    """Train both heads on all clips and on music alone, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", type=Path, help="folder of a table of pairs with both labels")
    parser.add_argument("--cache", type=Path, required=True, help="folder for embeddings")
    parser.add_argument("--output", type=Path, required=True, help="folder for trainings")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--resamples", type=int, default=1000)
    options = parser.parse_args()
    config = build_recipe("mlp", 0).system
    clips = read_clips(options.pairs)
    embedded = prepare(config, "float16", clips, options.pairs, options.cache).embedded
    for home in ("", "music"):
        found: dict[str, list[tuple[Verdict, Verdict]]] = {head: [] for head in LOSSES}
        for seed in range(options.draws):
            drawn = replace(embedded, clips=divide(embedded.clips, seed, home))
            for head, verdicts in found.items():
                folder = options.output / f"{home or 'all'}-{head}-{seed}"
                verdicts.append(try_head(head, seed, drawn, folder))
        for place, split in enumerate(("calibration", "validation")):
            columns = {
                f"{head}, {domain or 'all'}": pool([pair[place] for pair in pairs], domain)
                for domain in ((home, "speech") if home else ("",))
                for head, pairs in found.items()
            }
            title = f"Trained on {home or 'all'}, calibrated on the {split} split"
            print_table(title, columns, options.resamples)


if __name__ == "__main__":
    main()
