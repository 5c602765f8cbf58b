"""Continuing an interrupted run from the rows it left behind."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from auricle.api import Row
from auricle.core.errors import ConfigError


def keep_finished(
    output: Path,
    files: Sequence[str],
    metric: str,
    model_sha256: str,
    *,
    track: bool,
    explain: bool = False,
    references: Sequence[str] | None = None,
) -> list[Row]:
    """Return the rows of `output` that belong to this request, dropping a last one cut off.

    Raises `ConfigError` when a row is no result of this list of files (with these references, one
    each) by this model, with or without its track and history as asked; the file is not touched
    then.
    """
    if not output.is_file():
        return []
    lines = output.read_bytes().splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    rows = [_parse(line, f"{output}, row {number}") for number, line in enumerate(lines, start=1)]
    if len(rows) > len(files):
        raise ConfigError(f"{output} holds {len(rows)} rows for {len(files)} files")
    for number, (row, file) in enumerate(zip(rows, files, strict=False), start=1):
        place = f"{output}, row {number}"
        if row["path"] != file:
            raise ConfigError(f"{place}: it is about {row['path']}, not {file}: other files?")
        if references is not None and row.get("reference") != (wanted := references[number - 1]):
            raise ConfigError(f"{place}: it was compared with {row.get('reference')}, not {wanted}")
        if (row["metric"], row["model_sha256"]) != (metric, model_sha256):
            raise ConfigError(f"{place}: scored by another metric or model")
        for option, asked, field in (
            ("--track", track, "track"),
            ("--explain", explain, "history"),
        ):
            if asked != (field in row):
                raise ConfigError(f"{place}: written {'without' if asked else 'with'} {option}")
    os.truncate(output, sum(map(len, lines)))
    return rows


def _parse(line: bytes, place: str) -> Row:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ConfigError(f"{place}: not JSON") from error
    needed = {"path", "metric", "model_sha256", "score", "error"}
    if not isinstance(row, dict) or not needed <= row.keys():
        raise ConfigError(f"{place}: not a row of this command")
    return cast(Row, row)
