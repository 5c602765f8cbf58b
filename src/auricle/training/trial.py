"""What a trained system says of clips it was not trained on, as a table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.core.errors import DataError
from auricle.data.features import LabelledClip
from auricle.stats.correlation import mae, pearson, rmse, spearman

Vector = NDArray[np.float64]

# The table that a training leaves beside its bundle.
TEST = "test.csv"

_TEXTS = ("id", "recording", "source", "process")
_NUMBERS = ("label", "predicted")


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Predictions beside labels, both `[clip]`, on the scale that scores are shown on.

    The other fields are those of the clips.
    """

    id: tuple[str, ...]
    recording: tuple[str, ...]
    source: tuple[str, ...]
    process: tuple[str, ...]
    label: Vector
    predicted: Vector

    @property
    def pcc(self) -> float:
        """Pearson's correlation; 0 when the prediction is always the same."""
        return 0.0 if np.ptp(self.predicted) == 0.0 else pearson(self.predicted, self.label)

    @property
    def srcc(self) -> float:
        """Spearman's correlation; 0 when the prediction is always the same."""
        return 0.0 if np.ptp(self.predicted) == 0.0 else spearman(self.predicted, self.label)

    @property
    def rmse(self) -> float:
        """Root mean square error."""
        return rmse(self.predicted, self.label)

    @property
    def mae(self) -> float:
        """Mean absolute error."""
        return mae(self.predicted, self.label)


def write_trial(
    clips: Sequence[LabelledClip], label: ArrayLike, predicted: ArrayLike, path: Path
) -> None:
    """Write a row per clip to `path`, at once; `label` and `predicted` are `[clip]`."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*_TEXTS, *_NUMBERS))
        columns = np.asarray(label).tolist(), np.asarray(predicted).tolist()
        for clip, *numbers in zip(clips, *columns, strict=True):
            texts = (getattr(clip, name) for name in _TEXTS)
            writer.writerow((*texts, *(f"{number:.4f}" for number in numbers)))
    part.replace(path)


def read_trial(path: Path) -> Trial:
    """Read what `write_trial` wrote; raises `DataError` when it is missing or not such a table."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = sorted({*_TEXTS, *_NUMBERS} - set(reader.fieldnames or ()))
            if missing:
                raise DataError(f"{path} lacks the columns {', '.join(missing)}")
            rows = list(reader)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error}") from error
    identifier, recording, source, process = (tuple(row[name] for row in rows) for name in _TEXTS)
    try:
        label, predicted = (np.array([float(row[name]) for row in rows]) for name in _NUMBERS)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: {error} in a column of numbers") from error
    return Trial(identifier, recording, source, process, label, predicted)
