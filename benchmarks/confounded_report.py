"""The tables and pictures of `confounded.py`."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.data.batches import split_rows
from auricle.data.domains import describe_bands, find_clusters
from auricle.data.features import read_features
from auricle.evaluation.probes import ProbeResult, compare_representations, probe
from auricle.evaluation.representation import draw_representations
from auricle.stats.correlation import spearman
from auricle.stats.intervals import Estimate, bootstrap_interval
from excerpts import show, table

RESAMPLES = 300
CHANGES = ("MSE", "SRCC", "MSE lower by (%)", "SRCC higher by")
"""The columns that `compare` fills."""

LEAST = 30
"""Clips that a kind of process needs to be asked for."""

CONTENTS = ("loops", "recorded", "speech", "synthetic")
NETWORKS = {
    "cnn": "A convolutional network from nothing",
    "codec": "The network of codec-music.v3, frozen",
    "whisper": "Whisper (tiny.en), frozen",
}


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a variant says of the test split: predictions and vectors by seed."""

    label: NDArray[np.float64]
    predicted: tuple[NDArray[np.float64], ...]
    vectors: tuple[NDArray[np.float32], ...]
    content: tuple[str, ...]
    recording: tuple[str, ...]
    id: tuple[str, ...]

    def of(self, content: str) -> Run:
        """Return the clips of one content alone."""
        rows = np.flatnonzero(np.array(self.content) == content)
        told = (tuple(column[row] for row in rows) for column in (self.content, self.recording))
        return Run(
            self.label[rows],
            tuple(one[rows] for one in self.predicted),
            tuple(one[rows] for one in self.vectors),
            *told,
            tuple(self.id[row] for row in rows),
        )


def read_run(folder: Path, name: str) -> Run:
    """Read the files of a variant, one per seed."""
    files = [np.load(path) for path in sorted(folder.glob(f"{name}-[0-9].npz"))]
    texts = (tuple(files[0][key].tolist()) for key in ("content", "recording", "id"))
    return Run(
        files[0]["label"],
        tuple(file["predicted"] for file in files),
        tuple(file["vectors"] for file in files),
        *texts,
    )


def read_processes(pairs: Path) -> dict[str, str]:
    """Return the kind of the first process of every clip of a table of pairs, by its id."""
    with pairs.open(newline="", encoding="utf-8") as file:
        return {row["id"]: row["process"].partition(":")[0] for row in csv.DictReader(file)}


def read_clusters(folder: Path) -> dict[str, str]:
    """Return which of eight clusters of the spectrograms' bands each clip is of, by its id."""
    features = read_features(folder)
    found = find_clusters(describe_bands(features.log_mel), split_rows(features, "train"), 8)
    return {c.id: found.names[n] for c, n in zip(features.clips, found.of, strict=True)}


def mean_squared_error(truth: ArrayLike, *predicted: ArrayLike) -> float:
    """Return the mean over seeds of the mean squared error."""
    return float(np.mean([np.mean((np.asarray(one) - truth) ** 2) for one in predicted]))


def rank_correlation(truth: ArrayLike, *predicted: ArrayLike) -> float:
    """Return the mean over seeds of Spearman's correlation."""
    return float(np.mean([spearman(one, truth) for one in predicted]))


def change_of_error(truth: ArrayLike, *predicted: ArrayLike) -> float:
    """Return by which share the error of the second half of the predictions is the smaller."""
    half = len(predicted) // 2
    before = mean_squared_error(truth, *predicted[:half])
    return 1.0 - mean_squared_error(truth, *predicted[half:]) / before


def change_of_rank(truth: ArrayLike, *predicted: ArrayLike) -> float:
    """Return by how much the correlation of the second half of the predictions is the higher."""
    half = len(predicted) // 2
    return rank_correlation(truth, *predicted[half:]) - rank_correlation(truth, *predicted[:half])


def interval(statistic: Callable[..., float], run: Run, *others: Run) -> Estimate:
    """Return a statistic of the labels and all predictions, bootstrapped over recordings."""
    predicted = (*run.predicted, *(one for other in others for one in other.predicted))
    return bootstrap_interval(
        statistic, run.label, *predicted, groups=run.recording, resamples=RESAMPLES
    )


