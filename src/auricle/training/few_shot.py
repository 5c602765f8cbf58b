"""Few-shot curves: how good a system gets by how many labels, from one start or another.

```
ARM/LABELS/1/, 2/, ...   a training each, with its log and test.csv
few_shot.csv             what came out of each
```
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from auricle.core.errors import ConfigError, DataError
from auricle.core.spec import Scale
from auricle.data.features import read_features
from auricle.data.recordings import write_rows
from auricle.training.recipe import Recipe
from auricle.training.repeats import Repeat, train_repeats
from auricle.training.trial import TEST, Trial, read_trial

if TYPE_CHECKING:
    from auricle.training.track import OnEpoch

COUNTS = (25, 50, 100, 250, 500)

# What makes a recipe that of a linear probe: one dense layer on the mean of a frozen encoder.
PROBE = (
    "encoder=frozen",
    "system.pooling={kind: mean}",
    "system.head={kind: regression, hidden: [], dropout: 0}",
    "loss={kind: mean_squared_error}",
    "optimiser.lr=1e-2",
)

MEASURES = ("rmse", "mae", "pcc", "srcc")

# Many times the size of the figures, and of no use once these are there.
_LEFT_BEHIND = ("checkpoint.pt", "best.safetensors", "tensorboard")


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One training of an arm: how many labels it had (`whole`: all), and the test split's trial."""

    arm: str
    labels: int
    whole: bool
    seed: int
    epochs: int
    trial: Trial


@dataclass(frozen=True, slots=True, eq=False)
class FewShots:
    """All trainings of a study, and the scale of their labels and predictions."""

    scale: Scale
    shots: tuple[Shot, ...]

    def of(self, arm: str, labels: int) -> tuple[Shot, ...]:
        """Return the trainings of an arm with so many labels, by their seed."""
        found = [shot for shot in self.shots if (shot.arm, shot.labels) == (arm, labels)]
        return tuple(sorted(found, key=lambda shot: shot.seed))


def run_few_shots(
    arms: Mapping[str, Recipe],
    features: Path,
    output: Path,
    *,
    counts: Sequence[int] = COUNTS,
    seeds: int = 5,
    on_epoch: OnEpoch | None = None,
    on_shot: Callable[[Shot], None] | None = None,
) -> FewShots:
    """Train every arm with each number of labels and, at last, with all of them.

    An arm is a recipe that differs from the others by its start; with the same seed all arms
    have the same labels, and fewer are among more. Numbers that the training split does not reach
    are left out. Every training is kept at once, without its weights; a study that was
    interrupted goes on where it stopped.

    Raises `ConfigError` when arms are not on one scale, `DataError` when the features lack a test
    split, and what `auricle.training.loop.train` raises.
    """
    scales = {recipe.system.spec.scale for recipe in arms.values()}
    if len(scales) != 1:
        raise ConfigError("the arms of a few-shot study need one system.scale")
    splits = [clip.split for clip in read_features(features).clips]
    if "test" not in splits:
        raise DataError(f"{features} holds no clips of the test split: there is nothing to compare")
    there = splits.count("train")
    shots: list[Shot] = []

    def note(arm: str, labels: int, folder: Path, number: int, repeat: Repeat) -> None:
        trial = read_trial(folder / str(number) / TEST)
        shots.append(Shot(arm, labels, labels == there, repeat.seed, repeat.epochs, trial))
        _clear(folder / str(number))
        _write_shots(shots, output / "few_shot.csv")
        if on_shot is not None:
            on_shot(shots[-1])

    for labels in (*sorted(count for count in counts if count < there), there):
        for arm, recipe in arms.items():
            folder = output / arm / str(labels)
            data = recipe.data.model_copy(update={"labels": None if labels == there else labels})
            train_repeats(
                recipe.model_copy(update={"data": data}),
                features,
                folder,
                seeds,
                export=False,
                on_epoch=on_epoch,
                on_repeat=partial(note, arm, labels, folder),
            )
    return FewShots(scales.pop(), tuple(shots))


def _clear(folder: Path) -> None:
    for name in _LEFT_BEHIND:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _write_shots(shots: Sequence[Shot], path: Path) -> None:
    rows = []
    for shot in shots:
        figures = (f"{getattr(shot.trial, name):.4f}" for name in MEASURES)
        rows.append((shot.arm, shot.labels, shot.seed, shot.epochs, *figures))
    write_rows(path, ("arm", "labels", "seed", "epochs", *MEASURES), rows)
