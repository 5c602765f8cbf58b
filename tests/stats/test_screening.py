"""What screenings hand back, how they combine, and what no method may do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stats.panels import rate_role

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import Rating
from auricle.core.spec import Scale
from auricle.stats.screening import Screening, combine_screenings, exceeds
from auricle.stats.screening_checks import Trap
from auricle.stats.screening_plan import METHODS, screen_ratings

SCORES = st.integers(0, 100).map(float)


@st.composite
def mushra_panels(draw: st.DrawFn) -> list[Rating]:
    """Two to six listeners rate reference, anchors and a codec of each item, one of it twice."""
    items = draw(st.integers(3, 7))
    ratings: list[Rating] = []
    for number in range(draw(st.integers(2, 6))):
        for role in ("reference", "mid_anchor", "low_anchor", ""):
            scores = draw(st.lists(SCORES, min_size=items, max_size=items))
            ratings += rate_role(f"L{number}", role, scores, "codec" if not role else "")
    return [*ratings, replace(ratings[-1], trial="again", score=draw(SCORES))]


@settings(max_examples=25, deadline=None)
@given(panel=mushra_panels(), data=st.data())
def test_order_of_ratings_changes_nothing(panel: list[Rating], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(panel))
    for method in METHODS.values():
        assert method(shuffled) == method(panel)


@settings(max_examples=25, deadline=None)
@given(panel=mushra_panels())
def test_everyone_stays_or_goes_with_reasons(panel: list[Rating]) -> None:
    found = screen_ratings(panel, list(METHODS))
    assert sorted((*found.kept, *found.excluded)) == sorted({one.listener for one in panel})
    assert {one.listener for one in found.reasons} == set(found.excluded)
    assert {one.listener for one in found.keep(panel)} == set(found.kept)
    assert all(str(reason).startswith(reason.listener) for reason in found.reasons)
    alone = [method(panel) for method in METHODS.values()]
    assert set(found.excluded) == {name for one in alone for name in one.excluded}


@settings(max_examples=25, deadline=None)
@given(panel=mushra_panels())
def test_a_scale_of_one_to_five_screens_alike(panel: list[Rating]) -> None:
    """Limits are shares of the scale, so 16ths of it keep their place exactly."""
    other = [
        Rating(
            one.test, one.attribute, one.item, one.system, one.listener, one.score * 16.0,
            Scale(0.0, 1600.0), one.role,
        )
        for one in panel
    ]  # fmt: skip
    for name in ("bs1534", "abnormal", "replicates", "constant", "straight-lines"):
        assert METHODS[name](other).excluded == METHODS[name](panel).excluded


def test_union_is_in_the_order_of_the_names() -> None:
    panel = [
        *rate_role("L1", "reference", [40.0] * 5),
        *rate_role("L2", "reference", [100.0] * 5),
        *rate_role("L1", "", [30.0] * 5),
        *rate_role("L2", "", [100.0] * 5),
    ]
    found = screen_ratings(panel, ["constant", "bs1534", "constant"])
    assert found.methods == ("constant", "bs1534")
    assert [(one.listener, one.criterion) for one in found.reasons] == [
        ("L2", "constant"),
        ("L1", "hidden_reference"),
    ]
    assert (found.kept, found.keep(panel)) == ((), ())


def test_no_other_method_sees_traps() -> None:
    """L1 varies by the answers to traps alone; L2 answers one wrongly."""
    traps = [Trap("trap one", 1.0), Trap("trap five", 5.0)]
    ratings = [
        Rating("t", "q", item, "codec", listener, score, Scale(1.0, 5.0))
        for listener, scores in {"L1": [3, 3, 3, 1, 5], "L2": [2, 3, 4, 1, 4]}.items()
        for item, score in zip(["a", "b", "c", "trap one", "trap five"], scores, strict=True)
    ]
    assert screen_ratings(ratings, ["constant"]).excluded == ()
    found = screen_ratings(ratings, ["constant"], traps)
    assert [(one.listener, one.criterion) for one in found.reasons] == [
        ("L1", "constant"),
        ("L2", "traps"),
    ]
    assert screen_ratings(ratings, ["traps"], traps).excluded == ("L2",)
    assert screen_ratings(ratings, [], traps).methods == ("traps",)


def test_counts_are_compared_exactly() -> None:
    for percent in range(1, 100):
        for tens in range(1, 30):
            count, total = percent * tens, 100 * tens
            assert not exceeds(count, total, percent)
            assert exceeds(count + 1, total, percent)


def test_nothing_and_nonsense_are_refused() -> None:
    with pytest.raises(ConfigError, match="mushra"):
        screen_ratings(rate_role("L1", "", [1.0]), ["mushra"])
    with pytest.raises(ConfigError, match=r"Choose from bs1534, bs1116, p808, .*, traps"):
        screen_ratings(rate_role("L1", "", [1.0]), [])
    with pytest.raises(ConfigError, match="needs traps"):
        screen_ratings(rate_role("L1", "", [1.0]), ["traps"])
    with pytest.raises(DataError):
        combine_screenings([])
    several = [Rating("t", name, "a", "x", "L1", 50.0) for name in ("quality", "noise")]
    scales = [Rating("t", "q", "a", "x", "L1", 3.0, Scale(1.0, high)) for high in (5.0, 7.0)]
    lost = [Rating("t", "q", "a", "x", "L1", float("nan"))]
    for method in METHODS.values():
        for ratings, what in [
            ([], "no ratings"), (several, "2 questions"), (scales, "several scales"), (lost, "nan")
        ]:  # fmt: skip
            with pytest.raises(DataError, match=what):
                method(ratings)


def test_unknown_listeners_are_kept() -> None:
    screening = Screening(("x",), ("L1",))
    assert len(screening.keep(rate_role("L9", "", [1.0, 2.0]))) == 2
