"""Abnormal scores: those of anchors, hidden references and everything that cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auricle.core.errors import DataError
from auricle.core.ratings import Rating, Role
from auricle.core.spec import Scale
from auricle.stats.panel import group_listeners, list_items, pick_role
from auricle.stats.screening import Reason, Screening, exceeds


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one criterion found: its name, items in which it was met, items judged, a phrase."""

    criterion: str
    met: tuple[str, ...]
    judged: tuple[str, ...]
    phrase: str


def screen_abnormal(
    ratings: Sequence[Rating],
    *,
    top: float = 100.0,
    middle: float = 60.0,
    much: float = 20.0,
    most: float = 0.0,
) -> Screening:
    """Screen a panel by scores that cannot be meant.

    A listener goes
    - who gives everything at least `top` percent of the scale ("all_top");
    - who in more than `most` percent of the items rates the low anchor at least `top`
      ("anchor_top"), or above the hidden reference ("anchor_over_reference"), or more than `much`
      above the middle anchor ("anchor_over_anchor"), or rates the hidden reference below `middle`
      ("reference_middle").

    The paper tells its criteria in words. That 60 is where the middle of the scale ends (the lower
    end of "good" in MUSHRA), 20 (one of its five words) is "much", and one item is enough are
    choices of this toolkit. Several scores of an anchor or reference are averaged per item.

    What cannot be judged for want of anchors or a hidden reference is in the notes. Raises
    `DataError` for a scale whose low end is good and what `group_listeners` raises. Source:
    A. Kasperuk and S. K. Zielinski, "Non-intrusive method for audio quality assessment of lossy-
    compressed music recordings using convolutional neural networks", section III G 3 and 4.

    >>> ratings = [Rating("t", "q", "song", "ref", "L1", 55.0, role="reference")]
    >>> print(screen_abnormal(ratings).reasons[0])
    L1 rated the hidden reference below 60 in 1 of 1 items
    """
    groups = group_listeners(ratings)
    scale = ratings[0].scale
    if not scale.higher_is_better:
        raise DataError("screening of abnormal scores needs a scale whose high end is good")
    reasons: list[Reason] = []
    judged: set[str] = set()
    for listener, given in groups.items():
        for one in _find_abnormal(given, scale, top, middle, much):
            if one.judged:
                judged.add(one.criterion)
            # All at the top is one verdict on all the items.
            allowed = 0.0 if one.criterion == "all_top" else most
            if one.judged and exceeds(len(one.met), len(one.judged), allowed):
                told = f"{one.phrase} in {len(one.met)} of {len(one.judged)} items"
                share = 100.0 * len(one.met) / len(one.judged)
                reasons.append(
                    Reason(listener, one.criterion, share, allowed, len(one.judged), one.met, told)
                )
    return Screening(("abnormal",), tuple(groups), tuple(reasons), notes=_note(judged))


def _find_abnormal(
    given: Sequence[Rating], scale: Scale, top: float, middle: float, much: float
) -> Iterator[_Finding]:
    # Multiplied before it is divided: 60 % of 0 to 100 must be 60 and nothing else.
    roof, centre = (scale.low + scale.span * percent / 100.0 for percent in (top, middle))
    every = list_items(given)
    # One score says nothing of all scores.
    full = every if len(given) > 1 else ()
    all_top = every if all(one.score >= roof for one in given) else ()
    yield _Finding("all_top", all_top, full, f"gave everything {roof:g} or more,")
    low, mid, reference = (
        _mean_items(given, role) for role in ("low_anchor", "mid_anchor", "reference")
    )
    yield _Finding(
        "anchor_top",
        tuple(item for item, score in low.items() if score >= roof),
        tuple(low),
        f"rated the low anchor {roof:g} or more",
    )
    both = tuple(item for item in low if item in reference)
    yield _Finding(
        "anchor_over_reference",
        tuple(item for item in both if low[item] > reference[item]),
        both,
        "rated the low anchor above the hidden reference",
    )
    both, step = tuple(item for item in low if item in mid), scale.span * much / 100.0
    yield _Finding(
        "anchor_over_anchor",
        tuple(item for item in both if low[item] - mid[item] > step),
        both,
        f"rated the low anchor more than {step:g} above the middle one",
    )
    yield _Finding(
        "reference_middle",
        tuple(item for item, score in reference.items() if score < centre),
        tuple(reference),
        f"rated the hidden reference below {centre:g}",
    )


def _mean_items(given: Sequence[Rating], role: Role) -> dict[str, float]:
    scores: dict[str, list[float]] = {}
    for one in pick_role(given, role):
        scores.setdefault(one.item, []).append(one.score)
    return {item: sum(found) / len(found) for item, found in scores.items()}


_WANTING = {
    "anchor_top": "no rating is of a low anchor: no criterion of anchors is judged",
    "anchor_over_anchor": "no item has both anchors: they are not compared",
    "reference_middle": "no rating is of a hidden reference: it is not judged",
}


def _note(judged: set[str]) -> tuple[str, ...]:
    return tuple(note for criterion, note in _WANTING.items() if criterion not in judged)
