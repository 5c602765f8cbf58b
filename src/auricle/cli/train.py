"""`auricle train`: from features to a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from auricle.training.repeats import Repeat
    from auricle.training.track import Epoch


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
    repeats: Annotated[
        int,
        typer.Option(min=1, help="Trainings with seeds one apart, in folders 1, 2, ... of output."),
    ] = 1,
) -> None:
    """Train a model, calibrate its interval, export it as a bundle."""
    # torch takes seconds to import and is an extra: only this command needs it.
    from auricle.training.loop import train as run
    from auricle.training.recipe import load_recipe
    from auricle.training.repeats import train_repeats

    out = Console(highlight=False, markup=False)
    loaded = load_recipe(recipe, override or [])

    def show(epoch: Epoch) -> None:
        out.print(
            f"epoch {epoch.epoch:3d}  loss {epoch.train_loss:8.4f}"
            f"  validation RMSE {100 * epoch.validation_rmse:5.2f} of 100"
            f"  PCC {epoch.validation_pcc:.3f}  lr {epoch.learning_rate:.1e}"
            f"  {epoch.seconds:.0f} s"
        )

    if repeats == 1:
        out.print(f"bundle: {run(loaded, features, output, resume=not fresh, on_epoch=show)}")
        return
    found = train_repeats(
        loaded,
        features,
        output,
        repeats,
        resume=not fresh,
        on_epoch=show,
        on_repeat=lambda number, repeat: out.print(f"{output / str(number)}: seed {repeat.seed}"),
    )
    out.print(_tabulate(found))


def _tabulate(found: Sequence[Repeat]) -> Table:
    from auricle.training.repeats import MEASURES, summarise

    def cell(name: str, value: float | None) -> str:
        if value is None:
            return "-"
        return f"{value:.3f}" if name.endswith("cc") else f"{value:.2f}"

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("seed", justify="right")
    for name in MEASURES:
        group, _, measure = name.rpartition("_")
        table.add_column(
            f"{group} {measure.upper() if group else measure}".strip(), justify="right"
        )
    for repeat in found:
        values = (cell(name, getattr(repeat, name)) for name in MEASURES[1:])
        table.add_row(str(repeat.seed), str(repeat.epochs), *values)
    summary = summarise(found)
    for place, title in enumerate(("mean", "SD")):
        spreads = ((name, summary[name]) for name in MEASURES)
        table.add_row(title, *(cell(n, None if s is None else s[place]) for n, s in spreads))
    return table
