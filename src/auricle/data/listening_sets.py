"""Rated listening tests: pairs of reference and degraded file with what listeners said."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from statistics import fmean

from auricle.core.errors import DataError


@dataclass(frozen=True, slots=True)
class RatedPair:
    """A degraded file beside its reference, and its mean rating.

    `set` and `attribute` say which test and which question; `item` is what was played, `system`
    what was done to it. Higher `score`s are better, on the `scale` as the test's authors write it
    ("0-100"). `listeners` are their single scores where they are known, and `raters` the number of
    them. `hidden` is True where the reference itself was rated. At `sample_rate` (Hz) listeners
    heard all files of the test; None: each at its own.
    """

    set: str
    attribute: str
    item: str
    system: str
    reference: Path
    degraded: Path
    score: float
    scale: str = ""
    raters: int = 0
    hidden: bool = False
    sample_rate: int | None = None
    listeners: Mapping[str, float] = field(default_factory=dict)

    @property
    def test(self) -> str:
        """The set and its attribute, by which pairs belong together."""
        return f"{self.set}/{self.attribute}"


@dataclass(frozen=True, slots=True)
class ListeningTests:
    """The pairs of a folder, and in words what of its tables is not among them."""

    pairs: tuple[RatedPair, ...]
    notes: tuple[str, ...] = ()

    def rated(self, sets: Collection[str] = ()) -> list[RatedPair]:
        """Return the pairs of these sets, or of all, but hidden references.

        Nothing is learned from a metric that knows a file from itself. Raises `DataError` for a
        set that there is not, and when no pair is left.
        """
        known = dict.fromkeys(pair.set for pair in self.pairs)
        if unknown := [name for name in sets if name not in known]:
            raise DataError(f"there is no set {', '.join(unknown)}: there is {', '.join(known)}")
        pairs = [p for p in self.pairs if not p.hidden and (not sets or p.set in sets)]
        if not pairs:
            raise DataError("there are no rated pairs but hidden references")
        return pairs


def average_votes(votes: Iterable[tuple[str, RatedPair]]) -> tuple[RatedPair, ...]:
    """Average votes, (listener, pair with the score), for each pair, in order of appearance.

    Every vote counts once, also of those who voted twice; `listeners` has the mean of each, and
    votes without a listener's name are a listener of their own. Scores that are NaN do not count,
    and pairs without any other are left out.

    >>> vote = RatedPair("demo", "quality", "song", "mp3", Path("a.wav"), Path("b.wav"), 40.0)
    >>> (pair,) = average_votes([("L1", vote), ("L2", replace(vote, score=60.0))])
    >>> pair.score, pair.raters
    (50.0, 2)
    """
    first: dict[tuple[str, Path, Path], RatedPair] = {}
    given: dict[tuple[str, Path, Path], dict[str, list[float]]] = {}
    for listener, pair in votes:
        if math.isnan(pair.score):
            continue
        key = (pair.test, pair.reference, pair.degraded)
        first.setdefault(key, pair)
        own = given.setdefault(key, {})
        own.setdefault(listener or f"#{len(own) + 1}", []).append(pair.score)
    return tuple(
        replace(
            pair,
            score=fmean(chain.from_iterable(given[key].values())),
            raters=len(given[key]),
            listeners={name: fmean(scores) for name, scores in given[key].items()},
        )
        for key, pair in first.items()
    )


def read_rows(path: Path, columns: Collection[str]) -> list[dict[str, str]]:
    """Read a CSV table by its first line; cells that a row lacks are empty.

    Raises `DataError` when it cannot be read, or lacks one of the `columns`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            rows = [{key: cell for key, cell in row.items() if key} for row in reader]
            header = reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read as a table of ratings: {reason}") from error
    if missing := [name for name in columns if name not in header]:
        raise DataError(f"{path}: it needs a first line with the columns {', '.join(missing)}")
    return rows


def to_score(cell: str, place: str) -> float:
    """Read a rating; an empty cell, "nan" and "NA" are NaN. Raises `DataError` for other text.

    >>> to_score("61.5", "ratings.csv, line 2"), to_score("", "ratings.csv, line 3")
    (61.5, nan)
    """
    if cell.strip().upper() in ("", "NA"):
        return math.nan
    try:
        score = float(cell)
    except ValueError as error:
        raise DataError(f"{place}: {cell!r} is no score") from error
    if math.isinf(score):
        raise DataError(f"{place}: a score must be finite")
    return score
