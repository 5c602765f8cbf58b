"""Post-screening of MUSHRA panels by the hidden reference and the mid-range anchor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from auricle.core.errors import DataError
from auricle.core.ratings import Rating
from auricle.core.spec import Scale
from auricle.stats.opinion import box_numbers
from auricle.stats.panel import group_listeners, list_items, pick_role
from auricle.stats.screening import Reason, Screening, exceeds

Groups = Mapping[str, tuple[Rating, ...]]

# Of fewer, quartiles say nothing of who lies outside.
_FEWEST_IN_BOX = 5


def screen_bs1534(
    ratings: Sequence[Rating],
    *,
    reference_limit: float = 90.0,
    anchor_limit: float = 90.0,
    most: float = 15.0,
    pardoned: float = 25.0,
) -> Screening:
    """Screen a panel as ITU-R BS.1534-3 does after the test.

    A listener goes who rates the hidden reference below `reference_limit`, or the mid-range anchor
    above `anchor_limit`, in more than `most` percent of the items. Where more than `pardoned`
    percent of the listeners rate the anchor of an item so high, the anchor may not have degraded it
    much: the item then does not count, neither for nor against anyone. Limits are in percent of the
    scale. A page rated twice counts as two items. All counts are whole numbers, so that 3 of 20
    items are exactly 15 % and stay.

    Remarks name the ratings beyond 1.5 interquartile ranges from the quartiles of their stimulus,
    the whiskers of a box plot. The recommendation asks to look at such plots for outliers, but
    takes nobody out for them.

    Raises `DataError` when no rating is of a hidden reference, for a scale whose low end is good,
    and what `group_listeners` raises. Source: ITU-R BS.1534-3 (10/2015), section 4.1.2 (post-
    screening).

    >>> def rate(item: int, score: float) -> Rating:
    ...     return Rating("t", "quality", f"song {item}", "ref", "L1", score, role="reference")
    >>> one_bad = [rate(item, 100.0 if item else 60.0) for item in range(10)]
    >>> screen_bs1534(one_bad).excluded
    ()
    >>> two_bad = [rate(item, 100.0 if item > 1 else 60.0) for item in range(10)]
    >>> print(screen_bs1534(two_bad).reasons[0])
    L1 rated the hidden reference below 90 in 2 of 10 items (20 %, at most 15 %)
    """
    groups = group_listeners(ratings)
    scale = ratings[0].scale
    if not scale.higher_is_better:
        raise DataError("BS.1534 screening needs a scale whose high end is good")
    if not pick_role(ratings, "reference"):
        raise DataError(
            "no rating is of a hidden reference, by which BS.1534 screens listeners: "
            "name it when the ratings are read, or screen by another method"
        )
    floor, roof = (_place(scale, limit) for limit in (reference_limit, anchor_limit))
    pardon = _pardon_items(groups, roof, pardoned)
    reasons: list[Reason] = []
    for listener, given in groups.items():
        references = pick_role(given, "reference")
        low = [one for one in references if one.score < floor]
        what = f"rated the hidden reference below {floor:g}"
        reasons += _judge(listener, "hidden_reference", what, low, len(references), most)
        anchors = [one for one in pick_role(given, "mid_anchor") if one.item not in pardon]
        high = [one for one in anchors if one.score > roof]
        what = f"rated the mid-range anchor above {roof:g}"
        reasons += _judge(listener, "mid_anchor", what, high, len(anchors), most)
    return Screening(
        ("bs1534",),
        tuple(groups),
        tuple(reasons),
        _remark_outliers(groups),
        _note(groups, pardon, roof, pardoned) + _note_few(reasons, most),
    )


def _place(scale: Scale, percent: float) -> float:
    # Multiplied before it is divided: 90 % of 0 to 100 must be 90 and nothing else.
    return scale.low + scale.span * percent / 100.0


def _judge(
    listener: str, criterion: str, what: str, bad: Sequence[Rating], judged: int, most: float
) -> list[Reason]:
    if not exceeds(len(bad), judged, most):
        return []
    share = 100.0 * len(bad) / judged
    told = f"{what} in {len(bad)} of {judged} items ({share:.3g} %, at most {most:g} %)"
    return [Reason(listener, criterion, share, most, judged, list_items(bad), told)]


def _pardon_items(groups: Groups, roof: float, pardoned: float) -> tuple[str, ...]:
    """Return items whose mid-range anchor too many listeners rate high."""
    heard: Counter[str] = Counter()
    high: Counter[str] = Counter()
    for given in groups.values():
        anchors = pick_role(given, "mid_anchor")
        heard.update(list_items(anchors))
        high.update(list_items(one for one in anchors if one.score > roof))
    return tuple(item for item in sorted(high) if exceeds(high[item], heard[item], pardoned))


def _remark_outliers(groups: Groups) -> tuple[Reason, ...]:
    stimuli: dict[tuple[str, str], list[float]] = {}
    for given in groups.values():
        for one in given:
            stimuli.setdefault((one.item, one.system), []).append(one.score)
    boxes = {
        stimulus: box_numbers(scores)
        for stimulus, scores in stimuli.items()
        if len(scores) >= _FEWEST_IN_BOX
    }
    remarks: list[Reason] = []
    for listener, given in groups.items():
        judged = [one for one in given if (one.item, one.system) in boxes]
        far = [one for one in judged if one.score in boxes[one.item, one.system].outliers]
        if far:
            told = (
                f"lies beyond 1.5 interquartile ranges in {len(far)} of {len(judged)} ratings "
                "(for information)"
            )
            found = float(len(far))
            remarks.append(
                Reason(listener, "outliers", found, 0.0, len(judged), list_items(far), told)
            )
    return tuple(remarks)


def _note_few(reasons: Sequence[Reason], most: float) -> tuple[str, ...]:
    few = [one.listener for one in reasons if len(one.items) == 1 and one.judged * most < 100]
    if not few:
        return ()
    return (f"rated so few items that a single one decides: {', '.join(dict.fromkeys(few))}",)


def _note(groups: Groups, pardon: Collection[str], roof: float, pardoned: float) -> tuple[str, ...]:
    notes: list[str] = []
    unjudged = [name for name, given in groups.items() if not pick_role(given, "reference")]
    if unjudged:
        notes.append(f"rated no hidden reference and are not judged by it: {', '.join(unjudged)}")
    if not any(pick_role(given, "mid_anchor") for given in groups.values()):
        notes.append("no rating is of a mid-range anchor: that criterion is not judged")
    if pardon:
        notes.append(
            f"more than {pardoned:g} % of the listeners rated the mid-range anchor above {roof:g}, "
            f"so these items do not count for it: {', '.join(pardon)}"
        )
    return tuple(notes)
