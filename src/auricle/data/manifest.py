"""The manifest: how every clip comes about, and what it is worth.

A manifest is a table, one clip per row, in CSV or Parquet by the file's suffix. A row holds
all that is needed to make the clip's audio again from the corpus.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from auricle.core.errors import DataError, MissingDependencyError

Split = Literal["train", "validation", "calibration", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip: provenance, process, label.

    `reference` is the excerpt's path in the corpus folder, `kbps` the bit rate of the lossy file
    that it was decoded from (None: it never was coded), `master` a process that the excerpt
    underwent before it became the reference ("" for none), `channels` how many were processed,
    `path` the clip's own in the data folder, `process` the canonical text of the cascade ("" for
    the clean excerpt), `label` the mean opinion score that `engine` predicted (None with `error`
    set when it could not), `similarity` the engine's 0..1 for each stretch of time, in order,
    `probability` the chance with which a clip of a drawn data set was drawn from its pool (None:
    not drawn), and `pcm_sha256` the hash of the 16-bit samples that were labelled.
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
    master: str = ""
    kbps: float | None = None
    channels: int = 1
    probability: float | None = None
    similarity: tuple[float, ...] = ()


_COLUMNS = tuple(field.name for field in fields(Clip))
_NUMBERS = ("label", "kbps", "probability")
_OPTIONAL = (*_NUMBERS, "master", "channels", "similarity")


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
        kinds = {name: arrow.string() for name in _COLUMNS}
        kinds |= dict.fromkeys(_NUMBERS, arrow.float64())
        kinds |= {"channels": arrow.int8(), "similarity": arrow.list_(arrow.float32())}
        parquet.write_table(arrow.Table.from_pylist(rows, schema=arrow.schema(kinds)), part)
    else:
        raise DataError(f"a manifest ends in .csv or .parquet, not {path.suffix!r}: {path}")
    part.replace(path)


def read_manifest(path: Path) -> list[Clip]:
    """Read clips from `path` (.csv or .parquet).

    Raises `DataError` naming the row when a column is missing or a value does not fit, such as a
    number that isn't finite.
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


def merge_manifests(paths: Iterable[Path]) -> list[Clip]:
    """Read the clips of several manifests as one table, their `path` made absolute.

    Raises `DataError` as `read_manifest` does, and for a recording in more than one split: what is
    trained on must not come again in a test.
    """
    clips = [
        replace(clip, path=str((path.parent / clip.path).resolve()))
        for path in paths
        for clip in read_manifest(path)
    ]
    splits: dict[str, Split] = {}
    for clip in clips:
        if splits.setdefault(clip.recording, clip.split) != clip.split:
            raise DataError(
                f"recording {clip.recording!r} is both in the {splits[clip.recording]} and in the"
                f" {clip.split} split: build one manifest anew, with the other as --leave-out"
            )
    return clips


def _to_row(clip: Clip) -> dict[str, Any]:
    row = asdict(clip)
    for name in _NUMBERS:
        row[name] = "" if row[name] is None else repr(row[name])
    row["similarity"] = " ".join(f"{value:.4f}" for value in clip.similarity)
    return row


def _from_row(row: dict[str, Any], place: str) -> Clip:
    missing = [name for name in _COLUMNS if row.get(name) is None and name not in _OPTIONAL]
    if missing:
        raise DataError(f"{place}: no value for {', '.join(missing)}")
    if row["split"] not in SPLITS:
        raise DataError(f"{place}: split {row['split']!r} is none of {', '.join(SPLITS)}")
    try:
        numbers: dict[str, Any] = {
            name: None if row.get(name) in ("", None) else _to_number(row[name])
            for name in _NUMBERS
        }
        numbers["channels"] = int(row.get("channels") or 1)
        similarity = row.get("similarity") or ()
        parts = similarity.split() if isinstance(similarity, str) else similarity
        # Four decimals is what either kind of table holds.
        numbers["similarity"] = tuple(round(_to_number(part), 4) for part in parts)
    except (TypeError, ValueError) as error:
        raise DataError(f"{place}: {error} in a column of numbers") from error
    values: dict[str, Any] = {name: row.get(name) for name in _COLUMNS} | numbers
    return Clip(**{**values, "master": row.get("master") or ""})


def _to_number(cell: str | float) -> float:
    number = float(cell)
    if not math.isfinite(number):
        raise ValueError(f"{cell!r} is not finite")
    return number


def _import_parquet() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError("pyarrow", extra="train") from error
    return pyarrow, pyarrow.parquet
