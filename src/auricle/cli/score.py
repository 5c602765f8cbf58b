"""`auricle score`: files in, a table or rows out."""

from __future__ import annotations

import enum
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer

from auricle.api import Row, expand_paths, score_files, to_row
from auricle.catalog import CATALOG, load
from auricle.cli.exits import Exit
from auricle.cli.progress import track_files
from auricle.cli.render import CsvWriter, JsonWriter, LinesWriter, TableWriter, Writer
from auricle.cli.resume import keep_finished
from auricle.core.errors import ConfigError
from auricle.core.spec import Scale
from auricle.systems.metric import Metric


class Format(enum.StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


_WRITERS: dict[Format, type[Writer]] = {
    Format.TABLE: TableWriter,
    Format.JSON: JsonWriter,
    Format.JSONL: LinesWriter,
    Format.CSV: CsvWriter,
}


def score(
    paths: Annotated[
        list[str], typer.Argument(help="Files, folders (searched recursively) and globs.")
    ],
    metric: Annotated[
        str, typer.Option(help="Metric (see 'auricle metrics') or bundle folder.")
    ] = "codec-music",
    format_: Annotated[
        Format | None,
        typer.Option("--format", help="Default: by the suffix of --output, else a table."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write there, not to the terminal.")] = None,
    track: Annotated[bool, typer.Option("--track", help="Add the score over time.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add what it went through: codec, rate, bandwidth.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Files scored at a time.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what the JSONL output holds already.")
    ] = False,
    min_score: Annotated[
        float | None, typer.Option(help="Exit with code 3 if a score is lower.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Score audio, by default from 0 to 100 (transparent), with interval, worst moment, warnings.

    Exit codes: 0 all scored, 1 something could not be scored, 2 wrong usage, 3 below
    --min-score, 4 incomplete installation, 6 output not written, 130 interrupted.
    """
    chosen = choose_format(format_, output)
    require_lines(resume, chosen, output)
    files = expand_paths(paths)
    ready = load(metric)
    if explain:
        _require_history(ready)
    require_on_scale(min_score, ready.spec.scale)
    if output is not None and output.resolve() in [Path(file).resolve() for file in files]:
        raise ConfigError(f"--output would overwrite {output}, which is to be scored")
    rows: list[Row] = []
    if resume and output is not None:
        rows = keep_finished(
            output,
            files,
            ready.spec.full_name,
            ready.model_sha256,
            track=track,
            explain=explain,
        )
    with ExitStack() as stack:
        stream = open_stream(stack, output, resume)
        writer = stack.enter_context(_WRITERS[chosen](stream, ready.spec, track, explain))
        results = score_files(files[len(rows) :], metric, jobs=jobs)
        for result in track_files(results, len(files), len(rows), quiet):
            rows.append(to_row(result, track=track, explain=explain))
            writer.write(rows[-1])
    leave_by(rows, min_score)


def _require_history(metric: Metric) -> None:
    """Raise `ConfigError` for a metric that tells no history, naming those that do."""
    if metric.tells_history:
        return
    able = [name for name in CATALOG if load(name).tells_history]
    hint = f"use --metric {' or '.join(able)}" if able else "none of the metrics here does"
    raise ConfigError(f"--explain: {metric.spec.full_name} tells no history: {hint}")


def require_lines(resume: bool, chosen: Format, output: Path | None) -> None:
    """Raise `ConfigError` when something is to be continued that cannot be."""
    if resume and (output is None or chosen is not Format.JSONL):
        raise ConfigError("--resume continues a JSONL file: add --output FILE.jsonl")


def require_on_scale(min_score: float | None, scale: Scale) -> None:
    """Raise `ConfigError` for a minimum that no score could be below, or every one is."""
    if min_score is None:
        return
    if not scale.higher_is_better:
        raise ConfigError("--min-score: of this metric less is better")
    if not scale.low <= min_score <= scale.high:
        raise ConfigError(f"--min-score lies between {scale.low:g} and {scale.high:g}")


def leave_by(rows: Sequence[Row], min_score: float | None) -> None:
    """Exit with the code that the rows deserve."""
    if any(row["error"] for row in rows):
        raise typer.Exit(Exit.NOT_SCORED)
    if min_score is not None and any(row["score"] < min_score for row in rows):
        raise typer.Exit(Exit.BELOW_MINIMUM)


def open_stream(stack: ExitStack, output: Path | None, resume: bool) -> TextIO:
    """Open what rows are written to, the terminal without an `output`, until `stack` is left."""
    if output is None:
        return sys.stdout
    output.parent.mkdir(parents=True, exist_ok=True)
    mode: Literal["a", "w"] = "a" if resume else "w"
    # File names need not be text: what is not stays the bytes it is.
    stream = output.open(mode, encoding="utf-8", errors="surrogateescape", newline="")
    return stack.enter_context(stream)


def choose_format(wanted: Format | None, output: Path | None) -> Format:
    """Return the format asked for, or else the one that the output's suffix tells."""
    if wanted is not None:
        return wanted
    if output is None or output.suffix.lower() in ("", ".txt"):
        return Format.TABLE
    suffix = output.suffix.lower().removeprefix(".")
    if suffix not in list(Format):
        raise ConfigError(f"{output}: say --format, the suffix .{suffix} does not tell")
    return Format(suffix)
