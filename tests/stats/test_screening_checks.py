"""Traps, constant and missing answers, equal pages."""

from __future__ import annotations

import pytest
from tests.stats.panels import rate_items, rate_role

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import Rating
from auricle.stats.screening_checks import (
    Trap,
    leave_out_traps,
    screen_constant,
    screen_incomplete,
    screen_straight_lines,
    screen_traps,
)

TRAPS = [
    Trap("song 0/trap", 2.0),
    Trap("song 1/trap", 5.0, tolerance=1.0),
    Trap("song 2", 1.0),
]


@pytest.mark.parametrize(
    ("answers", "most", "stays"),
    [
        ([2.0, 5.0, 1.0], 0, True),
        ([2.0, 4.0, 1.0], 0, True),
        ([2.0, 3.0, 1.0], 0, False),
        ([3.0, 5.0, 1.0], 1, True),
        ([3.0, 3.0, 1.0], 1, False),
    ],
)
def test_traps(answers: list[float], most: int, stays: bool) -> None:
    found = screen_traps(rate_role("L1", "", answers, "trap"), TRAPS, most=most)
    assert (found.kept == ("L1",)) is stays


def test_traps_name_what_was_missed_and_who_met_none() -> None:
    ratings = [*rate_role("L1", "", [3.0, 5.0, 4.0], "trap"), *rate_role("L2", "", [3.0], "x")]
    found = screen_traps(ratings, TRAPS)
    (reason,) = found.reasons
    assert (reason.found, reason.judged, reason.items) == (2.0, 3, ("song 0", "song 2"))
    assert "L2" in found.notes[0]
    with pytest.raises(DataError, match="nobody"):
        screen_traps(rate_role("L2", "", [3.0], "x"), TRAPS)
    with pytest.raises(ConfigError, match="song 0/trap, song 0"):
        screen_traps(ratings, [*TRAPS, Trap("song 0", 2.0)])
    with pytest.raises(ConfigError, match="wants 500, which lies off the scale 0-100"):
        screen_traps(ratings, [Trap("song 0", 500.0)])


def test_a_trap_is_named_by_item_system_or_file() -> None:
    one = Rating("t", "q", "song", "codec", "L1", 1.0, stimulus="clips/a.wav")
    for name in ("song", "codec", "song/codec", "clips/a.wav", "a.wav"):
        assert Trap(name, 1.0).covers(one)
        assert leave_out_traps([one], [Trap(name, 1.0)]) == ()
    for name in ("L1", "a", "clips", ""):
        assert not Trap(name, 1.0).covers(one)


def test_constant_answers() -> None:
    scores = [[0.1, 0.1, 0.1], [50.0, 51.0, 52.0], [10.0, 90.0, 50.0]]
    ratings = rate_items(scores)
    assert screen_constant(ratings).excluded == ("L01",)
    assert screen_constant(ratings, least_deviation=1.0).excluded == ("L01", "L02")
    assert screen_constant(rate_items([[50.0]])).excluded == ()


def test_incomplete_is_less_than_half_of_the_median_listener() -> None:
    gone = float("nan")
    scores = [[1.0] * 6, [1.0] * 6, [1.0] * 3 + [gone] * 3, [1.0] * 2 + [gone] * 4]
    ratings = rate_items([*scores, [1.0] * 6])
    found = screen_incomplete(ratings)
    assert found.excluded == ("L04",)
    assert found.reasons[0].found == pytest.approx(100 / 3)
    assert screen_incomplete(ratings, least=51.0).excluded == ("L03", "L04")


def test_straight_lines() -> None:
    ratings = [
        Rating("t", "q", f"song {item}", system, listener, 70.0 + spread * (system == "c"))
        for listener, flat in [("L1", 2), ("L2", 3)]
        for item in range(4)
        for system in "abc"
        for spread in [0.0 if item < flat else 5.0]
    ]
    found = screen_straight_lines(ratings)
    assert found.excluded == ("L2",)
    assert found.reasons[0].items == ("song 0", "song 1", "song 2")
    with pytest.raises(DataError, match="3 stimuli"):
        screen_straight_lines(rate_items([[1.0, 2.0]]))