def compare(none: Run, other: Run) -> tuple[str, str, str, str]:
    """Return error, correlation, and their changes (error in per cent), as cells."""
    return (
        show(interval(mean_squared_error, other), 0),
        show(interval(rank_correlation, other), 3),
        show(interval(change_of_error, none, other), 1, factor=100.0),
        show(interval(change_of_rank, none, other), 3),
    )


def write_report(runs: Path, pairs: Path, features: Path, pictures: Path | None) -> str:
    """Return the tables of all networks as Markdown; `pictures` receives the drawings."""
    parts, processes, clusters = [], read_processes(pairs), read_clusters(features)
    for name, title in NETWORKS.items():
        folder = runs / name
        if not (folder / "none-0.npz").is_file():
            continue
        parts += [
            f"## {title}\n",
            confounded_table(folder),
            "",
            probe_table(folder, processes, clusters),
            "",
        ]
        if any(folder.glob("without*.npz")):
            parts += [left_out_table(folder), ""]
        if pictures is not None:
            draw(folder, pictures / f"domain-adversarial-{name}.png")
    return "\n".join(parts)


def names(folder: Path) -> list[str]:
    """Return the variants that were trained on confounded or independent clips, "none" first."""
    found = sorted({path.stem.rpartition("-")[0] for path in folder.glob("*.npz")})
    return ["none", *(name for name in found if name != "none" and ":" not in name)]


def confounded_table(folder: Path) -> str:
    """Error and correlation on the test split, and what they change against no adversary."""
    none = read_run(folder, "none")
    header = ("trained", *CHANGES)
    rows = []
    for name in names(folder):
        cells = compare(none, read_run(folder, name))
        rows.append((name, *(cells if name != "none" else (*cells[:2], "", ""))))
    return table(header, rows)


def probe_table(folder: Path, processes: Mapping[str, str], clusters: Mapping[str, str]) -> str:
    """What the first seed's vectors tell of content, cluster and process."""
    none = read_run(folder, "none")
    header = ("vectors", "content", "by chance", "gone of the way to chance")
    header += ("cluster", "by chance", "process", "by chance")
    rows = []
    for name in names(folder):
        run = read_run(folder, name)
        heard = probe(run.vectors[0], run.content, run.recording)
        clustered, kinds = (probe_classes(run, classes) for classes in (clusters, processes))
        fall: Estimate | None = None
        if name != "none":
            fall = compare_representations(
                none.vectors[0], run.vectors[0], run.content, run.recording
            ).fall
        cells = [show(heard.balanced, 2), f"{1 / len(heard.classes):.2f}", show(fall, 2)]
        for one in (clustered, kinds):
            cells += [show(one.balanced, 2), f"{1 / len(one.classes):.2f}"]
        rows.append((name, *cells))
    return table(header, rows)


def probe_classes(run: Run, classes: Mapping[str, str]) -> ProbeResult:
    """Ask the first seed's vectors for the class of each clip, by its id; rare ones are out."""
    named = [classes[name] for name in run.id]
    kept = [row for row, name in enumerate(named) if named.count(name) >= LEAST]
    chosen = ([column[row] for row in kept] for column in (named, run.recording))
    return probe(run.vectors[0][kept], *chosen)


def left_out_table(folder: Path) -> str:
    """Error and correlation on contents that were not trained on."""
    header = ("left out", "trained", *CHANGES)
    rows = []
    for content in CONTENTS:
        stems = sorted({path.stem for path in folder.glob(f"without {content}: *.npz")})
        variants = sorted({stem.rpartition("-")[0].partition(": ")[2] for stem in stems})
        runs = {v: read_run(folder, f"without {content}: {v}").of(content) for v in variants}
        for name in sorted(runs, key=lambda name: name != "none"):
            cells = compare(runs["none"], runs[name])
            rows.append((content, name, *(cells if name != "none" else (*cells[:2], "", ""))))
    return table(header, rows)


def draw(folder: Path, path: Path) -> None:
    """Draw the vectors with and without an adversary, by content and quality."""
    titles = {"none": "no adversary", "source": "against the content", "balance": "balanced draws"}
    runs = {title: read_run(folder, name) for name, title in titles.items()}
    one = next(iter(runs.values()))
    draw_representations(
        {title: run.vectors[0] for title, run in runs.items()},
        one.content,
        one.label / 100.0,
        path,
        label="content",
        method="tsne",
    )
