"""Compare the network with the baselines, clip by clip, on recordings none of them was fitted on.

    python benchmarks/compare.py --evaluation DIR --baselines CSV --output compare.json

`DIR` is what `auricle evaluate --output` or `auricle train --output` wrote, `CSV` what
`baselines.py --predictions` wrote, by the label scale of the same recipe.
Differences are bootstrapped over recordings: an interval without zero is a difference.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from auricle.stats.correlation import pearson, rmse, spearman
from auricle.stats.intervals import paired_bootstrap_difference

MEASURES = {"pcc": pearson, "srcc": spearman, "rmse": rmse}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluation", type=Path, required=True)
    parser.add_argument("--baselines", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
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
    score = np.array([float(row["score"]) for row in ours.values()])
    groups = [row["recording"] for row in ours.values()]
    found = {}
    for baseline in ("ridge", "extra_trees"):
        other = np.array([float(theirs[clip][baseline]) for clip in ours])
        found[f"network minus {baseline}"] = {
            name: asdict(paired_bootstrap_difference(measure, target, score, other, groups=groups))
            for name, measure in MEASURES.items()
        }
    text = json.dumps(found, indent=2)
    options.output.write_text(text + "\n", encoding="utf-8")
    print(text)


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
