"""Compare models that were trained repeatedly: means and deviations over the trainings, t-tests.

    python benchmarks/study.py conv1d=work/runs/codec-conv1d vgg19=work/runs/codec-vgg19 \
        --output work/results/study --against PCC=0.875 RMSE=11.75

Each folder is what `auricle train --repeats N --output` wrote; a single training counts as one
repeat, and trainings that are not finished are left out and counted. All models must have been
tested on the same clips. Every recipe has its own label scale, so labels and predictions are first
brought to a common one: `--scale LOW HIGH` are the mean opinion scores that count as 0 and 100.

As in Kasperuk and Zielinski (2024), Tables V and VI, the spread is that of the trainings. Their
p-values fit Student's test with equal variances; Welch's, used here, does without that. What the
spread leaves out, the choice of recordings, is in the 95% intervals of the first repeat,
bootstrapped over recordings. p-values are two-sided and not corrected for their number. Besides
`study.json` and `study.md`, a scatter plot of each model's first repeat is written (needs
matplotlib: the extra `report`; not with `--no-plots`).
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from auricle.core.errors import AuricleError, ConfigError, DataError
from auricle.evaluation.plots import draw_scatter, require_matplotlib
from auricle.stats.correlation import pearson, rmse, spearman
from auricle.stats.hypotheses import TTest, one_sample_t_test, welch_t_test
from auricle.stats.intervals import bootstrap_interval
from auricle.systems.config import LabelScale
from auricle.training.recipe import load_recipe
from auricle.training.repeats import mean_and_deviation
from auricle.training.track import read_log
from auricle.training.trial import TEST, Trial, read_trial

MEASURES = {"pcc": pearson, "srcc": spearman, "rmse": rmse}
TESTED = ("pcc", "rmse")
# Of 100: scales that end at the highest label are given to three decimals.
TOLERANCE = 0.05


@dataclass(frozen=True, slots=True)
class Model:
    """The finished trainings of a model: `trials` and `epochs` are `[repeat]`."""

    name: str
    trials: tuple[Trial, ...]
    epochs: tuple[int, ...]
    unfinished: int

    def values(self, measure: str) -> list[float]:
        """Return a measure of every repeat."""
        return [float(getattr(trial, measure)) for trial in self.trials]


def read_model(name: str, folder: Path, scale: LabelScale) -> Model:
    """Read the trainings in a folder, with labels and predictions brought to `scale`.

    Raises `DataError` when none is finished.
    """
    numbered = [path for path in folder.glob("*") if path.is_dir() and path.name.isdigit()]
    folders = sorted(numbered, key=lambda path: int(path.name)) or [folder]
    finished = [path for path in folders if (path / TEST).is_file()]
    if not finished:
        raise DataError(f"{folder} holds no finished training: there is no {TEST}")
    return Model(
        name=name,
        trials=tuple(_rescale(path, scale) for path in finished),
        epochs=tuple(len(read_log(path)) for path in finished),
        unfinished=len(folders) - len(finished),
    )


def study(models: Sequence[Model], against: Mapping[str, float]) -> dict[str, Any]:
    """Return the figures of all models, their comparisons, and those with published values.

    Raises `DataError` when the models were not tested on the same clips.
    """
    for model in models:
        for trial in model.trials:
            _refuse_other_clips(models[0].trials[0], trial, model.name)
    first = models[0].trials[0]
    return {
        "clips": len(first.id),
        "recordings": len(set(first.recording)),
        "models": {model.name: _describe(model) for model in models},
        "welch": [
            {
                "models": [one.name, other.name],
                **{name: _compare(one.values(name), other.values(name)) for name in TESTED},
            }
            for one, other in itertools.combinations(models, 2)
        ],
        "against": [
            {
                "model": model.name,
                "measure": name,
                "published": value,
                "test": _compare(model.values(name), value),
            }
            for model in models
            for name, value in against.items()
        ],
    }


def to_markdown(found: Mapping[str, Any]) -> str:
    """Return the tables of a study."""
    lines = [
        f"{found['clips']} test clips of {found['recordings']} recordings. Mean (SD) over repeats;"
        " brackets hold 95% intervals of the first repeat, bootstrapped over recordings.",
        "",
        "| model | repeats | epochs | PCC | SRCC | RMSE of 100 |",
        "|---|---|---|---|---|---|",
    ]
    for name, model in found["models"].items():
        cells = [
            f"{_spread(model[m], _digits(m))}, {_interval(model['first_repeat'][m], _digits(m))}"
            for m in MEASURES
        ]
        epochs = _spread(model["epochs"], 1)
        lines.append(f"| {name} | {model['repeats']} | {epochs} | " + " | ".join(cells) + " |")
    if found["welch"]:
        lines += [
            "",
            "| Welch's t-test | PCC | RMSE |",
            "|---|---|---|",
            *(
                f"| {' - '.join(row['models'])} | "
                + " | ".join(_test(row[m]) for m in TESTED)
                + " |"
                for row in found["welch"]
            ),
        ]
    if found["against"]:
        lines += [
            "",
            "| one-sample t-test | measure | published | test |",
            "|---|---|---|---|",
            *(
                f"| {row['model']} | {row['measure'].upper()} | {row['published']:g} |"
                f" {_test(row['test'])} |"
                for row in found["against"]
            ),
        ]
    if found["welch"] or found["against"]:
        lines += ["", "p-values are two-sided and not corrected for their number."]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study from the command line and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", metavar="NAME=DIR")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--against", nargs="+", default=[], metavar="MEASURE=VALUE")
    parser.add_argument("--scale", nargs=2, type=float, default=(1.0, 5.0), metavar=("LOW", "HIGH"))
    parser.add_argument("--no-plots", action="store_true")
    given = parser.parse_args(arguments)
    try:
        if not given.no_plots:
            require_matplotlib()
        against = {name.lower(): _number(value) for name, value in _pairs(given.against).items()}
        unknown = sorted(against.keys() - MEASURES.keys())
        if unknown:
            raise ConfigError(f"there is no measure {', '.join(unknown)}: PCC, SRCC or RMSE")
        low, high = given.scale
        if not low < high:
            raise ConfigError(f"a scale must rise, not go from {low:g} to {high:g}")
        scale = LabelScale(low=low, high=high)
        models = [
            read_model(name, Path(folder), scale) for name, folder in _pairs(given.models).items()
        ]
        found = {"scale": [low, high]} | study(models, against)
    except AuricleError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    text = to_markdown(found)
    print(text, end="")
    given.output.mkdir(parents=True, exist_ok=True)
    (given.output / "study.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (given.output / "study.md").write_text(text, encoding="utf-8")
    for model in [] if given.no_plots else models:
        trial = model.trials[0]
        title = f"{model.name}: PCC {trial.pcc:.3f}, RMSE {trial.rmse:.2f}"
        path = given.output / f"{model.name}.png"
        draw_scatter(trial.label, trial.predicted, trial.recording, path, title=title)
    return 0


def _rescale(folder: Path, scale: LabelScale) -> Trial:
    trial = read_trial(folder / TEST)
    own = load_recipe(folder / "recipe.yaml").system.label_scale
    factor = (own.high - own.low) / (scale.high - scale.low)
    offset = 100.0 * (own.low - scale.low) / (scale.high - scale.low)
    return replace(
        trial, label=offset + factor * trial.label, predicted=offset + factor * trial.predicted
    )


def _refuse_other_clips(first: Trial, other: Trial, name: str) -> None:
    if first.id != other.id:
        raise DataError(f"{name} was tested on other clips than the first model")
    gap = float(np.abs(first.label - other.label).max())
    if gap > TOLERANCE:
        raise DataError(
            f"the labels of {name} differ from the first model's by up to {gap:.2g} of 100: its"
            " label scale is narrower than the labels, or the clips were labelled anew"
        )


def _describe(model: Model) -> dict[str, Any]:
    trial = model.trials[0]
    found: dict[str, Any] = {
        "repeats": len(model.trials),
        "unfinished": model.unfinished,
        "epochs": _summary([float(epochs) for epochs in model.epochs]),
        "first_repeat": {name: _bootstrap(name, trial) for name in MEASURES},
    }
    return found | {name: _summary(model.values(name)) for name in MEASURES}


def _summary(values: Sequence[float]) -> dict[str, Any]:
    mean, deviation = mean_and_deviation(values)
    return {"mean": mean, "sd": deviation, "values": list(values)}


def _bootstrap(name: str, trial: Trial) -> dict[str, float] | None:
    try:
        estimate = bootstrap_interval(
            MEASURES[name], trial.predicted, trial.label, groups=trial.recording
        )
    except DataError:  # a single recording, or a prediction that is always the same
        return None
    return asdict(estimate)


def _compare(values: Sequence[float], other: Sequence[float] | float) -> dict[str, float] | None:
    """Return a t-test, or None where there is none: of a single repeat, or equal ones."""
    try:
        found: TTest = (
            one_sample_t_test(values, other)
            if isinstance(other, float)
            else welch_t_test(values, other)
        )
    except DataError:
        return None
    return asdict(found)


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value) or name in found or "/" in name:
            raise ConfigError(f"{text!r} is not NAME=VALUE with a name of its own")
        found[name] = value
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is not a number") from error


def _digits(measure: str) -> int:
    return 2 if measure == "rmse" else 3


def _spread(summary: Mapping[str, Any], digits: int) -> str:
    deviation = "" if summary["sd"] is None else f" ({summary['sd']:.{digits}f})"
    return f"{summary['mean']:.{digits}f}{deviation}"


def _interval(estimate: Mapping[str, float] | None, digits: int) -> str:
    if estimate is None:
        return "[-]"
    return f"[{estimate['low']:.{digits}f}, {estimate['high']:.{digits}f}]"


def _test(found: Mapping[str, float] | None) -> str:
    return "-" if found is None else str(TTest(**found))


if __name__ == "__main__":
    sys.exit(main())
