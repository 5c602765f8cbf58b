"""`auricle compare`: references and degraded files in, a table or rows out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from auricle.api import Row, compare_files, expand_paths, to_row
from auricle.catalog import DEFAULT_REFERENCE_METRIC, load_reference_metric
from auricle.cli.progress import track_files
from auricle.cli.render import CsvWriter, JsonWriter, LinesWriter, PairTableWriter, Writer
from auricle.cli.resume import keep_finished
from auricle.cli.score import (
    Format,
    choose_format,
    leave_by,
    open_stream,
    require_lines,
    require_on_scale,
)
from auricle.core.errors import ConfigError
from auricle.reference.pairing import Pair, pair_folders, read_pairs
from auricle.systems.distance_bank import read_bank

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
    bank: Annotated[
        Path | None,
        typer.Option(
            help="Bank of clean recordings (see 'auricle bank') instead of a reference: all"
            " arguments are compared with it."
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="Metric with a reference (see 'auricle metrics') or bundle folder; default:"
            f" {DEFAULT_REFERENCE_METRIC}, with --bank the one that made it."
        ),
    ] = None,
    format_: Annotated[
        Format | None,
        typer.Option("--format", help="Default: by the suffix of --output, else a table."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write there, not to the terminal.")] = None,
    track: Annotated[bool, typer.Option("--track", help="Add the score over time.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Pairs compared at a time.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what the JSONL output holds already.")
    ] = False,
    min_score: Annotated[
        float | None, typer.Option(help="Exit with code 3 if a score is lower.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Compare degraded audio with its reference, on the metric's own scale.

    The reference comes first: swapped, most metrics give another number.

    Exit codes: 0 all compared, 1 something could not be compared, 2 wrong usage, 3 below
    --min-score, 4 incomplete installation, 6 output not written, 130 interrupted.
    """
    chosen = choose_format(format_, output)
    require_lines(resume, chosen, output)
    if metric is None:
        metric = DEFAULT_REFERENCE_METRIC if bank is None else read_bank(bank).metric
    ready = load_reference_metric(metric)
    if resume and bank is not None:
        raise ConfigError(
            "--resume does not go with --bank: rows do not tell whether the bank was made anew"
        )
    if track and (bank is not None or not ready.tells_track):
        raise ConfigError(f"--track: {ready.spec.full_name} tells no score over time here")
    require_on_scale(min_score, ready.spec.scale)
    wanted = _find_pairs(reference, degraded or [], pairs, bank)
    if output is not None:
        _spare_inputs(output, wanted, pairs)
    rows: list[Row] = []
    if resume and output is not None:
        rows = keep_finished(
            output,
            [pair.degraded for pair in wanted],
            ready.spec.full_name,
            ready.model_sha256,
            track=track,
            references=[pair.reference for pair in wanted],
        )
    with ExitStack() as stack:
        stream = open_stream(stack, output, resume)
        writer = stack.enter_context(_WRITERS[chosen](stream, ready.spec, track))
        left = wanted[len(rows) :]
        results = compare_files(left, metric, jobs=jobs, bank=bank is not None)
        for result in track_files(results, len(wanted), len(rows), quiet):
            rows.append(to_row(result, track=track))
            writer.write(rows[-1])
    leave_by(rows, min_score)


def _find_pairs(
    reference: str | None, degraded: Sequence[str], table: Path | None, bank: Path | None
) -> list[Pair]:
    """Return the pairs that the arguments or the table name."""
    if table is not None:
        if reference is not None or bank is not None:
            raise ConfigError("--pairs names all files: leave the arguments out, and --bank")
        return read_pairs(table)
    if bank is not None:
        if reference is None:
            raise ConfigError("say what to compare with the bank: --bank FILE DEGRADED...")
        return [Pair(str(bank), path) for path in expand_paths([reference, *degraded])]
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
