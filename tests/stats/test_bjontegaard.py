"""Bjontegaard deltas against the package of FAU Erlangen, and what must hold for any curves."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.core.errors import ConfigError, DataError
from auricle.stats.bjontegaard import delta_quality, delta_rate, rate_for, rising_points

# Made by bjontegaard_deltas.py beside it, with the package bjontegaard 1.3.0.
GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden/statistics/bjontegaard_deltas.json").read_text()
)
STEPS = st.lists(st.floats(0.05, 3.0), min_size=4, max_size=8)
INTERPOLATIONS = st.sampled_from(("pchip", "akima", "cubic"))


@st.composite
def curves(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Rates and qualities that rise, over rates of about 10 to 1000 and qualities from 0."""
    steps = draw(STEPS)
    rises = draw(st.lists(st.floats(0.5, 20.0), min_size=len(steps), max_size=len(steps)))
    return 10.0 * np.exp(np.cumsum(steps)), np.cumsum(rises)


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: f"{row['curve']}-{row['interpolation']}")
def test_golden(row: dict) -> None:
    found = delta_rate(*row["anchor"], *row["test"], row["interpolation"])
    assert found.value == pytest.approx(row["rate"], rel=1e-8)
    found = delta_quality(*row["anchor"], *row["test"], row["interpolation"])
    assert found.value == pytest.approx(row["quality"], rel=1e-8)


@given(curves(), INTERPOLATIONS)
def test_a_curve_does_not_differ_from_itself(curve: tuple, interpolation: str) -> None:
    for delta in (delta_rate, delta_quality):
        found = delta(*curve, *curve, interpolation)
        assert (found.value, found.overlap) == (pytest.approx(0.0, abs=1e-9), 1.0)


@given(curves(), INTERPOLATIONS)
def test_twice_the_rates_are_100_percent_more(curve: tuple, interpolation: str) -> None:
    rates, qualities = curve
    found = delta_rate(rates, qualities, 2.0 * rates, qualities, interpolation)
    assert found.value == pytest.approx(100.0, abs=1e-3)


@given(curves(), INTERPOLATIONS, st.floats(-5.0, 5.0))
def test_a_shift_of_quality_is_found(curve: tuple, interpolation: str, shift: float) -> None:
    rates, qualities = curve
    found = delta_quality(rates, qualities, rates, qualities + shift, interpolation)
    assert found.value == pytest.approx(shift, abs=1e-6)


@given(curves(), curves())
def test_swapping_turns_the_sign(one: tuple, other: tuple) -> None:
    try:
        there, back = delta_rate(*one, *other), delta_rate(*other, *one)
    except DataError:
        return
    logs = np.log1p([there.value / 100.0, back.value / 100.0])
    assert logs.sum() == pytest.approx(0.0, abs=1e-7)
    assert there.overlap == back.overlap


@given(curves(), st.randoms())
def test_order_of_points_does_not_matter(curve: tuple, random: object) -> None:
    rates, qualities = curve
    order = np.arange(rates.size)
    random.shuffle(order)  # type: ignore[attr-defined]
    assert delta_rate(rates, qualities, rates[order], qualities[order]).value == 0.0


def test_what_is_undefined_says_so() -> None:
    low, high = ([16, 32], [10.0, 20.0]), ([16, 32], [30.0, 40.0])
    with pytest.raises(DataError, match="no quality in common"):
        delta_rate(*low, *high)
    assert delta_quality(*low, *high).value == pytest.approx(20.0)
    with pytest.raises(DataError, match="no bitrate in common"):
        delta_quality(*low, [64, 128], [10.0, 20.0])
    with pytest.raises(DataError, match="does not rise"):
        delta_rate(*low, [16, 24, 32], [10.0, 20.0, 15.0])
    with pytest.raises(DataError, match="needs 4 points"):
        delta_rate(*low, *low, "cubic")
    with pytest.raises(DataError, match="same bitrate"):
        delta_quality(*low, [16, 16], [10.0, 20.0])
    with pytest.raises(DataError, match="positive"):
        delta_rate(*low, [0, 16], [10.0, 20.0])
    with pytest.raises(ConfigError, match="no interpolation"):
        delta_rate(*low, *low, "linear")  # type: ignore[arg-type]


def test_partial_overlap_is_a_share() -> None:
    found = delta_rate([16, 32], [10.0, 30.0], [16, 32], [20.0, 50.0])
    assert found.overlap == pytest.approx(0.25)


@given(curves(), INTERPOLATIONS.filter(lambda name: name != "cubic"), st.floats(0.0, 1.0))
def test_rate_for_inverts_the_curve(curve: tuple, interpolation: str, share: float) -> None:
    rates, qualities = curve
    for rate, quality in zip(rates, qualities, strict=True):
        if interpolation == "pchip":
            # Where the curve ends flat, rounding of a quality is a root as large in the rate.
            assert rate_for(rates, qualities, quality) == pytest.approx(rate, rel=1e-4)
    wanted = qualities[0] + share * (qualities[-1] - qualities[0])
    assert rates[0] * 0.999 <= rate_for(rates, qualities, wanted, interpolation)
    assert rate_for(rates, qualities, qualities[-1] + 1.0) == float("inf")


def test_cubic_finds_the_rate_too() -> None:
    rates = [10.0, 100.0, 1000.0, 10000.0]
    assert rate_for(rates, [1.0, 2.0, 3.0, 4.0], 2.5, "cubic") == pytest.approx(10**2.5)


@given(curves(), st.floats(0.0, 0.5))
def test_points_of_a_rising_curve_all_stay(curve: tuple, tolerance: float) -> None:
    assert rising_points(*curve, tolerance).all()


def test_a_fall_is_left_out_or_refused() -> None:
    rates, qualities = [64, 16, 32, 32], [60.0, 20.0, 19.0, 18.0]
    assert rising_points(rates, qualities, 0.1).tolist() == [True, True, False, False]
    with pytest.raises(DataError, match="falls with bitrate"):
        rising_points(rates, qualities, 0.01)
