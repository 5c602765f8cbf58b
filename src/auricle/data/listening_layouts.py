"""Layouts of listening tests: how rated audio lies on disk, and how to tell one from another."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import yaml

from auricle.core.errors import DataError
from auricle.data.listening_sets import (
    ListeningTests,
    RatedPair,
    average_votes,
    read_rows,
    to_score,
)

ListeningLayout = Literal["tables", "odaq", "sebass", "webmushra", "csv"]
Votes = Iterator[tuple[str, RatedPair]]

# What all listeners of a test heard, where single files of it have another rate.
_RATES = {"p835_wb16": 16000}
_P835 = {"mos_ovrl": "overall", "mos_sig": "signal", "mos_bak": "background"}
_ODAQ = ("score", "process", "item", "subject")
_SEBASS = ("Testname", "Listener", "Trial", "Condition", "Ratingscore")
# Conditions whose folder is called otherwise.
_SEBASS_FOLDERS = {"anchor": "anker_mix", "hidden_ref": "orig"}
_WEBMUSHRA = ("session_test_id", "trial_id", "rating_stimulus", "rating_score")
_CSV = ("reference", "degraded", "score")
# webMUSHRA filters these in the browser: there is no file of what was heard.
_MADE_ON_THE_SPOT = ("anchor35", "anchor70")


@dataclass(frozen=True, slots=True)
class _Layout:
    """What a layout looks like, in words; `find` is empty where a folder is laid out otherwise."""

    expected: str
    find: Callable[[Path], list[Path]]
    read: Callable[[list[Path]], ListeningTests]


def read_listening_tests(folder: Path, layout: ListeningLayout | None = None) -> ListeningTests:
    """Read the rated pairs of a folder; without a `layout` by the first that fits.

    docs/benchmark.md describes the layouts. Files are named, not opened: those that are not there
    fail when they are scored. Raises `DataError` when none fits, a table is broken, or names files
    outside the folder (a table of one's own, layout "csv", may).

    >>> read_listening_tests(Path("examples"))
    Traceback (most recent call last):
    auricle.core.errors.DataError: examples holds no listening test: expected ratings_long.csv ...
    """
    if not folder.exists():
        raise DataError(f"there is no folder {folder}")
    tried = LISTENING_LAYOUTS if layout is None else {layout: LISTENING_LAYOUTS[layout]}
    for name, one in tried.items():
        if found := one.find(folder):
            tests = one.read(found)
            if not tests.pairs:
                raise DataError(f"{found[0]}: it holds no ratings")
            if name != "csv":
                _require_inside(folder, tests.pairs)
            return tests
    expected = "; or ".join(one.expected for one in tried.values())
    raise DataError(f"{folder} holds no listening test: expected {expected}")


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


def _find_tables(folder: Path) -> list[Path]:
    long, mean = folder / "ratings_long.csv", folder / "ratings_mean.csv"
    ratings = long if long.is_file() else mean
    return [path for path in (ratings, folder / "p835_means.csv") if path.is_file()]


def _read_tables(paths: list[Path]) -> ListeningTests:
    pairs: list[RatedPair] = []
    notes: list[str] = []
    for path in paths:
        read = _read_p835 if path.name == "p835_means.csv" else _read_ratings
        found, left_out = read(path)
        pairs += found
        notes += left_out
    return ListeningTests(tuple(pairs), tuple(notes))


def _read_ratings(path: Path) -> tuple[list[RatedPair], list[str]]:
    """Read ratings_long.csv, a row per vote, or ratings_mean.csv, a row per file."""
    means = path.name == "ratings_mean.csv"
    score = "mean" if means else "score"
    columns = ("dataset", "file", "ref", "system", "item", "attribute", "scale", score)
    votes, notes = [], {}
    for number, row in enumerate(read_rows(path, columns), start=2):
        low, dash, high = row["scale"].partition("-")
        test = f"{row['dataset']}/{row['attribute']}"
        if not (dash and low.isdigit() and high.isdigit()):
            notes[test] = f"{test} is left out: {row['scale']!r} is no scale of quality"
            continue
        pair = RatedPair(
            set=row["dataset"],
            attribute=row["attribute"],
            item=row["item"],
            system=row["system"],
            reference=path.parent / row["ref"],
            degraded=path.parent / row["file"],
            score=to_score(row[score], f"{path}, line {number}"),
            scale=row["scale"],
            raters=_to_count(row.get("count", ""), f"{path}, line {number}"),
            hidden=row["file"] == row["ref"],
            sample_rate=_RATES.get(row["dataset"]),
        )
        votes.append((row.get("listener", ""), pair))
    if not means:
        return list(average_votes(votes)), list(notes.values())
    pairs, unrated = _leave_out_unrated(pair for _, pair in votes)
    return pairs, [*notes.values(), *unrated]


def _read_p835(path: Path) -> tuple[list[RatedPair], list[str]]:
    """Read means of ITU-T P.835, a row per file with a column per question."""
    pairs = []
    rows = read_rows(path, ("dataset", "file", "ref", "system", "item", "n", *_P835))
    for column, attribute in _P835.items():
        for number, row in enumerate(rows, start=2):
            pair = RatedPair(
                set=row["dataset"],
                attribute=attribute,
                item=row["item"],
                system=row["system"],
                reference=path.parent / row["ref"],
                degraded=path.parent / row["file"],
                score=to_score(row[column], f"{path}, line {number}"),
                scale="1-5",
                raters=_to_count(row["n"], f"{path}, line {number}"),
                hidden=row["file"] == row["ref"],
                sample_rate=_RATES.get(row["dataset"]),
            )
            pairs.append(pair)
    return _leave_out_unrated(pairs)


def _leave_out_unrated(pairs: Iterable[RatedPair]) -> tuple[list[RatedPair], list[str]]:
    """Return the pairs that have a mean, and in words how many have none."""
    kept, unrated = [], Counter[str]()
    for pair in pairs:
        if math.isnan(pair.score):
            unrated[pair.test] += 1
        else:
            kept.append(pair)
    return kept, [f"{test}: {n} without a rating left out" for test, n in unrated.items()]


def _to_count(cell: str, place: str) -> int:
    """Read how many rated a file; 0 where the table does not say."""
    count = to_score(cell, place)
    return 0 if math.isnan(count) else round(count)


def _find_odaq(folder: Path) -> list[Path]:
    for place in (folder, folder / "ODAQ_listening_test", folder / "ODAQ/ODAQ_listening_test"):
        if (place / "ODAQ_results.csv").is_file():
            return [place / "ODAQ_results.csv"]
        if trials := sorted(place.glob("ODAQ_*.xml")):
            return trials
    return []


def _read_odaq(paths: list[Path]) -> ListeningTests:
    """Read the table of all listeners, or their own files where it is not there."""
    from_table = paths[0].suffix == ".csv"
    rows = _odaq_table(paths[0]) if from_table else (r for p in paths for r in _odaq_listener(p))
    votes = []
    for listener, item, system, score in rows:
        place = paths[0].parent / item
        pair = RatedPair(
            set="odaq",
            attribute="quality",
            item=item,
            system=system,
            reference=place / "reference.wav",
            degraded=place / f"{system}.wav",
            score=score,
            scale="0-100",
            hidden=system == "reference",
        )
        votes.append((listener, pair))
    return ListeningTests(average_votes(votes))


def _odaq_table(path: Path) -> Iterator[tuple[str, str, str, float]]:
    for number, row in enumerate(read_rows(path, _ODAQ), start=2):
        score = to_score(row["score"], f"{path}, line {number}")
        yield row["subject"], row["item"], row["process"], score


def _odaq_listener(path: Path) -> Iterator[tuple[str, str, str, float]]:
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise DataError(f"{path} cannot be read as a listener's answers: {error}") from error
    info = root.find("info")
    listener = path.stem if info is None else info.get("subjectName", path.stem)
    for trial in root.iterfind("trials/trial"):
        for file in trial.iterfind("testFile"):
            system = Path(file.get("fileName", "")).stem
            yield (
                listener,
                trial.get("trialName", ""),
                system,
                to_score(file.get("score", ""), str(path)),
            )


def _find_sebass(folder: Path) -> list[Path]:
    tables = (*folder.glob("*_anonymized.csv"), *folder.glob("*/*_anonymized.csv"))
    return sorted(path for path in tables if _has_columns(path, _SEBASS))


def _read_sebass(paths: list[Path]) -> ListeningTests:
    """Read the tables of one or several tests: Signals/CONDITION/TRIAL.wav lies beside each."""
    votes = []
    for path in paths:
        # SAOC's three tables, SAOC_1_anonymized.csv and on, have folders of their own.
        part = path.stem.removesuffix("_anonymized").rpartition("_")[2]
        numbered = path.parent / f"Signals_{part}"
        signals = numbered if numbered.is_dir() else path.parent / "Signals"
        for number, row in enumerate(read_rows(path, _SEBASS), start=2):
            system, file = row["Condition"], f"{row['Trial']}.wav"
            place = signals / system
            if not place.is_dir():
                place = signals / _SEBASS_FOLDERS.get(system, system)
            pair = RatedPair(
                set=row["Testname"],
                attribute="quality",
                item=row["Trial"],
                system=system,
                reference=signals / "orig" / file,
                degraded=place / file,
                score=to_score(row["Ratingscore"], f"{path}, line {number}"),
                scale="0-100",
                hidden=place.name == "orig",
            )
            votes.append((row["Listener"], pair))
    return ListeningTests(average_votes(votes))


def _find_webmushra(folder: Path) -> list[Path]:
    results = [p for p in sorted(folder.rglob("mushra.csv")) if _has_columns(p, _WEBMUSHRA)]
    configs = (
        [p for s in ("yaml", "yml") for p in sorted(folder.rglob(f"*.{s}"))] if results else []
    )
    return [folder, *results, *configs] if configs else []


def _read_webmushra(paths: list[Path]) -> ListeningTests:
    """Read all mushra.csv; which files the conditions are say the YAML files of the tests."""
    folder, *others = paths
    pages: dict[tuple[str, str], dict[str, str]] = {}
    for path in (path for path in others if path.suffix != ".csv"):
        pages.update(_webmushra_pages(path))
    votes, notes = [], {}
    for path in (path for path in others if path.suffix == ".csv"):
        for number, row in enumerate(read_rows(path, _WEBMUSHRA), start=2):
            test, trial, system = (row[name] for name in _WEBMUSHRA[:3])
            if test == "session_test_id":
                continue  # joined files repeat their first line
            if system in _MADE_ON_THE_SPOT:
                notes[system] = f"{system} is left out: webMUSHRA makes it while the test runs"
                continue
            place = f"{path}, line {number}"
            if (test, trial) not in pages:
                raise DataError(f"{place}: no YAML file of {test} can be read with a page {trial}")
            files = pages[test, trial]
            if system not in files:
                raise DataError(f"{place}: page {trial} has no stimulus {system}")
            pair = RatedPair(
                set=test,
                attribute="quality",
                item=trial,
                system=system,
                reference=folder / files["reference"],
                degraded=folder / files[system],
                score=to_score(row["rating_score"], place),
                scale="0-100",
                hidden=files[system] == files["reference"],
            )
            votes.append((row.get("session_uuid") or row.get("email") or "", pair))
    return ListeningTests(average_votes(votes), tuple(notes.values()))


def _webmushra_pages(path: Path) -> Iterator[tuple[tuple[str, str], dict[str, str]]]:
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
            yield (str(config["testId"]), str(page.get("id"))), files


def _find_csv(folder: Path) -> list[Path]:
    path = folder / "ratings.csv" if folder.is_dir() else folder
    return [path] if path.is_file() and _has_columns(path, _CSV) else []


def _read_csv(paths: list[Path]) -> ListeningTests:
    """Read a table of one's own, a row per vote or per mean."""
    votes = []
    for number, row in enumerate(read_rows(paths[0], _CSV), start=2):
        place = f"{paths[0]}, line {number}"
        rate = to_score(row.get("sample_rate", ""), place)
        pair = RatedPair(
            set=row.get("set") or paths[0].resolve().parent.name,
            attribute=row.get("attribute") or "quality",
            item=row.get("item") or row["reference"],
            system=row.get("system", ""),
            reference=paths[0].parent / row["reference"],
            degraded=paths[0].parent / row["degraded"],
            score=to_score(row["score"], place),
            scale=row.get("scale", ""),
            hidden=row["degraded"] == row["reference"],
            sample_rate=None if math.isnan(rate) else round(rate),
        )
        votes.append((row.get("listener", ""), pair))
    return ListeningTests(average_votes(votes))


def _has_columns(path: Path, columns: tuple[str, ...]) -> bool:
    try:
        read_rows(path, columns)
    except DataError:
        return False
    return True


LISTENING_LAYOUTS: Mapping[ListeningLayout, _Layout] = {
    "tables": _Layout(
        "ratings_long.csv or ratings_mean.csv (and p835_means.csv) beside folders of audio",
        _find_tables, _read_tables,
    ),
    "odaq": _Layout(
        "ODAQ_results.csv or ODAQ_*.xml beside ITEM/reference.wav and ITEM/PROCESS.wav",
        _find_odaq, _read_odaq,
    ),
    "sebass": _Layout(
        "TEST_anonymized.csv beside Signals/CONDITION/TRIAL.wav",
        _find_sebass, _read_sebass,
    ),
    "webmushra": _Layout(
        "results/TEST/mushra.csv with the test's YAML file and its audio",
        _find_webmushra, _read_webmushra,
    ),
    "csv": _Layout(
        "ratings.csv with the columns reference,degraded,score",
        _find_csv, _read_csv,
    ),
}  # fmt: skip
