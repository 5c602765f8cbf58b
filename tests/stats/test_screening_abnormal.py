"""Scores that cannot be meant, at their limits."""

from __future__ import annotations

import pytest
from tests.stats.panels import rate_role

from auricle.core.errors import DataError
from auricle.core.ratings import Rating
from auricle.core.spec import Scale
from auricle.stats.screening_abnormal import screen_abnormal


def criteria(ratings: list[Rating], **limits: float) -> list[str]:
    return [one.criterion for one in screen_abnormal(ratings, **limits).reasons]


def rate(reference: float, low: float, mid: float, codec: float = 60.0) -> list[Rating]:
    return [
        *rate_role("L1", "reference", [100.0, reference]),
        *rate_role("L1", "low_anchor", [20.0, low]),
        *rate_role("L1", "mid_anchor", [40.0, mid]),
        *rate_role("L1", "", [60.0, codec], "codec"),
    ]


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        (rate(100.0, 20.0, 40.0), []),
        (rate(60.0, 20.0, 40.0), []),
        (rate(59.0, 20.0, 40.0), ["reference_middle"]),
        (rate(80.0, 81.0, 90.0), ["anchor_over_reference"]),
        (rate(80.0, 80.0, 90.0), []),
        (rate(100.0, 60.0, 40.0), []),
        (rate(100.0, 61.0, 40.0), ["anchor_over_anchor"]),
        (rate(100.0, 100.0, 90.0), ["anchor_top"]),
    ],
)
def test_abnormal_scores(ratings: list[Rating], expected: list[str]) -> None:
    assert criteria(ratings) == expected
    # One of two items is 50 %: no more than allowed here.
    assert criteria(ratings, most=50.0) == []


def test_top_score_for_everything() -> None:
    ratings = [*rate_role("L1", "reference", [100.0] * 3), *rate_role("L1", "", [100.0] * 3, "x")]
    assert criteria(ratings) == ["all_top"]
    ratings.append(Rating("t", "q", "song 1", "y", "L1", 99.0))
    assert criteria(ratings) == []
    assert criteria(ratings, top=99.0) == ["all_top"]


def test_what_is_not_there_is_said() -> None:
    notes = screen_abnormal(rate_role("L1", "", [50.0, 60.0])).notes
    for words in ("low anchor", "both anchors", "hidden reference"):
        assert any(words in note for note in notes)
    assert screen_abnormal(rate(100.0, 20.0, 40.0)).notes == ()
    low_is_good = Rating("t", "q", "song", "x", "L1", 1.0, Scale(1.0, 5.0, higher_is_better=False))
    with pytest.raises(DataError, match="high end"):
        screen_abnormal([low_is_good])
