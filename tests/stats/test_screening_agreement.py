"""Correlation with the others, and BT.500, against R."""

from __future__ import annotations

import numpy as np
import pytest
from tests.stats.panels import GOLDEN, rate_items

from auricle.core.errors import ConfigError
from auricle.stats.screening_agreement import screen_bt500, screen_correlation


def test_correlation_and_its_iteration_are_those_of_r() -> None:
    golden = GOLDEN["correlation"]
    found = screen_correlation(rate_items(GOLDEN["panel"]))
    gone = dict(zip(golden["gone"], golden["values"], strict=True))
    assert found.excluded == tuple(f"L{number:02}" for number in sorted(gone))
    for reason in found.reasons:
        assert reason.found == pytest.approx(gone[int(reason.listener[1:])], rel=1e-9)
    # Listener 5 is below the limit only while those two are there.
    assert golden["first"][4] < 0.75
    assert "L05" in found.kept


def test_missing_ratings_leave_a_stimulus_out() -> None:
    quality = np.linspace(10, 90, 12)
    scores = np.array([quality, quality + 5, quality - 5, quality[::-1]])
    scores[0, :4] = np.nan
    found = screen_correlation(rate_items(scores))
    assert found.excluded == ("L04",)
    assert found.reasons[0].judged == 12


def test_who_cannot_be_correlated_stays_and_is_named() -> None:
    quality = np.linspace(10, 90, 12)
    scores = np.array([quality, quality + 5, quality - 5, np.full(12, 50.0)])
    found = screen_correlation(rate_items(scores))
    assert found.excluded == ()
    assert "L04" in found.notes[0]
    with pytest.raises(ConfigError):
        screen_correlation(rate_items(scores), least=1.5)


def test_a_panel_that_dissolves_is_a_warning_of_the_method() -> None:
    noise = np.random.default_rng(0).normal(50.0, 10.0, size=(8, 30))
    found = screen_correlation(rate_items(noise))
    assert len(found.excluded) > 4
    assert "more than half" in found.notes[0]


def test_bt500_counts_are_those_of_r() -> None:
    golden = GOLDEN["bt500"]
    found = screen_bt500(rate_items(golden["wide"]))
    erratic = golden["gone"]
    assert found.excluded == (f"L{erratic:02}",)
    (reason,) = found.reasons
    high, low = golden["high"][erratic - 1], golden["low"][erratic - 1]
    assert (reason.found, reason.judged) == (100 * (high + low) / 40, 40)
    assert f"above the panel {high} times and far below {low} times" in reason.sentence
    # Listener 15 is as far off more often, but always above: generous, not erratic.
    assert (golden["high"][14], golden["low"][14]) == (15, 0)
    # One stimulus was rated the same by all: nobody is far off there.
    assert {score[39] for score in golden["wide"]} == {50}


def test_bt500_says_when_a_panel_is_too_small() -> None:
    small = rate_items(np.random.default_rng(0).normal(50.0, 10.0, size=(5, 30)))
    found = screen_bt500(small)
    assert found.excluded == ()
    assert "fewer than six" in found.notes[0]
