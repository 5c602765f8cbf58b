"""Compare the network with the baselines, clip by clip, on recordings none of them was fitted on.

    python benchmarks/compare.py --evaluation DIR --baselines CSV --output DIR

`DIR` is what `auricle evaluate --output` or `auricle train --output` wrote, `CSV` what
`baselines.py --predictions` wrote, by the label scale of the same recipe.
Differences are bootstrapped over recordings: an interval without zero is a difference.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from auricle.stats.correlation import pearson, rmse, spearman
from auricle.stats.intervals import paired_bootstrap_difference
from excerpts import interval, plain, show, table, write_results

MEASURES = (("pcc", pearson), ("srcc", spearman), ("rmse", rmse))
BASELINES = ("ridge", "extra_trees")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluation", type=Path, required=True, metavar="DIR")
    parser.add_argument("--baselines", type=Path, required=True, metavar="CSV")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    options = parser.parse_args()
    ours = _read_network(options.evaluation)
    theirs = _read(options.baselines)
    if ours.keys() != theirs.keys():
        raise SystemExit("the two files are not about the same clips")
    target = np.array([float(row["target"]) for row in ours.values()])
    other_target = np.array([float(theirs[clip]["target"]) for clip in ours])
    # Tables give labels to three decimals.
    if np.abs(target - other_target).max() > 1e-2:
        raise SystemExit("the labels differ: give the network's recipe to baselines.py")
    groups = [row["recording"] for row in ours.values()]
    scores = {"network": np.array([float(row["score"]) for row in ours.values()])} | {
        baseline: np.array([float(theirs[clip][baseline]) for clip in ours])
        for baseline in BASELINES
    }
    models = {
        name: {key: interval(measure, target, score, groups=groups) for key, measure in MEASURES}
        for name, score in scores.items()
    }
    differences = {
        f"network - {name}": {
            key: paired_bootstrap_difference(
                measure, target, scores["network"], scores[name], groups=groups
            )
            for key, measure in MEASURES
        }
        for name in BASELINES
    }
    markdown = "\n\n".join(
        table(
            [title, *(key.upper() for key, _ in MEASURES)],
            [
                [name, *(show(row[key], 2 if key == "rmse" else 3) for key, _ in MEASURES)]
                for name, row in part.items()
            ],
        )
        for title, part in (("model", models), ("difference", differences))
    )
    result = {"models": plain(models), "differences": plain(differences)}
    write_results(options.output, "compare", result, markdown)


def _read_network(folder: Path) -> dict[str, dict[str, str]]:
    if (folder / "predictions.csv").is_file():
        return _read(folder / "predictions.csv")
    rows = _read(folder / "test.csv")
    return {
        clip: row | {"target": row["label"], "score": row["predicted"]}
        for clip, row in rows.items()
    }


def _read(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


if __name__ == "__main__":
    main()
