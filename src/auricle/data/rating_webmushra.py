"""Results of webMUSHRA, as its own service and as pymushra keep them.

The service appends all sessions to results/TEST/mushra.csv (service/write.php of
audiolabs/webMUSHRA), pymushra exports a table per test, separated by semicolons, whose columns
begin with responses_, questionaire_ and wm_ (pymushra/casting.py of nils-werner/pymushra). Which
files the stimuli are is in the YAML file of the test.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from auricle.core.errors import DataError
from auricle.core.ratings import Rating, RatingTable
from auricle.core.spec import PERCENT
from auricle.data.rating_columns import RatingOptions
from auricle.data.rating_rows import Row, has_columns, read_sheet

_SERVICE: Final = ("session_test_id", "trial_id", "rating_stimulus", "rating_score")
_EXPORT: Final = ("wm_testId", "wm_id", "responses_stimulus", "responses_score")
# What the other pages of webMUSHRA are kept as: none is a score on MUSHRA's scale.
_OTHERS: Final[Mapping[str, str]] = {
    "choice_non_reference": "paired comparisons",
    "rating_non_reference_score": "BS.1116 pages",
    "stimuli_rating": "Likert pages",
}
# Who a session is of, in versions that number sessions, in pymushra, and in those before.
_LISTENERS: Final = ("session_uuid", "questionaire_uuid", "email", "questionaire_email")

_Pages = dict[tuple[str, str], dict[str, str]]


def find_webmushra(path: Path) -> list[Path]:
    """Find all mushra.csv below a folder, or exports of pymushra in it; a file by its columns."""
    if path.is_file():
        kinds = (_SERVICE, _EXPORT, *((column,) for column in _OTHERS))
        return [path] if any(has_columns(path, columns) for columns in kinds) else []
    results = [p for p in sorted(path.rglob("mushra.csv")) if has_columns(p, _SERVICE)]
    results = results or [p for p in sorted(path.glob("*.csv")) if has_columns(p, _EXPORT)]
    if not results:
        return []
    configs = [p for end in ("yaml", "yml") for p in sorted(path.rglob(f"*.{end}"))]
    return [path, *results, *configs]


def read_webmushra(paths: list[Path], options: RatingOptions) -> RatingTable:
    """Read results, and the files of the stimuli where the YAML file of the test is in the folder.

    Listeners are sessions; where those have no number, whom the column says that
    `options.columns["listener"]` names, or email.
    """
    pages: _Pages = {}
    for path in paths:
        if path.suffix in (".yaml", ".yml"):
            pages.update(_read_pages(path, paths[0]))
    ratings: list[Rating] = []
    notes: dict[str, str] = {}
    for path in (path for path in paths if path.is_file() and path.suffix not in (".yaml", ".yml")):
        found = list(_read_results(path, pages, options, notes))
        if not any(one.listener for one in found):
            notes[path.name] = (
                f"{path.name} does not tell listeners apart: name the column that does, as listener"
            )
        ratings += found
    return RatingTable(tuple(ratings), notes=tuple(notes.values()))


def _read_results(
    path: Path, pages: _Pages, options: RatingOptions, notes: dict[str, str]
) -> Iterator[Rating]:
    sheet = read_sheet(path)
    for column, kind in _OTHERS.items():
        if column in sheet.header:
            raise DataError(f"{path}: {kind} of webMUSHRA are not read: take its mushra.csv")
    names = _SERVICE if _SERVICE[0] in sheet.header else _EXPORT
    for row in sheet.rows:
        if row.text(names[0]) == names[0]:
            raise DataError(
                f"{row.place()}: a first line with other columns stands here: split the file, as it"
                " was joined from tests with other questionnaires"
            )
        kind = row.text("wm_type") or "mushra"
        if kind != "mushra":
            notes[kind] = f"{path.name}: pages of type {kind} are left out"
            continue
        rating = _read_row(row, names, pages, options)
        if not math.isnan(rating.score):
            yield rating


def _read_row(row: Row, names: tuple[str, ...], pages: _Pages, options: RatingOptions) -> Rating:
    test, trial, system = (row.text(name) for name in names[:3])
    files = pages.get((test, trial), {})
    if files and system not in files and not options.role(system):
        raise DataError(f"{row.place()}: page {trial} has no stimulus {system}")
    listeners = (options.columns.get("listener", ""), *_LISTENERS)
    file, reference = files.get(system, ""), files.get("reference", "")
    return Rating(
        test=test,
        attribute="quality",
        item=trial,
        system=system,
        listener=next(filter(None, map(row.text, listeners)), ""),
        score=row.number(names[3]),
        scale=options.scale or PERCENT,
        role="reference" if file and file == reference else options.role(system),
        stimulus=file,
        reference=reference,
        place=row.place(names[3]),
    )


def _read_pages(path: Path, folder: Path) -> Iterator[tuple[tuple[str, str], dict[str, str]]]:
    """Yield the files of the MUSHRA pages of a test, by its id and theirs; of other YAML nothing.

    What cannot be read is something else's: other programs keep YAML of their own kinds.
    """
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return
    if not isinstance(config, dict) or not {"testId", "pages"} <= config.keys():
        return
    waiting: list[Any] = [config["pages"]]
    while waiting:
        page = waiting.pop()
        if isinstance(page, list):  # "random" and groups of pages
            waiting += page
        elif isinstance(page, dict) and page.get("type") == "mushra":
            if not isinstance(page.get("stimuli"), dict) or "reference" not in page:
                raise DataError(f"{path}: page {page.get('id')} lacks its reference or stimuli")
            files = {"reference": page["reference"], **page["stimuli"]}
            for name, file in files.items():
                if not isinstance(file, str) or not file:
                    raise DataError(
                        f"{path}: page {page.get('id')} must name the file of {name}, not {file!r}"
                    )
            key = str(config["testId"]), str(page.get("id"))
            yield key, {str(name): str(folder / file) for name, file in files.items()}
