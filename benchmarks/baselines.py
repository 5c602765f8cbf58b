"""What a network has to beat: ridge regression and extra trees on mel statistics.

    python benchmarks/baselines.py --features DIR --output results.json

`DIR` is what `auricle data features` writes, for any recipe: `features.npy`, log-mel spectrograms
`[clip, frame, mel]` with the floor at 0 and the maximum at 1, and `clips.csv`, a row per clip with
(among others) the columns id, recording, source, split and label (an opinion score, 1..5, scaled to
0..100 as `--recipe` does). Both models are fitted on train and validation, judged on test. Beside
the results goes a CSV with the prediction for every test clip, for paired comparisons with other
models.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from auricle.core.errors import AuricleError, DataError
from auricle.stats.correlation import pearson, rmse, spearman
from auricle.stats.intervals import bootstrap_interval, paired_bootstrap_difference
from auricle.training.recipe import load_recipe

Floats = NDArray[np.floating[Any]]

ALPHAS = np.logspace(-1, 6, 15)
COLUMNS = ("id", "recording", "source", "split", "label")
FITTED_ON = ("train", "validation")
JUDGED_ON = ("test",)
MEASURES = {"pcc": pearson, "srcc": spearman, "rmse": rmse}


@dataclass(frozen=True, slots=True)
class Clips:
    """Clips of some splits: table rows, labels (of 100) `[clip]`, features `[clip, feature]`."""

    rows: tuple[Mapping[str, str], ...]
    labels: NDArray[np.float64]
    features: NDArray[np.float32]

    @property
    def recordings(self) -> tuple[str, ...]:
        """The recording of each clip."""
        return tuple(row["recording"] for row in self.rows)


def mel_statistics(log_mel: Floats) -> NDArray[np.float32]:
    """Return what the bands of a `[frame, mel]` spectrogram do over time, as `[5 * mel]`.

    In this order: mean, standard deviation, 5th and 95th percentile, and mean absolute difference
    between frames, of every band, in the unit of the spectrogram (1280 values for 256 bands).
    Raises `DataError` when it is not `[frame, mel]` with two frames or more, or not finite.

    >>> mel_statistics(np.array([[0.0, 1.0], [1.0, 1.0]])).reshape(5, 2)
    array([[0.5 , 1.  ],
           [0.5 , 0.  ],
           [0.05, 1.  ],
           [0.95, 1.  ],
           [1.  , 0.  ]], dtype=float32)
    """
    if log_mel.ndim != 2 or log_mel.shape[0] < 2:
        raise DataError(f"a spectrogram is [frame, mel], not of shape {log_mel.shape}")
    # Sums of a thousand half-precision values would lose most of their digits.
    spectrogram = np.asarray(log_mel, dtype=np.float32)
    if not np.isfinite(spectrogram).all():
        raise DataError("the spectrogram holds values that are not finite")
    low, high = np.percentile(spectrogram, [5, 95], axis=0)
    change = np.abs(np.diff(spectrogram, axis=0)).mean(axis=0)
    parts = [spectrogram.mean(axis=0), spectrogram.std(axis=0), low, high, change]
    return np.concatenate(parts).astype(np.float32)


def fit_baselines(
    features: Floats,
    labels: Floats,
    groups: Sequence[str],
    unseen: Floats,
    *,
    trees: int = 400,
    jobs: int = 1,
    seed: int = 0,
) -> dict[str, NDArray[np.float64]]:
    """Return what each baseline, fitted on `features`, predicts for `unseen`, as `[clip]` arrays.

    `features` and `unseen` are `[clip, feature]`, `labels` and `groups` (the recordings) `[clip]`.
    The ridge penalty is the one with the least squared error on recordings held out in turn
    (5 folds). Raises `DataError` for fewer than two recordings.
    """
    recordings = len(set(groups))
    if recordings < 2:
        raise DataError(f"fitting needs two recordings or more, not {recordings}")
    ridge = GridSearchCV(
        make_pipeline(StandardScaler(), Ridge()),
        {"ridge__alpha": ALPHAS},
        scoring="neg_mean_squared_error",
        cv=GroupKFold(min(5, recordings)),
    )
    # Small systems solve 50 times slower when BLAS threads outnumber free cores.
    with threadpool_limits(limits=jobs):
        ridge.fit(features, labels, groups=groups)
    forest = ExtraTreesRegressor(n_estimators=trees, n_jobs=jobs, random_state=seed)
    # Trees only compare values within a feature, so standardising would change nothing.
    forest.fit(features, labels)
    return {"ridge": ridge.predict(unseen), "extra_trees": forest.predict(unseen)}


def read_clips(folder: Path, splits: Sequence[str], recipe: str = "codec-music") -> Clips:
    """Read the clips of the named splits from a feature folder, labels by the recipe's scale.

    Raises `DataError` when a file or column is missing, table and spectrograms differ in length,
    the splits hold no clip, or a label is not a number in 1..5.
    """
    rows = _read_table(folder / "clips.csv")
    try:
        spectrograms = np.load(folder / "features.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {folder / 'features.npy'}: {error}") from error
    if len(spectrograms) != len(rows):
        raise DataError(f"{len(rows)} clips in the table, but {len(spectrograms)} spectrograms")
    scale = load_recipe(recipe).system.label_scale
    places = [place for place, row in enumerate(rows) if row["split"] in splits]
    if not places:
        raise DataError(f"no clip in {folder} belongs to {' or '.join(splits)}")
    return Clips(
        rows=tuple(rows[place] for place in places),
        labels=100.0 * scale(np.array([_read_label(rows[place]) for place in places])),
        features=np.stack([mel_statistics(spectrograms[place]) for place in places]),
    )


def run_benchmark(
    folder: Path, *, recipe: str = "codec-music", trees: int = 400, jobs: int = 1, seed: int = 0
) -> tuple[dict[str, Any], list[dict[str, str | float]]]:
    """Return the results on the test split, and a row per test clip with its predictions.

    Raises `DataError` when a recording is both fitted on and judged on, or as `read_clips` does.
    """
    known, unseen = (read_clips(folder, splits, recipe) for splits in (FITTED_ON, JUDGED_ON))
    shared = sorted(set(known.recordings) & set(unseen.recordings))
    if shared:
        raise DataError(f"{len(shared)} test recordings are also fitted on, such as {shared[0]}")
    predictions = fit_baselines(
        known.features,
        known.labels,
        known.recordings,
        unseen.features,
        trees=trees,
        jobs=jobs,
        seed=seed,
    )
    results = {
        "fitted_on": {"clips": len(known.rows), "recordings": len(set(known.recordings))},
        "judged_on": {"clips": len(unseen.rows), "recordings": len(set(unseen.recordings))},
        "settings": {
            "recipe": recipe,
            "trees": trees,
            "seed": seed,
            "scikit-learn": sklearn.__version__,
        },
        "models": {name: _judge(values, unseen) for name, values in predictions.items()},
        "extra_trees_minus_ridge": _compare(predictions, unseen),
    }
    table: list[dict[str, str | float]] = [
        {column: row[column] for column in ("id", "recording", "source")}
        | {"target": float(unseen.labels[place])}
        | {name: float(values[place]) for name, values in predictions.items()}
        for place, row in enumerate(unseen.rows)
    ]
    return results, table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark from the command line and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--features", type=Path, required=True, metavar="DIR")
    parser.add_argument("--output", type=Path, required=True, metavar="JSON")
    parser.add_argument("--predictions", type=Path, metavar="CSV", help="default: OUTPUT as .csv")
    parser.add_argument("--recipe", default="codec-music", help="whose label scale to use")
    parser.add_argument("--trees", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    try:
        results, table = run_benchmark(
            given.features,
            recipe=given.recipe,
            trees=given.trees,
            jobs=given.jobs,
            seed=given.seed,
        )
    except AuricleError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    given.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    predictions = given.predictions or given.output.with_suffix(".csv")
    with predictions.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    return 0


def _judge(predicted: Floats, unseen: Clips) -> dict[str, dict[str, float]]:
    return {
        name: asdict(
            bootstrap_interval(measure, predicted, unseen.labels, groups=unseen.recordings)
        )
        for name, measure in MEASURES.items()
    }


def _compare(predictions: Mapping[str, Floats], unseen: Clips) -> dict[str, dict[str, float]]:
    return {
        name: asdict(
            paired_bootstrap_difference(
                measure,
                unseen.labels,
                predictions["extra_trees"],
                predictions["ridge"],
                groups=unseen.recordings,
            )
        )
        for name, measure in MEASURES.items()
    }


def _read_table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = sorted(set(COLUMNS) - set(reader.fieldnames or ()))
            if missing:
                raise DataError(f"{path} lacks the columns {', '.join(missing)}")
            return list(reader)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error}") from error


def _read_label(row: Mapping[str, str]) -> float:
    try:
        label = float(row["label"])
    except (TypeError, ValueError) as error:
        raise DataError(f"the label of clip {row['id']} is no number: {row['label']!r}") from error
    if not 1.0 <= label <= 5.0:
        raise DataError(f"the label of clip {row['id']} is {label}, not in 1..5")
    return label


if __name__ == "__main__":
    sys.exit(main())
