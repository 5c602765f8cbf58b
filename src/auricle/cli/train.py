"""`auricle train`: from features to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def train(
    recipe: Annotated[str, typer.Argument(help="An embedded recipe's name, or a YAML file.")],
    features: Annotated[Path, typer.Option(help="Folder written by 'auricle data features'.")],
    output: Annotated[Path, typer.Option(help="Folder for log, checkpoint and bundle.")],
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Such as optimiser.lr=3e-4; repeatable.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Do not go on from a checkpoint that is there.")
    ] = False,
) -> None:
    """Train a model, calibrate its interval, export it as a bundle."""
    # torch takes seconds to import and is an extra: only this command needs it.
    from auricle.training.loop import train as run
    from auricle.training.recipe import load_recipe

    out = Console(highlight=False, markup=False)
    loaded = load_recipe(recipe, override or [])
    bundle = run(
        loaded,
        features,
        output,
        resume=not fresh,
        on_epoch=lambda epoch: out.print(
            f"epoch {epoch.epoch:3d}  loss {epoch.train_loss:8.4f}"
            f"  validation RMSE {100 * epoch.validation_rmse:5.2f} of 100"
            f"  PCC {epoch.validation_pcc:.3f}  lr {epoch.learning_rate:.1e}"
            f"  {epoch.seconds:.0f} s"
        ),
    )
    out.print(f"bundle: {bundle}")
