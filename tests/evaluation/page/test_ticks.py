"""Ticks are round, evenly spaced, within their axis, and few."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.evaluation.page.axes import Axis, span_values
from auricle.evaluation.page.ticks import octave_ticks, round_ticks, write_ticks

VALUES = st.floats(-1e9, 1e9, allow_subnormal=False)
SPANS = st.floats(1e-6, 1e9)


@given(VALUES, SPANS, st.integers(2, 9))
def test_round_ticks_are_few_evenly_spaced_and_inside(low: float, span: float, most: int) -> None:
    span = max(span, abs(low) * 1e-6)
    ticks = round_ticks(low, low + span, most)
    assert len(ticks) <= most
    assert all(low - 1e-6 * span <= tick <= low + span + 1e-6 * span for tick in ticks)
    steps = [b - a for a, b in pairwise(ticks)]
    assert all(step == pytest.approx(steps[0], rel=1e-3) for step in steps)
    assert len(set(write_ticks(ticks))) == len(ticks)


@given(VALUES, SPANS)
def test_six_ticks_never_leave_an_axis_bare(low: float, span: float) -> None:
    assert len(round_ticks(low, low + max(span, abs(low) * 1e-6))) >= 2


@given(st.floats(1e-3, 1e6), st.floats(1.05, 1e6))
def test_octave_ticks_are_few_and_inside(low: float, factor: float) -> None:
    ticks = octave_ticks(low, low * factor)
    assert len(ticks) <= 8
    assert all(low * (1 - 1e-6) <= tick <= low * factor * (1 + 1e-6) for tick in ticks)
    if factor >= 8:
        assert all(math.log2(tick).is_integer() for tick in ticks)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 100, ["0", "20", "40", "60", "80", "100"]),
        (1, 5, ["1", "2", "3", "4", "5"]),
        (-0.5, 1.0, ["\N{MINUS SIGN}0.5", "0.0", "0.5", "1.0"]),
        (0.93, 0.99, ["0.94", "0.96", "0.98"]),
        (0, 48000, ["0", "10,000", "20,000", "30,000", "40,000"]),
    ],
)
def test_ticks_read_as_a_person_would_write_them(low: float, high: float, ticks: list[str]) -> None:
    assert write_ticks(round_ticks(low, high)) == ticks


def test_bit_rates_are_marked_by_octaves() -> None:
    assert [text for _, text in Axis(15, 170, 0, 1, logarithmic=True).ticks()] == [
        "16",
        "32",
        "64",
        "128",
    ]


@given(st.lists(st.floats(-1e12, 1e12) | st.sampled_from([math.nan, math.inf, -math.inf])))
def test_any_values_span_an_axis_that_holds_them(values: list[float]) -> None:
    low, high = span_values(values, None)
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert low < high
    assert all(low <= one <= high for one in values if math.isfinite(one))


def test_ends_that_span_nothing_are_not_taken() -> None:
    assert span_values([3.0], (2.0, 2.0)) == span_values([3.0], None)
    assert span_values([3.0], (math.nan, 2.0)) == span_values([3.0], None)
    assert span_values([4.0], (0.0, 8.0), logarithmic=True) == (2.0, 8.0)
