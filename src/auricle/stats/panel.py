"""Single ratings as a panel: by listener, by what was played, as a matrix."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import DataError
from auricle.core.ratings import Rating, Role

# The item and the system.
Stimulus = tuple[str, str]
Matrix = NDArray[np.float64]


def group_listeners(ratings: Sequence[Rating]) -> Mapping[str, tuple[Rating, ...]]:
    """Return the ratings of each listener, both in an order that does not depend on the input's.

    Raises `DataError` for no ratings, ratings of several questions or on several scales, scores
    that are not finite, and ratings without a listener: nobody knows whether two are of one.

    >>> ratings = [Rating("t", "q", "song", "opus", name, 50.0) for name in ("L2", "L1", "L2")]
    >>> {name: len(given) for name, given in group_listeners(ratings).items()}
    {'L1': 1, 'L2': 2}
    """
    if not ratings:
        raise DataError("there are no ratings by single listeners to judge")
    questions = sorted({(one.test, one.attribute) for one in ratings})
    if len(questions) > 1:
        raise DataError(
            f"the ratings answer {len(questions)} questions, {questions[0]} and {questions[1]} "
            "among them: judge one at a time (RatingTable.select)"
        )
    if len({one.scale for one in ratings}) > 1:
        raise DataError("the ratings are on several scales: bring them to one first")
    for one in ratings:
        if not one.listener:
            raise DataError(
                f"a rating names no listener: {one.place or one.item}. Leave such ratings out, or"
                " give each a listener of its own"
            )
        if not math.isfinite(one.score):
            raise DataError(f"a score of {one.listener} is {one.score}: {one.place or one.item}")
    groups: dict[str, list[Rating]] = {name: [] for name in sorted({r.listener for r in ratings})}
    for one in sorted(ratings, key=lambda r: (r.item, r.system, r.trial, r.score)):
        groups[one.listener].append(one)
    return {name: tuple(given) for name, given in groups.items()}


def mean_scores(given: Iterable[Rating]) -> dict[Stimulus, float]:
    """Return the mean score of each (item, system), over what was rated more than once.

    >>> ratings = [Rating("t", "q", "song", "opus", "L1", score) for score in (50.0, 60.0)]
    >>> mean_scores(ratings)
    {('song', 'opus'): 55.0}
    """
    scores: dict[Stimulus, list[float]] = {}
    for one in given:
        scores.setdefault((one.item, one.system), []).append(one.score)
    return {stimulus: sum(found) / len(found) for stimulus, found in scores.items()}


def pick_role(given: Iterable[Rating], role: Role) -> tuple[Rating, ...]:
    """Return the ratings of stimuli in that role.

    >>> pick_role([Rating("t", "q", "song", "opus", "L1", 50.0)], "reference")
    ()
    """
    return tuple(one for one in given if one.role == role)


def list_items(given: Iterable[Rating]) -> tuple[str, ...]:
    """Return the items of the ratings, each once, in their order.

    >>> list_items(Rating("t", "q", item, "opus", "L1", 50.0) for item in "bab")
    ('b', 'a')
    """
    return tuple(dict.fromkeys(one.item for one in given))


def tabulate_panel(
    ratings: Sequence[Rating],
) -> tuple[tuple[str, ...], tuple[Stimulus, ...], Matrix]:
    """Return listeners, stimuli and scores `[listener, stimulus]`, NaN where there is none.

    What a listener rated more than once is averaged. Raises what `group_listeners` raises.

    >>> ratings = [Rating("t", "q", "song", name, "L1", 50.0) for name in ("opus", "aac")]
    >>> tabulate_panel(ratings)
    (('L1',), (('song', 'aac'), ('song', 'opus')), array([[50., 50.]]))
    """
    groups = {name: mean_scores(given) for name, given in group_listeners(ratings).items()}
    stimuli = sorted({stimulus for means in groups.values() for stimulus in means})
    places = {stimulus: place for place, stimulus in enumerate(stimuli)}
    scores = np.full((len(groups), len(stimuli)), np.nan)
    for row, means in zip(scores, groups.values(), strict=True):
        for stimulus, mean in means.items():
            row[places[stimulus]] = mean
    return tuple(groups), tuple(stimuli), scores
