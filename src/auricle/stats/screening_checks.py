"""Checks for listeners who did not attend, as in crowdsourced tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeVar

import numpy as np

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import MeanRating, Rating
from auricle.core.spec import Scale
from auricle.stats.panel import group_listeners, list_items
from auricle.stats.screening import Reason, Screening, exceeds

Entry = TypeVar("Entry", Rating, MeanRating)

# Two equal scores on one page are no sign of anything.
_FEWEST_ON_PAGE = 3


@dataclass(frozen=True, slots=True)
class Trap:
    """What has a known answer: a trapping question, or a clip of known quality.

    `name` is that of an item, a system, both as ITEM/SYSTEM, or a file (with or without its
    folder). An answer is right when it lies within `tolerance` of `expected`, in units of the
    scale. ITU-T P.808 wants trapping questions answered exactly; its public toolkit lets the
    answers to clips of known quality ("gold standard") be off by 1 of 5.

    >>> Trap("trap-3", expected=2.0).covers(Rating("t", "q", "trap-3", "noise", "L1", 5.0))
    True
    """

    name: str
    expected: float
    tolerance: float = 0.0

    def covers(self, one: Rating | MeanRating) -> bool:
        """Tell whether that is an answer to this question."""
        file = one.stimulus
        return self.name in (
            *(one.item, one.system, f"{one.item}/{one.system}"),
            *(file, PurePath(file).name),
        )


def screen_traps(ratings: Sequence[Rating], traps: Sequence[Trap], *, most: int = 0) -> Screening:
    """Screen a panel by stimuli of which the answers are known.

    A listener goes who gives more than `most` wrong answers; the default, none, is that of P.808
    for trapping questions. Who met no trap is not judged, which a note says. `leave_out_traps`
    takes traps from among the ratings.

    Raises `ConfigError` for a stimulus that two traps name and an answer off the scale, `DataError`
    when nobody met a trap, and what `group_listeners` raises. Source: ITU-T P.808 (06/2021), data
    screening.

    >>> ratings = [Rating("t", "q", "trap", "two", name, score) for name, score in [("L1", 2.0),
    ...     ("L2", 5.0)]]
    >>> print(screen_traps(ratings, [Trap("trap", 2.0)]).reasons[0])
    L2 answered 1 of 1 traps wrongly (at most 0)
    """
    groups = group_listeners(ratings)
    _require_on_scale(traps, ratings[0].scale)
    met: dict[str, int] = {}
    missed: dict[str, list[Rating]] = {}
    for listener, given in groups.items():
        answers = [(one, trap) for one in given if (trap := _find_trap(one, traps))]
        met[listener] = len(answers)
        missed[listener] = [
            one for one, trap in answers if abs(one.score - trap.expected) > trap.tolerance
        ]
    if not any(met.values()):
        names = ", ".join(trap.name for trap in traps)
        raise DataError(f"nobody rated a trap: no item, system or file is called {names}")
    reasons = [
        Reason(
            *(listener, "traps", float(len(wrong)), float(most), met[listener]),
            list_items(wrong),
            f"answered {len(wrong)} of {met[listener]} traps wrongly (at most {most})",
        )
        for listener, wrong in missed.items()
        if len(wrong) > most
    ]
    unmet = [listener for listener, count in met.items() if not count]
    notes = (f"met no trap and are not judged by traps: {', '.join(unmet)}",) if unmet else ()
    return Screening(("traps",), tuple(groups), tuple(reasons), notes=notes)


def leave_out_traps(given: Iterable[Entry], traps: Sequence[Trap]) -> tuple[Entry, ...]:
    """Return the ratings, or means, that are of no trap.

    >>> ratings = [Rating("t", "q", item, "opus", "L1", 3.0) for item in ("song", "trap")]
    >>> [one.item for one in leave_out_traps(ratings, [Trap("trap", 2.0)])]
    ['song']
    """
    return tuple(one for one in given if not any(trap.covers(one) for trap in traps))


def screen_constant(ratings: Sequence[Rating], *, least_deviation: float = 0.0) -> Screening:
    """Screen a panel for listeners who always answer the same.

    A listener with two ratings or more goes whose scores have a standard deviation of
    `least_deviation` percent of the scale or less; the default, 0, means the same score throughout.

    Raises what `group_listeners` raises. Source: ITU-T P.808 (06/2021), data screening, which names
    ratings without variance.

    >>> ratings = [Rating("t", "q", item, "opus", "L1", 50.0) for item in "abc"]
    >>> print(screen_constant(ratings).reasons[0])
    L1 hardly varied: 3 scores from 50 to 50, standard deviation 0 % of the scale (more than 0)
    """
    groups = group_listeners(ratings)
    reasons: list[Reason] = []
    for listener, given in groups.items():
        scores = np.array([one.score for one in given])
        if scores.size < 2:
            continue
        # Exactly 0 where all agree: a mean of equal numbers may be off in the last digit.
        spread = float(np.ptp(scores)) and float(scores.std(ddof=1))
        share = 100.0 * spread / given[0].scale.span
        if share <= least_deviation:
            told = (
                f"hardly varied: {scores.size} scores from {scores.min():g} to {scores.max():g}, "
                f"standard deviation {share:.3g} % of the scale (more than {least_deviation:g})"
            )
            reasons.append(
                Reason(listener, "constant", share, least_deviation, scores.size, (), told)
            )
    return Screening(("constant",), tuple(groups), tuple(reasons))


def screen_incomplete(ratings: Sequence[Rating], *, least: float = 50.0) -> Screening:
    """Screen a panel for listeners who rated too little.

    A listener goes who gave fewer than `least` percent of the ratings that the median listener
    gave. The default, half, is a choice of this toolkit, for those who broke off: ITU-T P.808
    leaves the number to who runs the test.

    Raises what `group_listeners` raises.

    >>> ratings = [Rating("t", "q", item, "opus", name, 50.0) for name in ("L1", "L2")
    ...     for item in "abcd"]
    >>> ratings.append(Rating("t", "q", "a", "opus", "L3", 50.0))
    >>> print(screen_incomplete(ratings).reasons[0])
    L3 gave 1 rating where the median listener gave 4 (at least 50 %)
    """
    groups = group_listeners(ratings)
    usual = float(np.median([len(given) for given in groups.values()]))
    reasons: list[Reason] = []
    for listener, given in groups.items():
        count = len(given)
        if count * 100 < least * usual:
            told = (
                f"gave {count} rating{'s' * (count > 1)} where the median listener gave {usual:g} "
                f"(at least {least:g} %)"
            )
            share = 100.0 * count / usual
            reasons.append(
                Reason(listener, "incomplete", share, least, count, list_items(given), told)
            )
    return Screening(("incomplete",), tuple(groups), tuple(reasons))


def screen_straight_lines(ratings: Sequence[Rating], *, most: float = 50.0) -> Screening:
    """Screen a panel for listeners who give everything on a page the same score.

    A page is what a listener rated of one item in one trial. Pages of three stimuli or more count;
    who leaves all sliders equal on more than `most` percent of them goes. The default, half, is a
    choice of this toolkit: a single such page may be honest.

    Raises `DataError` when no page has three stimuli, and what `group_listeners` raises.

    >>> ratings = [Rating("t", "q", "song", system, "L1", 100.0) for system in "abc"]
    >>> print(screen_straight_lines(ratings).reasons[0])
    L1 gave everything on a page the same score on 1 of 1 pages (at most 50 %)
    """
    groups = group_listeners(ratings)
    reasons: list[Reason] = []
    seen = 0
    for listener, given in groups.items():
        pages: dict[tuple[str, str], list[float]] = {}
        for one in given:
            pages.setdefault((one.item, one.trial), []).append(one.score)
        full = {page: set(found) for page, found in pages.items() if len(found) >= _FEWEST_ON_PAGE}
        flat = [item for (item, _), scores in full.items() if len(scores) == 1]
        seen += len(full)
        if exceeds(len(flat), len(full), most):
            told = (
                f"gave everything on a page the same score on {len(flat)} of {len(full)} pages "
                f"(at most {most:g} %)"
            )
            share, items = 100.0 * len(flat) / len(full), tuple(dict.fromkeys(flat))
            reasons.append(Reason(listener, "straight_lines", share, most, len(full), items, told))
    if not seen:
        raise DataError(f"no listener rated {_FEWEST_ON_PAGE} stimuli of one item on one page")
    return Screening(("straight-lines",), tuple(groups), tuple(reasons))


def _find_trap(one: Rating, traps: Sequence[Trap]) -> Trap | None:
    found = [trap for trap in traps if trap.covers(one)]
    if len(found) > 1:
        names = ", ".join(trap.name for trap in found)
        raise ConfigError(
            f"{one.item}/{one.system} is a trap by two names ({names}): give it one expected answer"
        )
    return found[0] if found else None


def _require_on_scale(traps: Sequence[Trap], scale: Scale) -> None:
    for trap in traps:
        if not scale.low <= trap.expected <= scale.high:
            raise ConfigError(
                f"the trap {trap.name} wants {trap.expected:g}, which lies off the scale"
                f" {scale.low:g}-{scale.high:g}"
            )
