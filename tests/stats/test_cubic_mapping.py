"""Cubic mappings: known ones found, monotone always, and optimal by their conditions."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import nnls

from auricle.core.errors import DataError
from auricle.stats.correlation import pearson
from auricle.stats.cubic_mapping import CubicMapping, fit_cubic

Array = NDArray[np.float64]

coordinate = st.one_of(st.integers(-5, 5).map(float), st.floats(-100.0, 100.0, width=32))
clouds = st.lists(st.tuples(coordinate, coordinate), min_size=4, max_size=30)


def cloud(points: list[tuple[float, float]]) -> tuple[Array, Array]:
    """Return x and y; skip what `fit_cubic` refuses as too little."""
    x, y = np.array(points, dtype=np.float64).T
    assume(np.ptp(y) > 1e-6)
    assume(np.unique(np.round((x - x.min()) / max(np.ptp(x), 1e-6), 4)).size >= 4)
    return x, y


def fit_if_any(x: Array, y: Array, *, falling: bool) -> CubicMapping | None:
    """Fit; None of data that no mapping of this direction fits."""
    try:
        return fit_cubic(x, y, falling=falling)
    except DataError as error:
        if "cubic is closer to the ratings than their mean" not in str(error):
            raise
        return None


@settings(deadline=None)
@given(clouds, st.booleans())
def test_mappings_never_turn_and_never_lower_the_correlation(
    points: list[tuple[float, float]], falling: bool
) -> None:
    x, y = cloud(points)
    mapping = fit_if_any(x, y, falling=falling)
    assume(mapping is not None)
    assert mapping is not None
    ladder = np.linspace(x.min() - 1.0, x.max() + 1.0, 2001)
    steps = np.diff(mapping.apply(ladder)) * (-1.0 if falling else 1.0)
    assert steps.min() >= -1e-9 * np.ptp(y)
    fitted = mapping.apply(x)
    assume(np.ptp(fitted) > 1e-6 * np.ptp(y))
    direct = pearson(-x if falling else x, y)
    assert pearson(fitted, y) >= direct - 1e-9


@settings(deadline=None)
@given(clouds, st.booleans())
def test_fits_meet_the_conditions_of_the_best(
    points: list[tuple[float, float]], falling: bool
) -> None:
    # The fit is the projection of y on a convex cone: what is left of y is perpendicular to the
    # fit and to constants, and no cubic of this direction points towards it.
    x, y = cloud(points)
    t = (x - x.min()) / np.ptp(x)
    mapping = fit_if_any(x, y, falling=falling)
    fitted = np.full_like(y, y.mean()) if mapping is None else mapping.apply(x)
    left = (y - fitted) / np.ptp(y)
    assert abs(left.sum()) < 1e-9 * y.size
    assert abs(left @ (fitted - fitted.mean())) < 1e-9 * y.size * np.ptp(y)
    rising = np.stack([*((t - r) ** 3 for r in np.linspace(0, 1, 101)), t**2 / 2 - t**3 / 3])
    towards = rising @ (-left if falling else left)
    assert towards.max() < 1e-9 * y.size


@settings(deadline=None)
@given(
    st.tuples(*[st.floats(0.0, 10.0)] * 3),
    st.floats(-1.0, 1.0),
    st.floats(-50.0, 50.0),
    st.floats(0.1, 20.0),
    st.booleans(),
)
def test_known_cubics_are_found(
    weights: tuple[float, float, float], turn: float, low: float, span: float, falling: bool
) -> None:
    # Rising where the cube's weight exceeds none: t, t + t^2 and (t - turn)^3.
    assume(sum(weights) > 0.1)
    t = np.linspace(0.0, 1.0, 12)
    sign = -1.0 if falling else 1.0
    y = sign * (weights[0] * t + weights[1] * (t + t**2) + weights[2] * (t - turn) ** 3) + 40.0
    mapping = fit_cubic(low + span * t, y, falling=falling)
    np.testing.assert_allclose(mapping.apply(low + span * t), y, rtol=0.0, atol=1e-6)
    c0, c1, c2, c3 = weights[2] * np.array([-(turn**3), 3.0 * turn**2, -3.0 * turn, 1.0])
    expected = [c0, c1 + weights[0] + weights[1], c2 + weights[1], c3]
    np.testing.assert_allclose(
        mapping.coefficients, sign * np.array(expected) + [40.0, 0.0, 0.0, 0.0], atol=1e-5
    )


def test_a_rising_cubic_whose_slope_dips_is_not_lost() -> None:
    # Slope 3 (t - 1/2)^2 + 1/100: no sum of the ends' squares and t(1 - t).
    t = np.linspace(0.0, 1.0, 9)
    mapping = fit_cubic(t, (t - 0.5) ** 3 + 0.01 * t)
    np.testing.assert_allclose(mapping.coefficients, [-0.125, 0.76, -1.5, 1.0], atol=1e-12)


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("bend", [lambda t: -np.sin(5.0 * t), lambda t: (t - 0.4) ** 3 - 0.02 * t])
def test_data_that_turn_get_the_best_monotone_fit(
    bend: Callable[[Array], Array], falling: bool
) -> None:
    # Least squares over very many slopes that are sums of squares: never better than ours.
    sign = -1.0 if falling else 1.0
    generator = np.random.default_rng(4)
    x = generator.uniform(0.0, 1.0, 40)
    y = sign * bend(x) + generator.normal(scale=0.001, size=40)
    t = (x - x.min()) / np.ptp(x)
    columns = np.stack([*((t - r) ** 3 for r in np.linspace(0, 1, 2001)), t**2 / 2 - t**3 / 3])
    centred = columns - columns.mean(axis=1, keepdims=True)
    _, residual = nnls(centred.T, sign * (y - y.mean()))
    found = np.linalg.norm(fit_cubic(x, y, falling=falling).apply(x) - y)
    assert found == pytest.approx(residual, rel=1e-5)
    assert found <= residual * (1.0 + 1e-9)
    # Without the constraint the fit is closer: the data do turn.
    assert found > 1.1 * np.linalg.norm(np.polynomial.Polynomial.fit(t, y, 3)(t) - y)


@pytest.mark.parametrize(("scale", "shift"), [(1e-12, 0.0), (1e12, 0.0), (1.0, 1e6), (1e100, 0.0)])
def test_units_do_not_matter(scale: float, shift: float) -> None:
    generator = np.random.default_rng(2)
    x = generator.uniform(0.0, 1.0, 30)
    y = x**3 + generator.normal(scale=0.1, size=30)
    plain = fit_cubic(x, y).apply(x)
    np.testing.assert_allclose(
        fit_cubic(shift + scale * x, y).apply(shift + scale * x), plain, atol=1e-8
    )
    mapped = fit_cubic(x, shift + scale * y).apply(x)
    np.testing.assert_allclose((mapped - shift) / scale, plain, atol=1e-8)


def test_mappings_are_flat_outside_their_range_and_keep_shape() -> None:
    x = np.linspace(2.0, 4.0, 8)
    mapping = fit_cubic(x, x**3)
    found = mapping.apply([[-np.inf, 2.0, 3.0], [4.0, 9.0, np.nan]])
    np.testing.assert_allclose(found, [[8.0, 8.0, 27.0], [64.0, 64.0, np.nan]], atol=1e-9)
    assert mapping.apply(3.0).shape == ()


def test_mappings_survive_json() -> None:
    x = np.linspace(0.0, 1.3, 9)
    mapping = fit_cubic(x, np.exp(-x), falling=True)
    again = CubicMapping(**json.loads(json.dumps(dataclasses.asdict(mapping))))
    assert again == mapping


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([1, 2, 3], [1, 2, 3], "at least 4 items"),
        ([1, 2, 3, 4], [1, 2, 3], "one length"),
        ([1, 2, 3, np.nan], [1, 2, 3, 4], "must be finite"),
        ([1, 2, 3, 3, 3], [1, 2, 3, 4, 5], "4 different values of x, not 3"),
        ([2, 2, 2, 2], [1, 2, 3, 4], "4 different values of x, not 1"),
        ([1, 2, 3, 4], [5, 5, 5, 5], "all 4 ratings are 5"),
        ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], "no rising cubic .* does the metric fall with quality"),
    ],
)
def test_data_that_hold_no_mapping_are_refused(x: list[float], y: list[float], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        fit_cubic(x, y)


def test_a_metric_that_rises_has_no_falling_mapping() -> None:
    with pytest.raises(DataError, match=r"no falling cubic .* does the metric rise with quality"):
        fit_cubic([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], falling=True)


@pytest.mark.parametrize(
    ("coefficients", "low", "high", "reason"),
    [
        ((0.0, 1.0, 0.0), 0.0, 1.0, "four finite"),
        ((0.0, 1.0, 0.0, np.nan), 0.0, 1.0, "four finite"),
        ((0.0, 1.0, 0.0, 0.0), 1.0, 1.0, "needs a range"),
        ((0.0, 1.0, 0.0, 0.0), 0.0, np.inf, "needs a range"),
        ((1.0, 0.0, 0.0, 0.0), 0.0, 1.0, "constant"),
        ((0.0, 1.0, -1.0, 0.0), 0.0, 1.0, "turns between 0 and 1"),
        # Rises at both ends, falls between them.
        ((0.0, 1.0, -3.0, 2.0), 0.0, 1.0, "turns between 0 and 1"),
    ],
)
def test_mappings_that_are_none_are_refused(
    coefficients: tuple[float, float, float, float], low: float, high: float, reason: str
) -> None:
    with pytest.raises(DataError, match=reason):
        CubicMapping(coefficients, low, high)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 999), noise=st.floats(0.0, 30.0))
def test_with_a_fixed_beginning_nothing_monotone_is_closer(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.1, 3.0, 40)
    y = 90.0 * np.exp(-x) + rng.normal(0.0, noise, 40)
    mapping = fit_cubic(x, y, falling=True, at_zero=100.0)
    assert mapping.apply([0.0, -1.0]).tolist() == [100.0, 100.0]
    assert (np.diff(mapping.apply(np.linspace(0.0, 3.0, 200))) <= 1e-9).all()
    best = np.square(mapping.apply(x) - y).sum()
    t = x / x.max()
    for weights in rng.exponential(1.0, (100, 3)) * rng.uniform(0.0, 200.0, (100, 1)):
        # Falling cubics of other kinds: sums of -t, -t(2 - t), -t^3.
        other = 100.0 - np.stack([t, t * (2.0 - t), t**3], axis=1) @ weights
        assert best <= np.square(other - y).sum() + 1e-6


def test_distances_are_not_negative() -> None:
    with pytest.raises(DataError, match="from 0 on"):
        fit_cubic([-1.0, 0.0, 1.0, 2.0], [4.0, 3.0, 2.0, 1.0], falling=True, at_zero=5.0)
