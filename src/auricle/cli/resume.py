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
    output: Path, files: Sequence[str], metric: str, model_sha256: str, track: bool
) -> list[Row]:
    """Cut `output` to its leading rows that belong to this request, and return them.

    A last row that was cut off while being written is dropped. Raises `ConfigError` when the
    rows belong to other files, another model or lack the track: nothing is thrown away then.
    """
    if not output.is_file():
        return []
    rows: list[Row] = []
    end = 0
    with output.open("rb") as file:
        for number, line in enumerate(file, start=1):
            row = _parse(line)
            if row is None:
                break
            if number > len(files) or row["path"] != files[number - 1]:
                raise ConfigError(f"{output}, row {number}: not a result of this list of files")
            if (row["metric"], row["model_sha256"]) != (metric, model_sha256):
                raise ConfigError(f"{output}, row {number}: scored by another metric or model")
            if track and row["error"] is None and "track" not in row:
                raise ConfigError(f"{output}, row {number}: written without --track")
            rows.append(row)
            end += len(line)
    os.truncate(output, end)
    return rows


def _parse(line: bytes) -> Row | None:
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
    except ValueError:
        return None
    known = isinstance(row, dict) and {"path", "metric", "model_sha256", "error"} <= row.keys()
    return cast(Row, row) if known else None
