"""Replicates and scores that cannot be meant, at their limits."""

from __future__ import annotations

import pytest
from tests.stats.panels import rate_role

from auricle.core.errors import DataError
from auricle.core.ratings import Rating
from auricle.core.spec import PERCENT, Scale
from auricle.stats.screening_discrepancies import screen_discrepancies


def criteria(ratings: list[Rating], **limits: float) -> list[str]:
    return [one.criterion for one in screen_discrepancies(ratings, **limits).reasons]


def replicate(*scores: float, scale: Scale = PERCENT) -> list[Rating]:
    return [
        Rating("t", "q", "song", "x", "L1", score, scale, trial=str(trial))
        for trial, score in enumerate(scores)
    ]


def test_replicates_further_apart_than_the_limit() -> None:
    assert criteria(replicate(20.0, 70.0)) == []
    assert criteria(replicate(20.0, 70.5)) == ["replicates"]
    assert criteria(replicate(20.0, 65.0), apart=40.0) == ["replicates"]
    assert criteria(replicate(20.0, 45.0, 80.0)) == ["replicates"]
    # 0.7 - 0.2 is a little less than half in binary, 0.8 - 0.3 exactly, 0.6 - 0.1 a little more.
    for low in (0.1, 0.2, 0.3, 0.4):
        assert criteria(replicate(low, low + 0.5, scale=Scale(0.0, 1.0))) == []


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
    notes = screen_discrepancies(rate_role("L1", "", [50.0, 60.0])).notes
    for words in ("rated twice", "low anchor", "both anchors", "hidden reference"):
        assert any(words in note for note in notes)
    assert len(screen_discrepancies(rate(100.0, 20.0, 40.0)).notes) == 1
    with pytest.raises(DataError, match="high end"):
        screen_discrepancies(replicate(1.0, 2.0, scale=Scale(1.0, 5.0, False)))
