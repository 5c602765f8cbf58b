"""Rated listening tests: pairs of reference and degraded file with what listeners said."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from statistics import fmean

from auricle.core.errors import DataError
from auricle.core.ratings import MeanRating, Rating, RatingTable
from auricle.core.spec import Scale
from auricle.data.set_description import OVERALL, Description


@dataclass(frozen=True, slots=True)
class RatedPair:
    """A degraded file beside its reference, and its mean rating.

    `set` and `attribute` say which test and which question; `item` is what was played, `system`
    what was done to it. Higher `score`s are better, on the `scale` as the test's authors write it
    ("0-100"). `listeners` are their single scores where they are known, and `raters` the number of
    them; `deviation` is the standard deviation of single scores where only that is published.
    `hidden` is True where the reference itself was rated. At `sample_rate` (Hz) listeners
    heard all files of the test; None: each at its own. `overall_questions` are the attributes of
    the set that ask about the sound as a whole.
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
    deviation: float = math.nan
    overall_questions: Collection[str] = OVERALL

    @property
    def overall(self) -> bool:
        """Whether listeners were asked about the sound as a whole, and not about one side of it."""
        return self.attribute in self.overall_questions

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


def pair_ratings(
    table: RatingTable, description: Description | None = None, expected: str = "its files"
) -> ListeningTests:
    """Return rated files beside their references, with the mean of their votes, or the mean told.

    Every vote counts once, also of those who voted twice; `RatedPair.listeners` has the mean of
    each, and votes without a listener's name are a listener of their own. Anchors that no file is
    named of are left out with a note. Raises `DataError`, saying what was `expected`, for others.

    >>> vote = Rating("demo", "quality", "song", "mp3", "L1", 40.0, stimulus="b", reference="a")
    >>> other = Rating("demo", "quality", "song", "mp3", "L2", 60.0, stimulus="b", reference="a")
    >>> (pair,) = pair_ratings(RatingTable((vote, other))).pairs
    >>> pair.score, pair.raters
    (50.0, 2)
    """
    told = description or Description()
    given: dict[tuple[str, ...], list[Rating]] = {}
    notes: dict[str, str] = {}
    for one in table.ratings:
        if _has_files(one, notes, expected):
            given.setdefault((one.test, one.attribute, one.reference, one.stimulus), []).append(one)
    means = [one for one in table.means if _has_files(one, notes, expected)]
    return ListeningTests(
        (*(_average(votes, told) for votes in given.values()), *(_pair(m, told) for m in means)),
        (*table.notes, *notes.values()),
    )


def _has_files(one: Rating | MeanRating, notes: dict[str, str], expected: str) -> bool:
    if one.stimulus and one.reference:
        return True
    if one.role not in ("low_anchor", "mid_anchor"):
        raise DataError(
            f"{one.place}: no files of {one.system or 'it'} and its reference are named: expected"
            f" {expected}"
        )
    notes[one.system] = f"{one.system} is left out: an anchor that no file is named of"
    return False


def _average(votes: list[Rating], told: Description) -> RatedPair:
    own: dict[str, list[float]] = {}
    for vote in votes:
        # Another name for each stimulus: who is not known is not known to be the same.
        own.setdefault(vote.listener or f"{vote.stimulus}#{len(own) + 1}", []).append(vote.score)
    first = votes[0]
    return RatedPair(
        set=first.test,
        attribute=first.attribute,
        item=first.item,
        system=first.system,
        reference=Path(first.reference),
        degraded=Path(first.stimulus),
        score=fmean(chain.from_iterable(own.values())),
        scale=_write_scale(first.scale),
        raters=len(own),
        hidden=first.role == "reference",
        sample_rate=first.sample_rate,
        listeners={name: fmean(scores) for name, scores in own.items()},
        overall_questions=told.find(first.test).overall or OVERALL,
    )


def _pair(one: MeanRating, told: Description) -> RatedPair:
    return RatedPair(
        set=one.test,
        attribute=one.attribute,
        item=one.item,
        system=one.system,
        reference=Path(one.reference),
        degraded=Path(one.stimulus),
        score=one.mean,
        scale=_write_scale(one.scale),
        raters=one.listeners,
        hidden=one.role == "reference",
        sample_rate=one.sample_rate,
        deviation=one.deviation,
        overall_questions=told.find(one.test).overall or OVERALL,
    )


def _write_scale(scale: Scale) -> str:
    return f"{scale.low:g}-{scale.high:g}"
