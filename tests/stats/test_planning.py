"""Sample sizes against R, lme4 and statsmodels, and achieved precision against simulations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stats.panels import GOLDEN, rate_items, rate_role

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import Rating
from auricle.stats.planning import (
    achieved_precision,
    half_width,
    items_for_width,
    listeners_for_difference,
    listeners_for_width,
    power_of_difference,
    raters_for_reliability,
    smallest_difference,
)
from auricle.stats.reliability import spearman_brown
from auricle.stats.variance_components import Spread, variance_components

PANEL = np.array(GOLDEN["panel"], dtype=np.float64)[:, :6]


def test_components_of_a_complete_test_are_those_of_lme4() -> None:
    golden = GOLDEN["planning"]
    found = variance_components(rate_items(PANEL))
    assert (found.listener, found.item, found.residual) == pytest.approx(
        (golden["listener"], golden["item"], golden["residual"]), rel=1e-5
    )


def test_components_of_an_incomplete_test_are_those_of_quadratic_forms() -> None:
    """R solves the same moments with matrices, trace by trace."""
    found = variance_components(rate_items(np.array(GOLDEN["missing"]["scores"], dtype=np.float64)))
    expected = GOLDEN["planning"]["henderson"]
    assert (found.listener, found.item, found.residual) == pytest.approx(expected, rel=1e-9)


def test_components_are_pooled_over_systems_and_leave_anchors_out() -> None:
    generator = np.random.default_rng(0)
    ratings: list[Rating] = []
    for system in range(12):
        scores = (
            50.0 + 10 * system
            + generator.normal(0, 6, (40, 1)) + generator.normal(0, 4, 10)
            + generator.normal(0, 9, (40, 10))
        )  # fmt: skip
        ratings += rate_items(scores, f"codec {system}")
    anchors = rate_role("L1", "low_anchor", [0.0] * 10)
    found = variance_components([*ratings, *anchors])
    assert found == variance_components(ratings)
    assert (found.listener, found.item, found.residual) == pytest.approx((36, 16, 81), rel=0.25)


def test_a_pilot_that_cannot_tell_is_refused() -> None:
    gone = float("nan")
    for scores in ([[50.0], [60.0]], [[50.0, 60.0]], [[50.0, gone], [gone, 60.0]]):
        with pytest.raises(DataError, match="pilot"):
            variance_components(rate_items(scores))


def test_listeners_for_a_width_are_those_of_r() -> None:
    for case in GOLDEN["widths"]:
        spread = Spread(case["deviation"] ** 2, 0.0, 0.0)
        assert listeners_for_width(case["width"], spread, items=1) == case["listeners"]


def test_width_with_other_items_holds_the_truth() -> None:
    """Tests with new listeners and new items: their mean is within the half-width in 95 %."""
    generator = np.random.default_rng(1)
    spread = Spread(listener=30.0, item=50.0, residual=100.0)
    inside = 0
    for _ in range(1000):
        scores = (
            generator.normal(0, 30**0.5, (15, 1)) + generator.normal(0, 50**0.5, 8)
            + generator.normal(0, 10, (15, 8))
        )  # fmt: skip
        inside += abs(scores.mean()) <= half_width(spread, 15, 8, vary_items=True)
    # The true variances are known here, so that the t quantile is a little too wide.
    assert 0.94 <= inside / 1000 <= 0.99


@settings(max_examples=50, deadline=None)
@given(
    wanted=st.floats(2.0, 20.0),
    parts=st.tuples(*[st.floats(1.0, 300.0)] * 3),
    items=st.integers(2, 20),
    vary=st.booleans(),
)
def test_planned_numbers_are_enough_and_not_one_more(
    wanted: float, parts: tuple[float, float, float], items: int, vary: bool
) -> None:
    spread = Spread(*parts)
    try:
        needed = listeners_for_width(wanted, spread, items, vary_items=vary)
    except ConfigError:
        assert half_width(spread, 10**6, items, vary_items=vary) > wanted
        return
    assert half_width(spread, needed, items, vary_items=vary) <= wanted
    assert needed == 2 or half_width(spread, needed - 1, items, vary_items=vary) > wanted


def test_a_width_that_more_listeners_lose_again_is_found() -> None:
    # Of two items that differ little: with many listeners one degree of freedom is left.
    spread = Spread(listener=100.0, item=1.0, residual=0.0)
    widths = {n: half_width(spread, n, 2, vary_items=True) for n in range(2, 400)}
    best = min(widths, key=lambda n: widths[n])
    assert widths[399] > 1.2 * widths[best]
    wanted = 1.001 * widths[best]
    assert listeners_for_width(wanted, spread, 2, vary_items=True) == min(
        n for n in widths if widths[n] <= wanted
    )


def test_items_for_a_width() -> None:
    spread = Spread(60.0, 40.0, 200.0)
    needed = items_for_width(6.0, spread, 20)
    assert half_width(spread, 20, needed, vary_items=True) <= 6.0
    assert half_width(spread, 20, needed - 1, vary_items=True) > 6.0
    with pytest.raises(ConfigError, match="more listeners"):
        items_for_width(3.0, spread, 20)
    with pytest.raises(ConfigError, match="more items"):
        listeners_for_width(3.0, spread, 4, vary_items=True)


def test_power_and_listeners_are_those_of_power_t_test() -> None:
    for case in GOLDEN["differences"]:
        arguments = case["difference"], case["deviation"]
        power = power_of_difference(*arguments, 20, level=case["level"])
        assert power == pytest.approx(case["power_of_20"], rel=1e-7)
        limits = {"power": case["power"], "level": case["level"]}
        assert listeners_for_difference(*arguments, **limits) == case["listeners"]
        smallest = smallest_difference(case["deviation"], 20, **limits)
        assert smallest == pytest.approx(case["smallest_of_20"], rel=1e-5)


def test_power_is_that_of_statsmodels() -> None:
    power = pytest.importorskip("statsmodels.stats.power").TTestPower()
    # Beyond these it has NaN.
    for effect in (0.0, 0.1, 0.5, 1.2):
        for listeners in (2, 5, 24, 60):
            expected = power.power(effect, listeners, 0.05, alternative="two-sided")
            found = power_of_difference(effect, 1.0, listeners)
            assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("difference", [50.0, 1e3, 1e6])
def test_great_differences_are_found_for_sure(difference: float) -> None:
    assert power_of_difference(difference, 1.0, 10) == pytest.approx(1.0)
    assert listeners_for_difference(difference, 1.0) <= 3


@settings(max_examples=50)
@given(single=st.floats(0.05, 0.9), wanted=st.floats(0.1, 0.95), raters=st.sampled_from([1, 5, 24]))
def test_panels_reach_their_reliability(single: float, wanted: float, raters: int) -> None:
    needed = raters_for_reliability(wanted, spearman_brown(single, raters), raters)
    assert spearman_brown(single, needed) >= wanted - 1e-8
    assert needed == 1 or spearman_brown(single, needed - 1) < wanted


def test_spearman_brown_turned_round() -> None:
    """Reliability 0.75 of ten is 3 / 13 of one, and 0.9 takes nine times ten thirds of ten."""
    assert raters_for_reliability(0.9, 0.75, raters=10) == 30
    assert raters_for_reliability(0.5, 0.75, raters=10) == 4
    assert [raters_for_reliability(k / (k + 1), 0.5) for k in range(1, 30)] == list(range(1, 30))


def test_achieved_precision_is_what_a_second_test_would_find() -> None:
    generator = np.random.default_rng(4)
    bias = generator.normal(0, 6, (20, 1))
    ratings = [
        one
        for system in ("x", "y", "z")
        for one in rate_items(50.0 + bias + generator.normal(0, 10, (20, 8)), system)
    ]
    found = achieved_precision(ratings)
    assert (found.listeners, found.items) == (20, 8.0)
    assert found.half_width == half_width(found.spread, 20, 8)
    assert found.half_width_items >= found.half_width * 0.9
    # Biases cancel in a difference: its SD is 10 sqrt(2 / 8), 5.
    assert found.detectable == pytest.approx(smallest_difference(5.0, 20), rel=0.25)
    lone = achieved_precision([one for one in ratings if one.system == "x"])
    assert np.isnan(lone.detectable)


def test_bad_arguments_are_refused() -> None:
    spread = Spread(1.0, 1.0, 1.0)
    for call in (
        lambda: Spread(-1.0, 0.0, 0.0),
        lambda: half_width(spread, 1, 5),
        lambda: half_width(spread, 5, 1, vary_items=True),
        lambda: half_width(spread, 5, 5, confidence=1.0),
        lambda: listeners_for_width(0.0, spread, 5),
        lambda: power_of_difference(1.0, 0.0, 5),
        lambda: power_of_difference(1.0, 1.0, 1),
        lambda: listeners_for_difference(0.0, 1.0),
        lambda: listeners_for_difference(1.0, 1.0, power=1.0),
        lambda: smallest_difference(1.0, 5, power=0.01),
        lambda: raters_for_reliability(1.0, 0.5),
        lambda: raters_for_reliability(0.9, 0.5, raters=0.5),
    ):
        with pytest.raises(ConfigError):
            call()
