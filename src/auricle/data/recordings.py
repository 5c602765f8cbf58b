"""The table of a corpus: which excerpts it holds and what each of them is."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from auricle.core.errors import DataError, InputError
from auricle.signal.io import AudioStream, list_audio

Kind = Literal["rendered", "tracker", "recorded", "loop", "speech", "effects"]

TABLE = "recordings.csv"


@dataclass(frozen=True, slots=True)
class Recording:
    """One excerpt of a corpus.

    `path` is relative to the corpus folder (POSIX), `source` the package or subfolder,
    `sample_rate` the native rate in Hz before conversion, `start` and `duration` are in seconds,
    `kbps` is the bit rate of the file it was decoded from (None: lossless or synthesised), and
    `bandwidth_hz` the estimated true bandwidth (None: not measured).
    """

    id: str
    recording: str
    path: str
    source: str
    kind: Kind
    licence: str
    credit: str
    title: str
    sample_rate: int
    channels: int
    start: float
    duration: float
    kbps: float | None = None
    bandwidth_hz: float | None = None
    clipped: bool = False


def read_corpus(folder: Path) -> list[Recording]:
    """Read a corpus: `recordings.csv` where there is one, else every audio file in `folder`.

    In a plain folder one file is one recording; its source is the top-level subfolder, or
    `folder` itself. Raises `DataError` when there is nothing to read or a row does not fit.
    """
    table = folder / TABLE
    if table.is_file():
        with table.open(newline="", encoding="utf-8") as file:
            return [_from_cells(row, table) for row in csv.DictReader(file)]
    if not folder.is_dir():
        raise DataError(f"there is no corpus at {folder}")
    paths = list_audio(folder)
    if not paths:
        raise DataError(f"{folder} holds neither {TABLE} nor audio files")
    return [_describe_file(Path(path), folder) for path in paths]


def write_recordings(rows: Iterable[Recording], path: Path) -> None:
    """Write the table at once, in the order given: readers never see half of it."""
    write_rows(path, _COLUMNS, (_to_cells(row) for row in rows))


def _describe_file(path: Path, folder: Path) -> Recording:
    relative = path.relative_to(folder)
    try:
        with AudioStream(path) as stream:
            duration = stream.declared_duration
            if duration is None:
                duration = sum(block.shape[1] for block in stream.blocks()) / stream.sample_rate
            rate, channels, lossy = stream.sample_rate, stream.channels, stream.lossy
    except InputError as error:
        raise type(error)(f"{path}: {error}; take it out of the folder") from error
    identity = relative.as_posix()
    return Recording(
        id=identity, recording=identity, path=identity,
        source=relative.parts[0] if len(relative.parts) > 1 else folder.resolve().name,
        kind="recorded", licence="unknown", credit="unknown", title=path.stem,
        sample_rate=rate, channels=channels, start=0.0, duration=round(duration, 3),
        kbps=round(8e-3 * path.stat().st_size / duration, 1) if lossy and duration else None,
    )  # fmt: skip


_COLUMNS = tuple(field.name for field in fields(Recording))


def _to_cells(row: Recording) -> list[object]:
    return ["" if value is None else value for value in asdict(row).values()]


def _from_cells(cells: dict[str, str], table: Path) -> Recording:
    values: dict[str, Any] = {name: cells.get(name) for name in _COLUMNS}
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise DataError(f"{table} has no column {', '.join(missing)}")
    if values["kind"] not in get_args(Kind):
        raise DataError(f"{table}: kind {values['kind']!r} is unknown")
    try:
        for name in ("sample_rate", "channels"):
            values[name] = int(values[name])
        for name in ("start", "duration"):
            values[name] = float(values[name])
        for name in ("kbps", "bandwidth_hz"):
            values[name] = float(values[name]) if values[name] else None
    except ValueError as error:
        raise DataError(f"{table}, {values['id']}: {error}") from error
    values["clipped"] = values["clipped"] == "True"
    return Recording(**values)


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file at once, replacing what is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    part.replace(path)
