"""What pretraining on just-noticeable differences is worth when labels are few.

Trains a recipe from scratch, from a pretrained encoder, and a linear probe of that encoder, with
25, 50, 100, 250, 500 and all labels and several seeds each; see `docs/jsqa.md`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from auricle.training.few_shot import COUNTS, PROBE, Shot, run_few_shots
from auricle.training.few_shot_report import report_few_shots
from auricle.training.recipe import load_recipe


def show(shot: Shot) -> None:
    """Print what came out of a training."""
    trial = shot.trial
    print(
        f"{shot.arm:15s} {shot.labels:6d} labels  seed {shot.seed}  RMSE {trial.rmse:.3f}"
        f"  PCC {trial.pcc:.3f}  SRCC {trial.srcc:.3f}",
        flush=True,
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--start", required=True, help="encoder.safetensors of a pretraining")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--recipe", default="jsqa-small")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--set", dest="every", nargs="*", default=[], help="overrides of all arms")
    parser.add_argument("--fine-tuned", nargs="*", default=[], help="overrides of that arm alone")
    parser.add_argument("--probe", nargs="*", default=[], help="overrides of that arm alone")
    options = parser.parse_args()
    start = f"start={options.start}"
    arms = {
        "scratch": options.every,
        "fine-tuned": [*options.every, start, *options.fine_tuned],
        "probe": [*options.every, start, *PROBE, *options.probe],
    }
    study = run_few_shots(
        {arm: load_recipe(options.recipe, overrides) for arm, overrides in arms.items()},
        options.features,
        options.output,
        counts=options.counts,
        seeds=options.seeds,
        on_shot=show,
    )
    text = report_few_shots(study, "scratch")
    (options.output / "few_shot.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
