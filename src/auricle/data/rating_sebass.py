"""Ratings of SEBASS-DB: four listening tests of separated sources, a table per test.

Source: T. Kastner and J. Herre, "An Efficient Model for Estimating Subjective Quality of Separated
Audio Source Signals", WASPAA 2019, and the SEBASS-DB that was published with it.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from auricle.core.ratings import Rating, RatingTable
from auricle.core.spec import PERCENT
from auricle.data.rating_columns import RatingOptions
from auricle.data.rating_rows import has_columns, read_sheet

_COLUMNS: Final = ("Testname", "Listener", "Trial", "Condition", "Ratingscore")
# Conditions whose folder is called otherwise.
_FOLDERS: Final = {"anchor": "anker_mix", "hidden_ref": "orig"}


def find_sebass(path: Path) -> list[Path]:
    """Find the tables of one or several tests, in a folder or in its subfolders."""
    tables = (*path.glob("*_anonymized.csv"), *path.glob("*/*_anonymized.csv"))
    if path.is_file():
        tables = (path,)
    return sorted(table for table in tables if has_columns(table, _COLUMNS))


def read_sebass(paths: list[Path], options: RatingOptions) -> RatingTable:
    """Read tables: Signals/CONDITION/TRIAL.wav lies beside each."""
    return RatingTable(tuple(one for path in paths for one in _read_table(path, options)))


def _read_table(path: Path, options: RatingOptions) -> list[Rating]:
    # SAOC's three tables, SAOC_1_anonymized.csv and on, have folders of their own.
    part = path.stem.removesuffix("_anonymized").rpartition("_")[2]
    numbered = path.parent / f"Signals_{part}"
    signals = numbered if numbered.is_dir() else path.parent / "Signals"
    ratings = []
    for row in read_sheet(path, _COLUMNS).rows:
        score, system, file = row.number("Ratingscore"), row.text("Condition"), row.text("Trial")
        if math.isnan(score):
            continue
        place = signals / system
        if not place.is_dir():
            place = signals / _FOLDERS.get(system, system)
        ratings.append(
            Rating(
                test=row.text("Testname"),
                attribute="quality",
                item=file,
                system=system,
                listener=row.text("Listener"),
                score=score,
                scale=options.scale or PERCENT,
                role="reference" if place.name == "orig" else options.role(system),
                stimulus=str(place / f"{file}.wav"),
                reference=str(signals / "orig" / f"{file}.wav"),
                place=row.place("Ratingscore"),
            )
        )
    return ratings
