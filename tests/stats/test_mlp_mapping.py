"""The small network from distances to ratings."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad

from auricle.core.errors import DataError
from auricle.stats.mlp_mapping import MlpMapping, _loss, fit_mlp

DISTANCE = np.linspace(0.0, 4.0, 60)


def test_it_follows_a_curve_and_begins_where_it_is_told_to() -> None:
    rating = 20.0 + 80.0 * np.exp(-DISTANCE)
    mapping = fit_mlp(DISTANCE, rating, at_zero=100.0)
    assert np.abs(mapping.apply(DISTANCE) - rating).max() < 1.5
    assert mapping.apply(0.0) == 100.0
    # Though the ratings say otherwise.
    assert fit_mlp(DISTANCE, rating - 9.0, at_zero=100.0).apply([-1.0, 0.0]).tolist() == [100, 100]


def test_beyond_what_it_was_fitted_on_it_is_constant() -> None:
    mapping = fit_mlp(DISTANCE, 100.0 - 20.0 * DISTANCE, at_zero=100.0)
    assert mapping.apply(9.0) == mapping.apply(4.0)
    assert mapping.apply([[1.0, np.nan]]).shape == (1, 2)
    assert np.isnan(mapping.apply(np.nan))


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
def test_units_do_not_matter(scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rating = 100.0 - 15.0 * DISTANCE + rng.normal(0.0, 3.0, DISTANCE.size)
    one = fit_mlp(DISTANCE, rating, at_zero=100.0)
    other = fit_mlp(scale * DISTANCE, rating, at_zero=100.0)
    assert other.apply(scale * DISTANCE) == pytest.approx(one.apply(DISTANCE), abs=0.5)


def test_the_gradient_is_that_of_the_loss() -> None:
    rng = np.random.default_rng(0)
    t, target = rng.uniform(size=30), rng.normal(size=30)
    at = rng.normal(size=24)
    gap = check_grad(lambda p: _loss(p, t, target)[0], lambda p: _loss(p, t, target)[1], at)
    assert gap < 1e-6


def test_it_is_the_same_again_and_survives_being_stored() -> None:
    rating = 100.0 * np.exp(-DISTANCE)
    mapping = fit_mlp(DISTANCE, rating, at_zero=100.0)
    assert fit_mlp(DISTANCE, rating, at_zero=100.0) == mapping
    assert MlpMapping(**asdict(mapping)) == mapping


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([0.0, 1.0, 2.0], [1.0, 2.0, 3.0]),
        ([0.0, 1.0, 2.0, -3.0], [1.0, 2.0, 3.0, 4.0]),
        ([1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0]),
        ([0.0, 1.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0]),
        ([0.0, 1.0, 2.0, np.inf], [1.0, 2.0, 3.0, 4.0]),
    ],
)
def test_what_cannot_be_mapped(x: list[float], y: list[float]) -> None:
    with pytest.raises(DataError):
        fit_mlp(x, y, at_zero=100.0)


@pytest.mark.parametrize(
    "change", [{"weights": (1.0,)}, {"high": 0.0}, {"biases": (np.nan, 0.0)}, {"at_zero": np.inf}]
)
def test_broken_mappings_are_refused(change: dict[str, object]) -> None:
    fields = {"weights": (1.0, 2.0), "biases": (0.0, 0.0), "outputs": (1.0, 1.0)}
    with pytest.raises(DataError):
        MlpMapping(**{**fields, "at_zero": 100.0, "high": 1.0, **change})  # type: ignore[arg-type]
