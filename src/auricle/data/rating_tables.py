"""Where tables of ratings lie: those that a whole folder is kept in, and a single one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from auricle.core.ratings import MeanRating, RatingTable
from auricle.data.rating_columns import ACR, RatingOptions, find_columns
from auricle.data.rating_plain import leave_out_unrated, read_facts, read_votes
from auricle.data.rating_rows import read_sheet

LONG: Final = "ratings_long.csv"
MEANS: Final = "ratings_mean.csv"
P835_MEANS: Final = "p835_means.csv"

_TABLE: Final = ("dataset", "file", "ref", "system", "item", "attribute", "scale")
_P835: Final[Mapping[str, str]] = {"ovrl": "overall", "sig": "signal", "bak": "background"}


def find_tables(path: Path) -> list[Path]:
    """Find ratings_long.csv, or else ratings_mean.csv, and p835_means.csv."""
    if path.is_file():
        return [path] if path.name in (LONG, MEANS, P835_MEANS) else []
    long, means = path / LONG, path / MEANS
    ratings = long if long.is_file() else means
    return [table for table in (ratings, path / P835_MEANS) if table.is_file()]


def read_tables(paths: list[Path], options: RatingOptions) -> RatingTable:
    """Read the tables of a folder; files are relative to their table."""
    read = [
        _read_p835(path, options)
        if path.name == P835_MEANS
        else read_votes(
            read_sheet(path, (*_TABLE, "mean" if path.name == MEANS else "score")), options
        )
        for path in paths
    ]
    return join(read)


def find_plain(path: Path) -> list[Path]:
    """Find ratings.csv in a folder; a file is taken as it is."""
    table = path / "ratings.csv" if path.is_dir() else path
    return [table] if table.is_file() else []


def read_plain(paths: list[Path], options: RatingOptions) -> RatingTable:
    """Read a table of one's own; docs/ratings-in.md says what its columns may be called.

    Raises `DataError` naming line and column for what is no score, for scores that no scale is
    known for, and when columns are missing.
    """
    return read_votes(read_sheet(paths[0]), options)


def join(tables: list[RatingTable]) -> RatingTable:
    """Return what several tables hold as one."""
    return RatingTable(
        tuple(one for table in tables for one in table.ratings),
        tuple(one for table in tables for one in table.means),
        tuple(dict.fromkeys(note for table in tables for note in table.notes)),
    )


def _read_p835(path: Path, options: RatingOptions) -> RatingTable:
    """Read means of ITU-T P.835, a row per file with a column per question."""
    names = [f"mos_{question}" for question in _P835]
    sheet = read_sheet(path, ("dataset", "file", "ref", "system", "item", "n", *names))
    columns = find_columns(sheet.header, options, f"{path}, line 1")
    options = replace(options, scale=options.scale or ACR)
    return leave_out_unrated(
        [
            MeanRating(
                **{**read_facts(row, columns, options), "attribute": attribute},
                mean=row.number(f"mos_{question}"),
                deviation=row.number(f"std_{question}"),
                listeners=row.count("n"),
                place=row.place(f"mos_{question}"),
            )
            for question, attribute in _P835.items()
            for row in sheet.rows
        ]
    )
