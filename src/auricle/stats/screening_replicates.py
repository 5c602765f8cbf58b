"""Replicate consistency: listeners who score the same stimulus differently."""

from __future__ import annotations

from collections.abc import Sequence

from auricle.core.errors import DataError
from auricle.core.ratings import Rating
from auricle.stats.panel import group_listeners
from auricle.stats.screening import Reason, Screening

# Float noise, in parts of the scale: 0.7 and 0.2 are half of the scale 0 to 1 apart, not more.
_ROUNDING = 1e-9


def screen_replicates(ratings: Sequence[Rating], *, apart: float = 50.0) -> Screening:
    """Screen a panel by discrepancy limits for replicated stimuli.

    A listener goes whose scores of any stimulus that was rated more than once differ by more than
    `apart` percent of the scale (the paper has 50 in its first test and 40 in the second). Who
    rated nothing twice is not judged, which a note says.

    Raises `DataError` when nobody rated anything twice, and what `group_listeners` raises. Source:
    A. Kasperuk and S. K. Zielinski, "Non-intrusive method for audio quality assessment of lossy-
    compressed music recordings using convolutional neural networks", section III G 3 and 4.

    >>> ratings = [Rating("t", "q", "song", "opus", "L1", score, trial=trial)
    ...     for trial, score in [("1", 20.0), ("2", 75.0)]]
    >>> print(screen_replicates(ratings).reasons[0])
    L1 scored replicates of a stimulus 55 % of the scale apart (at most 50 %)
    """
    groups = group_listeners(ratings)
    distances = {listener: _measure_distances(given) for listener, given in groups.items()}
    if not any(distances.values()):
        raise DataError(
            "nothing was rated twice by a listener: there are no replicates to judge by"
        )
    reasons: list[Reason] = []
    for listener, found in distances.items():
        far = [(distance, item) for distance, item in found if distance > apart + _ROUNDING]
        if far:
            largest = max(distance for distance, _ in far)
            told = (
                f"scored replicates of a stimulus {largest:.3g} % of the scale apart "
                f"(at most {apart:g} %)"
            )
            items = tuple(dict.fromkeys(item for _, item in far))
            reasons.append(Reason(listener, "replicates", largest, apart, len(found), items, told))
    unjudged = [listener for listener, found in distances.items() if not found]
    notes = (f"rated nothing twice and are not judged by replicates: {', '.join(unjudged)}",)
    return Screening(
        ("replicates",), tuple(groups), tuple(reasons), notes=notes if unjudged else ()
    )


def _measure_distances(given: Sequence[Rating]) -> list[tuple[float, str]]:
    """Return the largest distance in percent of the scale, and the item, of each replicated."""
    replicates: dict[tuple[str, str], list[float]] = {}
    for one in given:
        replicates.setdefault((one.item, one.system), []).append(one.score)
    return [
        (100.0 * (max(scores) - min(scores)) / given[0].scale.span, item)
        for (item, _), scores in replicates.items()
        if len(scores) > 1
    ]
