"""The manifest: how every clip comes about, and what it is worth.

A manifest is a table, one clip per row, in CSV or Parquet by the file's suffix. A row holds
all that is needed to make the clip's audio again from the corpus.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from auricle.core.errors import DataError, MissingDependencyError

Split = Literal["train", "validation", "calibration", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip: provenance, process, label.

    `reference` is the excerpt's path in the corpus folder, `path` the clip's own in the data
    folder, `process` the canonical text of the cascade ("" for the clean excerpt), `label` the
    mean opinion score that `engine` predicted (None with `error` set when it could not), and
    `pcm_sha256` the hash of the 16-bit samples that were labelled.
    """

    id: str
    recording: str
    source: str
    reference: str
    split: Split
    process: str
    path: str
    label: float | None = None
    engine: str = ""
    pcm_sha256: str = ""
    error: str = ""


_COLUMNS = tuple(field.name for field in fields(Clip))


def write_manifest(clips: Sequence[Clip], path: Path) -> None:
    """Write clips to `path` (.csv or .parquet) at once: readers never see half a table.

    Raises `DataError` for another suffix and `MissingDependencyError` for Parquet without pyarrow.
    """
    part = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(_to_row(clip) for clip in clips)
    elif path.suffix == ".parquet":
        arrow, parquet = _import_parquet()
        rows = [asdict(clip) for clip in clips]
        kinds = {name: arrow.string() for name in _COLUMNS} | {"label": arrow.float64()}
        parquet.write_table(arrow.Table.from_pylist(rows, schema=arrow.schema(kinds)), part)
    else:
        raise DataError(f"a manifest ends in .csv or .parquet, not {path.suffix!r}: {path}")
    part.replace(path)


def read_manifest(path: Path) -> list[Clip]:
    """Read clips from `path` (.csv or .parquet).

    Raises `DataError` naming the row when a column is missing or a value does not fit.
    """
    if not path.is_file():
        raise DataError(f"there is no manifest at {path}: make one with 'auricle data build'")
    rows: Iterable[dict[str, Any]]
    if path.suffix == ".parquet":
        _, parquet = _import_parquet()
        rows = parquet.read_table(path).to_pylist()
    elif path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    else:
        raise DataError(f"a manifest ends in .csv or .parquet, not {path.suffix!r}: {path}")
    return [_from_row(row, f"{path}, row {number}") for number, row in enumerate(rows, start=1)]


def _to_row(clip: Clip) -> dict[str, Any]:
    row = asdict(clip)
    row["label"] = "" if clip.label is None else repr(clip.label)
    return row


def _from_row(row: dict[str, Any], place: str) -> Clip:
    missing = [name for name in _COLUMNS if row.get(name) is None and name != "label"]
    if missing:
        raise DataError(f"{place}: no value for {', '.join(missing)}")
    if row["split"] not in SPLITS:
        raise DataError(f"{place}: split {row['split']!r} is none of {', '.join(SPLITS)}")
    label = row["label"]
    try:
        number = None if label in ("", None) else float(label)
    except ValueError as error:
        raise DataError(f"{place}: label {label!r} is not a number") from error
    return Clip(**{**{name: row[name] for name in _COLUMNS}, "label": number})


def _import_parquet() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError("pyarrow", extra="train") from error
    return pyarrow, pyarrow.parquet
