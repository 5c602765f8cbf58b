"""The `auricle` command: its subcommands, and how errors become messages and exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

import auricle
from auricle.cli import (
    bank,
    benchmark,
    compare,
    data,
    degrade,
    evaluate,
    judge,
    ladders,
    metrics,
    probe,
    ratings,
    score,
    sweep,
    train,
)
from auricle.cli.exits import Exit, exit_of, explain
from auricle.core.errors import AuricleError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Tells how good audio sounds.",
)
app.command("score")(score.score)
app.command("compare")(compare.compare)
app.command("degrade")(degrade.degrade)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("benchmark")(benchmark.benchmark)
app.command("judge")(judge.judge)
app.command("ladders")(ladders.ladders)
app.command("sweep")(sweep.sweep)
app.command("probe")(probe.probe)
app.command("ratings")(ratings.ratings)
app.add_typer(metrics.app, name="metrics")
app.add_typer(data.app, name="data")
app.add_typer(bank.app, name="bank")

# Commands that keep in --output what they computed.
_KEEPING = {"sweep", "ladders", "benchmark"}


def _show_version(wanted: bool) -> None:
    if wanted:
        print(auricle.__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


def _tell_interrupt(arguments: list[str]) -> str:
    """Say that it was interrupted, and whether the same command goes on."""
    if not set(arguments[:1]) & _KEEPING:
        return "interrupted"
    if any(one.partition("=")[0] == "--output" for one in arguments):
        return "interrupted; the same command goes on where it ended"
    return "interrupted; with --output DIR the same command would go on where it ended"


def run() -> None:
    """Run the command line; exit with the code that `auricle.cli.exits` gives.

    typer itself turns an interrupt into 130, which is told here, and leaves quietly when the reader
    of a pipe is gone.
    """
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        app()
    except SystemExit as left:
        if left.code == Exit.INTERRUPTED:
            errors.print(f"auricle: {_tell_interrupt(sys.argv[1:])}", markup=False)
        raise
    except AuricleError as error:
        errors.print(f"auricle: {error}", markup=False)
        sys.exit(exit_of(error))
    except OSError as error:
        # Reading has errors of its own: what is left is writing, to a full disk or a locked folder.
        errors.print(f"auricle: {explain(error)}", markup=False)
        sys.exit(Exit.WRITING)
