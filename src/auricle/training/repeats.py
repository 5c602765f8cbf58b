"""Trainings that differ by their seed alone: how much of a result is chance.

```
1/, 2/, ...     a training each, with its log, bundle and test.csv
repeats.json    what came out of each, with mean and standard deviation
```
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auricle.core.errors import ConfigError
from auricle.data.features import read_features
from auricle.training.loop import train, train_system
from auricle.training.recipe import Recipe, identify_training
from auricle.training.trial import TEST, read_trial

if TYPE_CHECKING:
    from auricle.training.track import OnEpoch

MEASURES = ("epochs", "validation_pcc", "validation_rmse", "test_pcc", "test_srcc", "test_rmse")

# Written last into the folder of a training: what it was, and what came out.
_RESULT = "result.json"
_SUMMARY = "repeats.json"


@dataclass(frozen=True, slots=True)
class Repeat:
    """What came out of one training; errors are on the scale that scores are shown on.

    Figures of the validation split are those of the best epoch; figures of the test split are
    missing (None) when the features have none.
    """

    seed: int
    epochs: int
    validation_pcc: float
    validation_rmse: float
    test_pcc: float | None = None
    test_srcc: float | None = None
    test_rmse: float | None = None


OnRepeat = Callable[[int, Repeat], None]


def train_repeats(
    recipe: Recipe,
    features: Path,
    output: Path,
    repeats: int,
    *,
    resume: bool = True,
    export: bool = True,
    on_epoch: OnEpoch | None = None,
    on_repeat: OnRepeat | None = None,
) -> tuple[Repeat, ...]:
    """Train `repeats` times, with the seeds `recipe.seed`, `recipe.seed + 1`, and so on.

    The trainings lie in `output`'s folders 1, 2, ..., the figures in its `repeats.json`. With
    `resume`, finished trainings by the same recipe on the same features are not done again, and
    an interrupted one goes on. Without `export` there are figures, but no bundles. `on_repeat` is
    called with the number and the figures of each.
    Raises `ConfigError` for less than one repeat, or what `auricle.training.loop.train` raises.
    """
    if repeats < 1:
        raise ConfigError(f"a training is repeated at least once, not {repeats} times")
    data = read_features(features)
    found = []
    for number in range(1, repeats + 1):
        folder = output / str(number)
        seeded = recipe.model_copy(update={"seed": recipe.seed + number - 1})
        fingerprint = identify_training(seeded, data.clips)
        repeat = _read_result(folder, fingerprint) if resume else None
        if repeat is None:
            run = train if export else train_system
            run(seeded, features, folder, resume=resume, on_epoch=on_epoch)
            repeat = _judge(seeded, folder)
            _write_json(folder / _RESULT, {"fingerprint": fingerprint, "result": asdict(repeat)})
        found.append(repeat)
        if on_repeat is not None:
            on_repeat(number, repeat)
    summary = {
        name: None if spread is None else {"mean": spread[0], "sd": spread[1]}
        for name, spread in summarise(found).items()
    }
    results = [asdict(repeat) for repeat in found]
    _write_json(output / _SUMMARY, {"repeats": results, "summary": summary})
    return tuple(found)


def summarise(repeats: Sequence[Repeat]) -> dict[str, tuple[float, float | None] | None]:
    """Return mean and standard deviation of every measure over repeats.

    The deviation is that of a sample (n - 1), None for a single repeat; a measure that a repeat
    lacks is None as a whole.

    >>> summarise([Repeat(0, 9, 0.8, 12.0), Repeat(1, 11, 0.9, 14.0)])["epochs"]
    (10.0, 1.4142135623730951)
    """
    found: dict[str, tuple[float, float | None] | None] = {}
    for name in MEASURES:
        values = [value for repeat in repeats if (value := getattr(repeat, name)) is not None]
        whole = len(values) == len(repeats) > 0
        found[name] = mean_and_deviation(values) if whole else None
    return found


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean and the standard deviation of a sample (None for a single value).

    >>> mean_and_deviation([1.0, 2.0, 3.0])
    (2.0, 1.0)
    """
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None


def _judge(recipe: Recipe, folder: Path) -> Repeat:
    from auricle.training.track import read_log

    log = read_log(folder)
    best = min(log, key=lambda epoch: epoch.validation_rmse)
    error = recipe.system.spec.scale.span * best.validation_rmse
    figures = Repeat(recipe.seed, len(log), best.validation_pcc, error)
    if not (folder / TEST).is_file():
        return figures
    trial = read_trial(folder / TEST)
    test = {"test_pcc": trial.pcc, "test_srcc": trial.srcc, "test_rmse": trial.rmse}
    return Repeat(**asdict(figures) | test)


def _read_result(folder: Path, fingerprint: str) -> Repeat | None:
    try:
        facts = json.loads((folder / _RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(facts, dict) or facts.get("fingerprint") != fingerprint:
        return None
    return Repeat(**facts["result"])


def _write_json(path: Path, content: dict[str, Any]) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    part.replace(path)
