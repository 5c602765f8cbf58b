"""Who is taken out of a panel and why: what all methods of screening hand back.

A method judges the ratings of one question of one test. It takes nobody out by itself: it returns a
`Screening`, which names everyone who should go with the reasons, and `Screening.keep` applies it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from auricle.core.errors import DataError
from auricle.core.ratings import Rating

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a listener goes, or is remarkable.

    `criterion` is a stable name. `found` is what was measured and `limit` what was allowed, both in
    the unit that `sentence` tells; `judged` says on how many ratings, items or pairs, and `items`
    which of them told against the listener.
    """

    listener: str
    criterion: str
    found: float
    limit: float
    judged: int
    items: tuple[str, ...]
    sentence: str

    def __str__(self) -> str:
        return f"{self.listener} {self.sentence}"


@dataclass(frozen=True, slots=True)
class Screening:
    """What a method says of a panel.

    `listeners` are all that were judged, in alphabetical order. `reasons` are those for which
    listeners go; `remarks` look the same, but nobody goes for them. `notes` say what could not be
    judged. Where several methods were combined, `methods` names them all.

    >>> reason = Reason("L2", "constant", 0.0, 0.0, 8, (), "gave the same score 8 times")
    >>> screening = Screening(("constant",), ("L1", "L2"), (reason,))
    >>> screening.kept, screening.excluded
    (('L1',), ('L2',))
    >>> print(screening)
    constant: 1 of 2 listeners stay
    - L2 gave the same score 8 times
    """

    methods: tuple[str, ...]
    listeners: tuple[str, ...]
    reasons: tuple[Reason, ...] = ()
    remarks: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def excluded(self) -> tuple[str, ...]:
        """Listeners who should go, in alphabetical order."""
        going = {reason.listener for reason in self.reasons}
        return tuple(listener for listener in self.listeners if listener in going)

    @property
    def kept(self) -> tuple[str, ...]:
        """Listeners who stay, in alphabetical order."""
        going = set(self.excluded)
        return tuple(listener for listener in self.listeners if listener not in going)

    def keep(self, ratings: Iterable[Rating]) -> tuple[Rating, ...]:
        """Return the ratings without those of the listeners who should go."""
        going = set(self.excluded)
        return tuple(rating for rating in ratings if rating.listener not in going)

    def __str__(self) -> str:
        head = (
            f"{', '.join(self.methods)}: {len(self.kept)} of {len(self.listeners)} listeners stay"
        )
        return "\n".join([head, *(f"- {reason}" for reason in self.reasons)])


Method = Callable[[Sequence[Rating]], Screening]


def combine_screenings(screenings: Sequence[Screening]) -> Screening:
    """Return the union: a listener goes whom any of the screenings takes out.

    Reasons, remarks and notes are in the order of the screenings. Raises `DataError` for none.

    >>> first = Screening(("a",), ("L1", "L2"), (Reason("L2", "x", 1, 0, 1, (), "did x"),))
    >>> second = Screening(("b",), ("L1", "L2"), (Reason("L1", "y", 1, 0, 1, (), "did y"),))
    >>> combine_screenings([first, second]).excluded
    ('L1', 'L2')
    """
    if not screenings:
        raise DataError("there are no screenings to combine")

    return Screening(
        _gather(one.methods for one in screenings),
        tuple(sorted(_gather(one.listeners for one in screenings))),
        _gather(one.reasons for one in screenings),
        _gather(one.remarks for one in screenings),
        _gather(one.notes for one in screenings),
    )


def _gather(parts: Iterable[tuple[Entry, ...]]) -> tuple[Entry, ...]:
    return tuple(dict.fromkeys(entry for part in parts for entry in part))


def exceeds(count: int, total: int, percent: float) -> bool:
    """Return whether a count is more than that percentage of the total, exactly.

    Counts are compared as whole numbers: 3 of 20 is not more than 15 %, although 0.15 * 20 and
    3 / 20 are not the same in binary for every such pair.

    >>> exceeds(3, 20, 15), exceeds(4, 20, 15)
    (False, True)
    """
    return count * 100 > percent * total
