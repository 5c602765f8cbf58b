"""Listening tests on disk: rated audio, of which both the ratings and the files are there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from auricle.core.errors import DataError
from auricle.core.ratings import ListeningLayout
from auricle.data.listening_sets import ListeningTests, RatedPair, pair_ratings
from auricle.data.rating_columns import RatingOptions, find_columns
from auricle.data.rating_rows import read_header
from auricle.data.ratings import RATING_LAYOUTS, read_ratings
from auricle.data.set_description import Description, read_description

LISTENING_LAYOUTS: Mapping[ListeningLayout, str] = {
    "tables": "ratings_long.csv or ratings_mean.csv (and p835_means.csv) beside folders of audio",
    "odaq": "ODAQ_results.csv or ODAQ_*.xml beside ITEM/reference.wav and ITEM/PROCESS.wav",
    "sebass": "TEST_anonymized.csv beside Signals/CONDITION/TRIAL.wav",
    "webmushra": "results/TEST/mushra.csv with the test's YAML file and its audio",
    "csv": "ratings.csv with the columns reference,degraded,score",
}
"""The layouts of ratings that name reference and rated file, and what they look like."""


def read_listening_tests(
    folder: Path,
    layout: ListeningLayout | None = None,
    description: Description | None = None,
) -> ListeningTests:
    """Read the rated pairs of a folder; without a `layout` by the first that fits.

    Ratings are read by `auricle.data.ratings.read_ratings`, with the `description`, or else with
    listening_tests.yaml in the folder. docs/ratings-in.md describes the layouts. Files are named,
    not opened: those that are not there fail when they are scored. Raises `DataError` when none
    fits, a table is broken, or names files outside the folder (a table of one's own, layout "csv",
    may).

    >>> read_listening_tests(Path("examples"))
    Traceback (most recent call last):
    auricle.core.errors.DataError: examples holds no listening test: expected ratings_long.csv ...
    """
    if not folder.exists():
        raise DataError(f"there is no folder {folder}")
    tried = LISTENING_LAYOUTS if layout is None else {layout: LISTENING_LAYOUTS[layout]}
    name = next((name for name in tried if _is_laid_out(folder, name)), None)
    if name is None:
        expected = "; or ".join(tried.values())
        raise DataError(f"{folder} holds no listening test: expected {expected}")
    if description is None:
        description = read_description(folder)
    table = read_ratings(folder, name, description=description)
    tests = pair_ratings(table, description, LISTENING_LAYOUTS[name])
    if name != "csv":
        _require_inside(folder, tests.pairs)
    return tests


def _is_laid_out(folder: Path, layout: ListeningLayout) -> bool:
    found = RATING_LAYOUTS[layout].find(folder)
    if found and layout == "webmushra":
        return any(path.suffix in (".yaml", ".yml") for path in found)
    if found and layout == "csv":
        columns = find_columns(read_header(found[0]), RatingOptions(), str(found[0]))
        return {"reference", "file", "score"} <= set(columns)
    return bool(found)


def _require_inside(folder: Path, pairs: Iterable[RatedPair]) -> None:
    """Refuse what leads out of a folder that others made: not any file is theirs to name."""
    whole = os.path.normpath(folder)
    for path in {path: None for pair in pairs for path in (pair.reference, pair.degraded)}:
        # By its name: audio that is linked from elsewhere was linked by the folder's owner.
        if not Path(os.path.normpath(path)).is_relative_to(whole):
            raise DataError(
                f"{path} lies outside {folder}: its tables may only name files inside it; put the"
                " audio there, or write a ratings.csv of your own"
            )
