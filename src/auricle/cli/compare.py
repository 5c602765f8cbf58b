"""`auricle compare`: references and degraded files in, a table or rows out."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, TextIO

import typer

from auricle.api import Row, compare_files, expand_paths, to_row
from auricle.catalog import load_reference_metric
from auricle.cli.progress import track_files
from auricle.cli.render import CsvWriter, JsonWriter, LinesWriter, PairTableWriter, Writer
from auricle.cli.score import Format, choose_format, leave_by, open_output
from auricle.core.errors import ConfigError
from auricle.reference.pairing import Pair, pair_folders, read_pairs

_WRITERS: dict[Format, type[Writer]] = {
    Format.TABLE: PairTableWriter,
    Format.JSON: JsonWriter,
    Format.JSONL: LinesWriter,
    Format.CSV: CsvWriter,
}


def compare(
    reference: Annotated[
        str | None, typer.Argument(help="The reference: a file, or a folder.", show_default=False)
    ] = None,
    degraded: Annotated[
        list[str] | None,
        typer.Argument(
            help="What to compare with it: files, folders and globs; with a reference folder one"
            " folder, in which files have the same names but for the suffix.",
            show_default=False,
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(help="CSV file with the columns reference,degraded instead of arguments."),
    ] = None,
    metric: Annotated[
        str, typer.Option(help="Metric with a reference (see 'auricle metrics').")
    ] = "visqol",
    format_: Annotated[
        Format | None,
        typer.Option("--format", help="Default: by the suffix of --output, else a table."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write there, not to the terminal.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Pairs compared at a time.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Compare degraded audio with its reference, on the metric's own scale.

    The reference comes first: swapped, most metrics give another number.

    Exit codes: 0 all compared, 1 something could not be compared, 2 wrong usage, 4 incomplete
    installation, 6 output not written, 130 interrupted.
    """
    chosen = choose_format(format_, output)
    ready = load_reference_metric(metric)
    wanted = _find_pairs(reference, degraded or [], pairs)
    if output is not None:
        _spare_inputs(output, wanted, pairs)
    rows: list[Row] = []
    with ExitStack() as stack:
        stream: TextIO = sys.stdout
        if output is not None:
            output.parent.mkdir(parents=True, exist_ok=True)
            stream = stack.enter_context(open_output(output, "w"))
        writer = stack.enter_context(_WRITERS[chosen](stream, ready.spec, track=False))
        results = compare_files(wanted, metric, jobs=jobs)
        for result in track_files(results, len(wanted), 0, quiet):
            rows.append(to_row(result))
            writer.write(rows[-1])
    leave_by(rows, None)


def _find_pairs(reference: str | None, degraded: Sequence[str], table: Path | None) -> list[Pair]:
    """Return the pairs that the arguments or the table name."""
    if table is not None:
        if reference is not None:
            raise ConfigError("--pairs names all files: leave the arguments out")
        return read_pairs(table)
    if reference is None or not degraded:
        raise ConfigError("say what to compare: REFERENCE DEGRADED..., or --pairs FILE.csv")
    if not os.path.isdir(reference):
        return [Pair(reference, path) for path in expand_paths(degraded)]
    if len(degraded) > 1:
        raise ConfigError(f"{reference} is a folder: compare it with one folder, not with several")
    return pair_folders(reference, degraded[0])


def _spare_inputs(output: Path, pairs: Sequence[Pair], table: Path | None) -> None:
    """Raise `ConfigError` when the output would overwrite something that is read."""
    files = {name for pair in pairs for name in (pair.reference, pair.degraded)}
    inputs = {Path(name).resolve() for name in files} | ({table.resolve()} if table else set())
    if output.resolve() in inputs:
        raise ConfigError(f"--output would overwrite {output}, which is to be compared")
