"""BS.1534-3 post-screening at its boundaries."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stats.panels import rate_role

from auricle.core.errors import DataError
from auricle.core.ratings import Rating
from auricle.core.spec import Scale
from auricle.stats.screening import Reason, Screening
from auricle.stats.screening_mushra import screen_bs1534


@pytest.mark.parametrize(
    ("bad", "items", "stays"),
    [(1, 10, True), (2, 10, False), (3, 20, True), (4, 20, False), (6, 40, True), (7, 40, False),
     (9, 60, True), (10, 60, False), (0, 1, True), (1, 6, False), (1, 7, True)],
)  # fmt: skip
def test_more_than_15_percent_of_hidden_references(bad: int, items: int, stays: bool) -> None:
    ratings = rate_role("L1", "reference", [89.9] * bad + [90.0] * (items - bad))
    found = screen_bs1534(ratings)
    assert (found.kept == ("L1",)) is stays
    if not stays:
        (reason,) = found.reasons
        assert (reason.criterion, reason.limit, reason.judged) == ("hidden_reference", 15.0, items)
        assert reason.found == pytest.approx(100 * bad / items)
        assert len(reason.items) == bad


def test_ninety_itself_is_not_below_ninety_on_any_scale() -> None:
    for scale, edge in [(Scale(0.0, 100.0), 90.0), (Scale(1.0, 5.0), 4.6), (Scale(0.0, 10.0), 9.0)]:
        ratings = [
            Rating("t", "q", item, "ref", "L1", edge, scale, role="reference") for item in "abc"
        ]
        assert screen_bs1534(ratings).kept == ("L1",)


def test_mid_anchor_rated_above_90() -> None:
    def panel(high: int, edge: float) -> list[Rating]:
        others = [
            one for name in ("L2", "L3", "L4", "L5") for one in (
                *rate_role(name, "reference", [100.0] * 10),
                *rate_role(name, "mid_anchor", [50.0] * 10),
            )
        ]  # fmt: skip
        return [
            *others,
            *rate_role("L1", "reference", [100.0] * 10),
            *rate_role("L1", "mid_anchor", [edge] * high + [40.0] * (10 - high)),
        ]

    assert screen_bs1534(panel(1, 95.0)).excluded == ()
    found = screen_bs1534(panel(2, 95.0))
    assert [(one.listener, one.criterion) for one in found.reasons] == [("L1", "mid_anchor")]
    assert found.reasons[0].items == ("song 0", "song 1")
    assert screen_bs1534(panel(10, 90.0)).excluded == ()


def test_items_whose_anchor_many_rate_high_do_not_count() -> None:
    """One of four listeners is 25 %, which counts; two are more, and pardon the item for all."""

    def panel(*high: str) -> list[Rating]:
        return [
            one for name in ("L1", "L2", "L3", "L4") for one in (
                *rate_role(name, "reference", [100.0] * 4),
                *rate_role(name, "mid_anchor", [95.0 if name in high else 40.0, 40.0, 40.0, 40.0]),
            )
        ]  # fmt: skip

    assert screen_bs1534(panel("L2")).excluded == ("L2",)
    found = screen_bs1534(panel("L2", "L3"))
    assert found.excluded == ()
    assert any("do not count" in note and "song 0" in note for note in found.notes)


def test_what_is_not_judged_is_said() -> None:
    ratings = [*rate_role("L1", "reference", [50.0]), *rate_role("L2", "", [100.0])]
    found = screen_bs1534(ratings)
    assert (found.excluded, found.kept) == (("L1",), ("L2",))
    for words in ("L2", "no rating is of a mid-range anchor", "a single one decides: L1"):
        assert any(words in note for note in found.notes)
    with pytest.raises(DataError, match="hidden reference"):
        screen_bs1534(rate_role("L1", "", [50.0]))
    upside_down = [Rating("t", "q", "a", "r", "L1", 1.0, Scale(1.0, 5.0, False), "reference")]
    with pytest.raises(DataError, match="high end"):
        screen_bs1534(upside_down)


def test_outliers_are_remarks_only() -> None:
    scores = {"L1": 50.0, "L2": 52.0, "L3": 54.0, "L4": 56.0, "L5": 58.0, "L6": 99.0}
    ratings = [
        one
        for name, score in scores.items()
        for one in (*rate_role(name, "reference", [100.0]), *rate_role(name, "", [score], "x"))
    ]
    found = screen_bs1534(ratings)
    assert found.excluded == ()
    assert [(one.listener, one.found, one.judged) for one in found.remarks] == [("L6", 1.0, 2)]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(st.integers(80, 100).map(float), min_size=7, max_size=7), min_size=1, max_size=6
    ),
    st.lists(
        st.lists(st.integers(80, 100).map(float), min_size=7, max_size=7), min_size=6, max_size=6
    ),
)
def test_a_perfect_listener_condemns_nobody_by_the_reference(
    references: list[list[float]], anchors: list[list[float]]
) -> None:
    panel = [
        one
        for number, scores in enumerate(references)
        for one in (
            *rate_role(f"L{number}", "reference", scores),
            *rate_role(f"L{number}", "mid_anchor", anchors[number]),
        )
    ]
    perfect = [
        *rate_role("perfect", "reference", [100.0] * 7),
        *rate_role("perfect", "mid_anchor", [40.0] * 7),
    ]
    before, after = screen_bs1534(panel), screen_bs1534([*panel, *perfect])

    def by_reference(found: Screening) -> list[Reason]:
        return [one for one in found.reasons if one.criterion == "hidden_reference"]

    assert "perfect" in after.kept
    assert by_reference(after) == by_reference(before)
