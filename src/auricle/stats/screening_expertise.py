"""Post-screening by expertise: who can tell the object from the hidden reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import Rating
from auricle.stats.panel import group_listeners, list_items, pick_role
from auricle.stats.screening import Reason, Screening
from auricle.stats.vectors import Vector


def screen_bs1116(ratings: Sequence[Rating], *, level: float = 0.05) -> Screening:
    """Screen a panel as ITU-R BS.1116-3 does: by a one-sided t-test of difference grades.

    A difference grade is the grade of an object minus that which the same listener gave to the
    hidden reference of the same item, in the same trial where trials are told apart. A listener
    whose difference grades are not below 0 on average, at significance `level`, did not tell object
    from reference, and goes. Anchors are left out: to hear them takes no expertise.

    Objects that nobody can tell from the reference make experts look like guessers; the
    recommendation wants this test over material that is neither too easy nor too hard.

    Raises `DataError` when no object has a hidden reference beside it or low scores are the good
    ones, `ConfigError` for a level outside 0..1, and what `group_listeners` raises. Source: ITU-R
    BS.1116-3 (02/2015), post-screening of listeners.

    >>> grades = [("ref", "reference", 5.0), ("opus", "", 4.1), ("aac", "", 3.7)]
    >>> ratings = [
    ...     Rating("t", "quality", item, system, "L1", grade - 0.1 * bias, role=role)
    ...     for bias, item in enumerate(["speech", "castanets"])
    ...     for system, role, grade in grades
    ... ]
    >>> screen_bs1116(ratings).kept
    ('L1',)
    """
    if not 0.0 < level < 1.0:
        raise ConfigError(f"the significance level must lie between 0 and 1, not {level}")
    groups = group_listeners(ratings)
    if not ratings[0].scale.higher_is_better:
        raise DataError("BS.1116 screening needs a scale whose high end is good")
    differences = {listener: difference_grades(given) for listener, given in groups.items()}
    if not any(found.size for found in differences.values()):
        raise DataError(
            "no listener rated an object and the hidden reference of its item, by whose "
            "differences BS.1116 screens: name the hidden reference when the ratings are read"
        )
    reasons: list[Reason] = []
    unjudged: list[str] = []
    for listener, found in differences.items():
        if found.size < 2:
            unjudged.append(listener)
            continue
        chance = _test_below_zero(found)
        if chance >= level:
            told = (
                f"cannot tell objects from the hidden reference: mean difference grade "
                f"{found.mean():.2f} over {found.size} pairs, p = {chance:.3f} (below {level:g})"
            )
            items = list_items(one for one in groups[listener] if not one.role)
            reasons.append(Reason(listener, "expertise", chance, level, found.size, items, told))
    notes = [f"have fewer than two pairs and are not judged: {', '.join(unjudged)}"]
    return Screening(
        ("bs1116",), tuple(groups), tuple(reasons), notes=tuple(notes if unjudged else ())
    )


def difference_grades(given: Sequence[Rating]) -> Vector:
    """Return one listener's grades of objects minus those of their hidden references, `[pair]`.

    >>> given = [
    ...     Rating("t", "q", "song", "ref", "L1", 4.8, role="reference"),
    ...     Rating("t", "q", "song", "opus", "L1", 4.0),
    ... ]
    >>> difference_grades(given).round(1).tolist()
    [-0.8]
    """
    references = pick_role(given, "reference")
    differences: list[float] = []
    for one in pick_role(given, ""):
        beside = [other for other in references if other.item == one.item]
        # Pages of an item rated twice are told apart by their trial; some tables tell none.
        grades = [other.score for other in beside if other.trial == one.trial]
        grades = grades or [other.score for other in beside]
        if grades:
            differences.append(one.score - sum(grades) / len(grades))
    return np.array(differences, dtype=np.float64)


def _test_below_zero(differences: Vector) -> float:
    if np.ptp(differences) == 0.0:  # where a t-test would divide by 0
        return 0.0 if differences[0] < 0.0 else 1.0
    return float(stats.ttest_1samp(differences, 0.0, alternative="less").pvalue)
