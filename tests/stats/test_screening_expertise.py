"""BS.1116-3 expertise against R's t.test, and where there is nothing to test."""

from __future__ import annotations

import pytest
from tests.stats.panels import GOLDEN

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import Rating
from auricle.core.spec import Scale
from auricle.stats.screening_expertise import screen_bs1116

FIVE = Scale(1.0, 5.0)


def grade(listener: str, references: list[float], objects: list[float]) -> list[Rating]:
    return [
        Rating("t", "q", f"item {place}", system, listener, score, FIVE, role)
        for role, system, scores in [("reference", "ref", references), ("", "x", objects)]
        for place, score in enumerate(scores)
    ]


def test_p_values_are_those_of_r() -> None:
    golden = GOLDEN["bs1116"]
    ratings = [
        *grade("expert", golden["reference"], golden["object"][0]),
        *grade("guesser", golden["reference"], golden["object"][1]),
    ]
    found = screen_bs1116(ratings)
    assert found.kept == ("expert",)
    assert found.reasons[0].found == pytest.approx(golden["p"][1], rel=1e-9)
    strict = screen_bs1116(ratings, level=1e-6)
    assert strict.excluded == ("expert", "guesser")
    assert strict.reasons[0].found == pytest.approx(golden["p"][0], rel=1e-9)


def test_trials_are_paired_with_their_own_reference() -> None:
    pairs = [("1", 5.0, 4.0), ("2", 4.0, 3.1), ("3", 3.0, 1.8)]
    ratings = [
        Rating("t", "q", "song", system, "L1", score, FIVE, role, trial)
        for trial, reference, other in pairs
        for system, role, score in [("ref", "reference", reference), ("x", "", other)]
    ]
    assert screen_bs1116(ratings).kept == ("L1",)
    (reason,) = screen_bs1116(ratings, level=1e-9).reasons
    assert reason.judged == 3
    assert "-1.03" in reason.sentence


def test_equal_differences_need_no_test() -> None:
    always, never = [4.0, 4.0, 4.0], [5.0, 5.0, 5.0]
    found = screen_bs1116([*grade("sure", never, always), *grade("deaf", never, never)])
    assert (found.kept, found.excluded) == (("sure",), ("deaf",))


def test_who_cannot_be_judged_is_said() -> None:
    found = screen_bs1116([*grade("L1", [5.0], [4.0]), *grade("L2", [5.0, 5.0], [4.0, 4.0])])
    assert found.excluded == ()
    assert "L1" in found.notes[0]
    with pytest.raises(DataError, match="hidden reference"):
        screen_bs1116(grade("L1", [], [4.0]))
    with pytest.raises(ConfigError, match="level"):
        screen_bs1116(grade("L1", [5.0], [4.0]), level=0.0)
