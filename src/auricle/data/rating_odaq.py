"""Ratings of ODAQ and of the listening test app it was made with: a table, or XML per listener.

Source: M. Torcoli et al., "ODAQ: Open Dataset of Audio Quality", ICASSP 2024; its LT_results are
`MUSHRA > trials > trial > testFile`, as benchmark/ProcessAndAnalyzeODAQScores.py beside it reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from auricle.core.errors import DataError
from auricle.core.ratings import Rating, RatingTable
from auricle.core.spec import PERCENT
from auricle.data.rating_columns import RatingOptions
from auricle.data.rating_rows import has_columns, read_sheet, to_number

_COLUMNS: Final = ("score", "process", "item", "subject")
_PLACES: Final = ("", "ODAQ_listening_test", "ODAQ/ODAQ_listening_test")


def find_odaq(path: Path) -> list[Path]:
    """Find the table of all listeners, or their own files where it is not there."""
    if path.is_file():
        return [path] if has_columns(path, _COLUMNS) or _is_listener(path) else []
    for place in (path / name for name in _PLACES):
        if (place / "ODAQ_results.csv").is_file():
            return [place / "ODAQ_results.csv"]
        if listeners := [one for one in sorted(place.glob("*.xml")) if _is_listener(one)]:
            return listeners
    return []


def read_odaq(paths: list[Path], options: RatingOptions) -> RatingTable:
    """Read the table, or XML files; conditions lie in ITEM/PROCESS.wav beside them."""
    read = (
        one
        for path in paths
        for one in (_read_listener(path) if path.suffix == ".xml" else _read_table(path))
    )
    ratings = []
    for listener, item, system, score, place in read:
        if math.isnan(score):
            continue
        folder = paths[0].parent / item
        ratings.append(
            Rating(
                test="odaq",
                attribute="quality",
                item=item,
                system=system,
                listener=listener,
                score=score,
                scale=options.scale or PERCENT,
                role=options.role(system),
                stimulus=str(folder / f"{system}.wav"),
                reference=str(folder / "reference.wav"),
                place=place,
            )
        )
    return RatingTable(tuple(ratings))


def _read_table(path: Path) -> Iterator[tuple[str, str, str, float, str]]:
    for row in read_sheet(path, _COLUMNS).rows:
        listener, item, system = (row.text(name) for name in ("subject", "item", "process"))
        yield listener, item, system, row.number("score"), row.place("score")


def _read_listener(path: Path) -> Iterator[tuple[str, str, str, float, str]]:
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise DataError(f"{path} cannot be read as a listener's answers: {error}") from error
    info = root.find("info")
    listener = path.stem if info is None else info.get("subjectName", path.stem)
    for trial in root.iterfind("trials/trial"):
        item = trial.get("trialName", "")
        for file in trial.iterfind("testFile"):
            name = file.get("fileName", "")
            place = f"{path}, trial {item}, testFile {name}"
            yield listener, item, Path(name).stem, to_number(file.get("score", ""), place), place


def _is_listener(path: Path) -> bool:
    """Tell whether an XML file has the answers of a MUSHRA test."""
    if path.suffix != ".xml":
        return False
    with path.open("rb") as file:
        return b"<MUSHRA" in file.read(4096)
