"""Rows of tables as people save them: separators, decimal commas and encodings told apart."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from auricle.core.errors import DataError

_SEPARATORS = (",", ";", "\t")
_PROBED = 20  # lines that the separator is found by
# What tables write for nothing.
_NOTHING = ("", "na", "n/a", "nan", "none", "null", "-")


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its cells by column, and where it stands.

    With `decimal_comma` (in tables that do not separate by commas) "61,5" is a number.
    """

    cells: Mapping[str, str]
    path: Path
    line: int
    decimal_comma: bool = False

    def text(self, column: str) -> str:
        """Return a cell without spaces around it; "" where there is none."""
        return self.cells.get(column, "").strip()

    def place(self, column: str = "") -> str:
        """Return where a cell stands, for messages."""
        return f"{self.path}, line {self.line}" + f", column {column}" * bool(column)

    def number(self, column: str) -> float:
        """Return a cell as a number, as `to_number` does."""
        return to_number(self.text(column), self.place(column), decimal_comma=self.decimal_comma)

    def count(self, column: str) -> int:
        """Return a cell as a whole number; 0 where there is none."""
        number = self.number(column)
        return 0 if math.isnan(number) else round(number)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: the names of its columns and its rows."""

    path: Path
    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read_sheet(path: Path, columns: Collection[str] = ()) -> Sheet:
    """Read a table whose first line names its columns.

    Columns are separated by commas, semicolons or tabs, whichever the first line has most of. Text
    is UTF-8 with or without a byte order mark, else Latin-1. Where tables were joined, repetitions
    of the first line are skipped. Raises `DataError` naming the line when it cannot be read, lacks
    one of the `columns`, or a row has more cells than there are columns.
    """
    header: tuple[str, ...] = ()
    rows = []
    text = _read_text(path)
    try:
        separator = _find_separator(text)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        header = tuple(name.strip() for name in next(reader, ()))
        for cells in reader:
            if not any(cells) or tuple(cell.strip() for cell in cells) == header:
                continue
            if any(cells[len(header) :]):
                raise DataError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells, but the first line names"
                    f" {len(header)} columns; put quotes around cells that hold a {separator!r}"
                )
            named = dict(zip(header, cells, strict=False))
            rows.append(Row(named, path, reader.line_num, separator != ","))
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as a table of ratings: {error}") from error
    if not header:
        raise DataError(f"{path} is empty: a table of ratings has a first line that names columns")
    if missing := [name for name in columns if name not in header]:
        raise DataError(f"{path}: it needs a first line with the columns {', '.join(missing)}")
    return Sheet(path, header, tuple(rows))


def read_header(path: Path) -> tuple[str, ...]:
    """Return the names of a table's columns; none for what is no text that can be read."""
    try:
        with path.open("rb") as file:
            data = file.readline(1 << 16)
        line = "" if b"\0" in data else _decode(data)
        cells = next(csv.reader([line], delimiter=_find_separator(line)), [])
    except (OSError, csv.Error):
        return ()
    return tuple(cell.strip() for cell in cells)


def has_columns(path: Path, columns: Collection[str]) -> bool:
    """Tell whether a file is a table with these columns."""
    return set(columns) <= set(read_header(path))


def to_number(cell: str, place: str, *, decimal_comma: bool = False) -> float:
    """Read a number; what tables write for nothing ("", NA, nan, -) is NaN.

    Raises `DataError` for other text, and for what is not finite.

    >>> to_number("61.5", "ratings.csv, line 2"), to_number("", "ratings.csv, line 3")
    (61.5, nan)
    >>> to_number("61,5", "ratings.csv, line 2", decimal_comma=True)
    61.5
    """
    text = cell.strip()
    if text.lower() in _NOTHING:
        return math.nan
    if decimal_comma and "." not in text:
        text = text.replace(",", ".")
    try:
        number = float(text)
    except ValueError as error:
        hint = "write a number, or nothing where there is none"
        if "," in cell:
            hint = "write a decimal point, or separate columns by semicolons"
        raise DataError(f"{place}: {cell!r} is no score; {hint}") from error
    if math.isinf(number):
        raise DataError(f"{place}: a score must be finite")
    return number


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path} cannot be read as a table of ratings: {reason}") from error
    if b"\0" in data:
        raise DataError(f"{path} is no text: save the table as CSV (UTF-8)")
    return _decode(data)


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _find_separator(text: str) -> str:
    """Return what the first lines, each into as many cells, are separated by; or just the first."""
    lines = text.split("\n", _PROBED)[:_PROBED]

    def fit(separator: str) -> tuple[bool, int]:
        counts = [len(cells) for cells in csv.reader(lines, delimiter=separator) if cells]
        return len(set(counts)) == 1 and counts[0] > 1, counts[0] if counts else 0

    return max(_SEPARATORS, key=fit)
