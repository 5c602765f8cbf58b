"""Screening by agreement with the panel: correlation, and outliers among its scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import Rating
from auricle.stats.correlation import pearson
from auricle.stats.panel import Matrix, tabulate_panel
from auricle.stats.screening import Reason, Screening, exceeds
from auricle.stats.vectors import Vector

Mask = NDArray[np.bool_]

# With fewer stimuli a correlation says nothing of a listener.
_FEWEST = 3


def screen_correlation(ratings: Sequence[Rating], *, least: float = 0.75) -> Screening:
    """Screen a panel by each listener's correlation with the mean of the others.

    Pearson's correlation is taken over the stimuli (item and system) that a listener shares with
    others; scores of replicates are averaged first. The listener with the lowest goes if it is
    below `least`, all are judged anew against those who remain, and so on.

    ITU-T P.913 correlates with the mean of all, the listener included, which flatters everyone in a
    small panel; the limit is its own. Where the stimuli differ little in quality nobody correlates,
    and this is the wrong method. Who cannot be judged (fewer than three shared stimuli, or the same
    score throughout) stays, which a note says.

    Raises `ConfigError` for a limit outside -1..1 and what `group_listeners` raises. Source: ITU-T
    P.913 (06/2021) and ITU-T P.910 (10/2023), screening of subjects by correlation per stimulus,
    one at a time; limit 0.75.

    >>> scores = {"L1": [1, 2, 3, 5], "L2": [2, 2, 4, 5], "L3": [5, 1, 4, 2]}
    >>> ratings = [Rating("t", "q", item, "opus", name, score) for name, found in scores.items()
    ...     for item, score in zip("abcd", found, strict=True)]
    >>> print(screen_correlation(ratings).reasons[0])
    L3 correlates -0.289 with the mean of the others over 4 stimuli (at least 0.75, number 1 to go)
    """
    if not -1.0 <= least <= 1.0:
        raise ConfigError(f"a correlation lies in -1..1, and so does its limit, not {least}")
    listeners, _, scores = tabulate_panel(ratings)
    staying = np.ones(len(listeners), dtype=np.bool_)
    reasons: dict[str, Reason] = {}
    while True:
        found, shared = _correlate_others(scores, staying)
        if np.isnan(found).all() or np.nanmin(found) >= least:
            break
        worst = int(np.nanargmin(found))
        staying[worst] = False
        value, judged, listener = float(found[worst]), int(shared[worst]), listeners[worst]
        told = (
            f"correlates {value:.3f} with the mean of the others over {judged} stimuli "
            f"(at least {least:g}, number {len(reasons) + 1} to go)"
        )
        reasons[listener] = Reason(listener, "correlation", value, least, judged, (), told)
    unjudged = [
        listeners[place] for place in np.flatnonzero(staying) if not np.isfinite(found[place])
    ]
    notes: list[str] = []
    if 2 * len(reasons) > len(listeners):
        notes.append(
            "more than half of the panel goes: the stimuli may differ too little for anybody to "
            "correlate, so that this method tells nothing here"
        )
    if unjudged:
        notes.append(
            "share too few different scores with others who stay to be correlated: "
            + ", ".join(unjudged)
        )
    return Screening(
        ("correlation",),
        listeners,
        tuple(reasons[name] for name in listeners if name in reasons),
        notes=tuple(notes),
    )


def screen_bt500(ratings: Sequence[Rating]) -> Screening:
    """Screen a panel for scores far from its mean in both directions.

    For each stimulus (item and system), with mean m, standard deviation s (n - 1) and kurtosis b of
    the panel's scores, a score counts as high from m + k s on and as low from m - k s down, where k
    is 2 if 2 <= b <= 4 (about normal) and sqrt(20) otherwise. A listener with P high and Q low
    scores of N goes if (P + Q) / N > 5 % and |P - Q| / (P + Q) < 30 %: one who is erratic, not one
    who is merely strict or generous. Stimuli on which all agree count in N only; scores of
    replicates are averaged first.

    In a panel of n no score is further than (n - 1) / sqrt(n) deviations from the mean: five
    listeners or fewer never reach 2, and 21 or fewer never sqrt(20).

    Raises what `group_listeners` raises. Source: ITU-R BT.500-14 (10/2019), screening of the
    observers.

    >>> ratings = [Rating("t", "q", item, "opus", name, 50.0) for name in ("L1", "L2")
    ...     for item in "abcd"]
    >>> screen_bt500(ratings).kept
    ('L1', 'L2')
    """
    listeners, stimuli, scores = tabulate_panel(ratings)
    high, low = _mark_outliers(scores)
    reasons: list[Reason] = []
    for place, listener in enumerate(listeners):
        p, q = int(high[place].sum()), int(low[place].sum())
        judged = int(np.isfinite(scores[place]).sum())
        if exceeds(p + q, judged, 5) and abs(p - q) * 100 < 30 * (p + q):
            items = tuple(
                dict.fromkeys(stimuli[k][0] for k in np.flatnonzero(high[place] | low[place]))
            )
            told = (
                f"is far above the panel {p} times and far below {q} times in {judged} stimuli "
                "(at most 5 %, unless mostly to one side)"
            )
            share = 100.0 * (p + q) / judged
            reasons.append(Reason(listener, "bt500", share, 5.0, judged, items, told))
    notes = ("fewer than six listeners: none can be an outlier",) if len(listeners) < 6 else ()
    return Screening(("bt500",), listeners, tuple(reasons), notes=notes)


def _correlate_others(scores: Matrix, staying: Mask) -> tuple[Vector, Vector]:
    """Return each staying listener's correlation with the mean of the others, and over how many."""
    rated = np.isfinite(scores) & staying[:, None]
    filled = np.where(rated, scores, 0.0)
    sums, counts = filled.sum(axis=0), rated.sum(axis=0)
    found, shared = np.full(len(scores), np.nan), np.zeros(len(scores))
    for place in np.flatnonzero(staying):
        both = rated[place] & (counts > 1)
        shared[place] = both.sum()
        if shared[place] < _FEWEST:
            continue
        own = filled[place, both]
        others = (sums[both] - own) / (counts[both] - 1)
        try:
            found[place] = pearson(own, others)
        except DataError:  # the same score throughout
            continue
    return found, shared


def _mark_outliers(scores: Matrix) -> tuple[Mask, Mask]:
    """Return which scores `[listener, stimulus]` are far above and far below the panel's."""
    high, low = np.zeros(scores.shape, dtype=np.bool_), np.zeros(scores.shape, dtype=np.bool_)
    for place, column in enumerate(scores.T):
        given = column[np.isfinite(column)]
        if given.size < 2 or np.ptp(given) == 0.0:
            continue
        normal = 2.0 <= stats.kurtosis(given, fisher=False) <= 4.0
        reach = (2.0 if normal else np.sqrt(20.0)) * given.std(ddof=1)
        high[:, place] = column >= given.mean() + reach
        low[:, place] = column <= given.mean() - reach
    return high, low
