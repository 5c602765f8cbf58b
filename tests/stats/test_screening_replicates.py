"""Replicates at their limit."""

from __future__ import annotations

import pytest
from tests.stats.panels import rate_role

from auricle.core.errors import DataError
from auricle.core.ratings import Rating
from auricle.core.spec import PERCENT, Scale
from auricle.stats.screening_replicates import screen_replicates


def replicate(*scores: float, scale: Scale = PERCENT) -> list[Rating]:
    return [
        Rating("t", "q", "song", "x", "L1", score, scale, trial=str(trial))
        for trial, score in enumerate(scores)
    ]


def test_replicates_further_apart_than_the_limit() -> None:
    assert screen_replicates(replicate(20.0, 70.0)).reasons == ()
    assert screen_replicates(replicate(20.0, 70.5)).excluded == ("L1",)
    assert screen_replicates(replicate(20.0, 65.0), apart=40.0).excluded == ("L1",)
    assert screen_replicates(replicate(20.0, 45.0, 80.0)).excluded == ("L1",)
    # 0.7 - 0.2 is a little less than half in binary, 0.8 - 0.3 exactly, 0.6 - 0.1 a little more.
    for low in (0.1, 0.2, 0.3, 0.4):
        assert screen_replicates(replicate(low, low + 0.5, scale=Scale(0.0, 1.0))).excluded == ()


def test_the_low_end_may_be_the_good_one() -> None:
    ratings = replicate(1.0, 5.0, scale=Scale(1.0, 5.0, higher_is_better=False))
    assert screen_replicates(ratings).reasons[0].found == 100.0


def test_who_rated_nothing_twice_is_not_judged() -> None:
    once = rate_role("L2", "", [50.0, 60.0])
    found = screen_replicates([*replicate(20.0, 80.0), *once])
    assert (found.kept, found.excluded) == (("L2",), ("L1",))
    assert found.notes == ("rated nothing twice and are not judged by replicates: L2",)
    with pytest.raises(DataError, match="rated twice"):
        screen_replicates(once)
