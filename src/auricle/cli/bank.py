"""`auricle bank`: clean recordings as a file to compare others with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auricle.catalog import DEFAULT_BANK_METRIC
from auricle.cli.progress import progress_bar
from auricle.core.errors import ConfigError

app = typer.Typer(no_args_is_help=True, help="Clean recordings to compare others with.")


@app.callback()
def _main() -> None:
    """Clean recordings to compare others with, where there is no reference of the same content."""


@app.command()
def build(
    paths: Annotated[
        list[str], typer.Argument(help="Clean recordings: files, folders and globs, two or more.")
    ],
    output: Annotated[Path, typer.Option(help="The bank to write, FILE.safetensors.")],
    metric: Annotated[
        str, typer.Option(help="Metric that judges by distance (see 'auricle metrics'), or folder.")
    ] = DEFAULT_BANK_METRIC,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Embed clean recordings for 'auricle compare --bank'.

    Exit codes: 0 written, 1 a recording cannot be used, 2 wrong usage, 4 incomplete installation,
    6 output not written.
    """
    from auricle.api import build_bank, expand_paths
    from auricle.systems.distance_bank import save_bank

    if output.resolve() in [Path(file).resolve() for file in expand_paths(paths)]:
        raise ConfigError(f"--output would overwrite {output}, which is to be embedded")
    with progress_bar(quiet) as bar:
        task = bar.add_task("embedding", total=None)
        bank = build_bank(
            paths,
            metric,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    save_bank(output, bank)
    print(f"{len(bank.names)} recordings: {output}")
