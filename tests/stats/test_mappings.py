"""Mappings by name: against R and scikit-learn, monotone always, and none of them cheats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from tests.stats.golden import read_golden

from auricle.core.errors import ConfigError, DataError
from auricle.stats.correlation import mse
from auricle.stats.cross_mapping import map_by_item
from auricle.stats.mappings import LogisticMapping, MappingKind, fit_mapping

GOLDEN = read_golden("performance")
KINDS: tuple[MappingKind, ...] = ("linear", "cubic", "logistic", "isotonic")
coordinate = st.one_of(st.integers(-5, 5).map(float), st.floats(-100.0, 100.0, width=32))
clouds = st.lists(st.tuples(coordinate, coordinate), min_size=5, max_size=25)


def test_a_line_and_a_logistic_as_by_r() -> None:
    x, y = GOLDEN["first"], GOLDEN["ratings"]
    line = fit_mapping("linear", x, y)
    assert line.apply([0.0, 1.0]).tolist() == pytest.approx(
        np.cumsum(GOLDEN["line"]["coefficients"]).tolist()
    )
    s = fit_mapping("logistic", x, y)
    assert isinstance(s, LogisticMapping)
    assert mse(s.apply(x), y) ** 0.5 == pytest.approx(GOLDEN["logistic_rmse"], rel=1e-6)
    for name, expected in GOLDEN["logistic"].items():
        assert getattr(s, name) == pytest.approx(expected, rel=0.02)


def test_isotonic_as_by_r_and_scikit_learn() -> None:
    x, y = np.array(GOLDEN["second"]), np.array(GOLDEN["ratings"], dtype=float)
    mapping = fit_mapping("isotonic", x, y)
    assert mapping.apply(x).tolist() == pytest.approx(GOLDEN["isotonic"], rel=1e-9)
    other = IsotonicRegression(out_of_bounds="clip").fit(x, y)
    ladder = np.linspace(-1.0, 2.0, 50)
    assert mapping.apply(ladder).tolist() == pytest.approx(other.predict(ladder).tolist())


def test_a_logistic_is_found_again() -> None:
    x = np.linspace(-10.0, 30.0, 40)
    truth = LogisticMapping(20.0, 90.0, 8.0, 3.0)
    found = fit_mapping("logistic", x, truth.apply(x))
    assert found.apply(x).tolist() == pytest.approx(truth.apply(x).tolist(), abs=1e-3)
    assert np.isnan(found.apply(np.nan))


@settings(deadline=None)
@given(clouds, st.sampled_from(KINDS))
def test_mappings_never_turn_the_order(
    points: list[tuple[float, float]], kind: MappingKind
) -> None:
    x, y = np.array(points, dtype=np.float64).T
    try:
        mapping = fit_mapping(kind, x, y)
    except DataError:
        assume(False)
    ladder = np.linspace(x.min() - 1.0, x.max() + 1.0, 301)
    # What rounding explains against the largest number that enters.
    slack = 1e-9 * max(1.0, float(np.abs(mapping.apply(ladder)).max()))
    assert np.diff(mapping.apply(ladder)).min() >= -slack
    # The mean of all ratings is no better.
    assert mse(mapping.apply(x), y) <= np.var(y) * (1.0 + 1e-9) + 1e-9


@settings(deadline=None)
@given(clouds)
def test_nothing_that_rises_is_closer_than_isotonic(points: list[tuple[float, float]]) -> None:
    x, y = np.array(points, dtype=np.float64).T
    best = {}
    for kind in KINDS:
        try:
            best[kind] = mse(fit_mapping(kind, x, y).apply(x), y)
        except DataError:
            continue
    assume("isotonic" in best)
    assert best["isotonic"] <= min(best.values()) + 1e-9 * max(1.0, float(np.var(y)))


def test_the_identity_and_what_cannot_be_mapped() -> None:
    assert fit_mapping("none", [1], [5]).apply([3.0, -1.0]).tolist() == [3.0, -1.0]
    for kind in KINDS:
        with pytest.raises(DataError, match="closer to the ratings than their mean"):
            fit_mapping(kind, np.arange(8.0), -np.arange(8.0))
    with pytest.raises(DataError, match="needs 4 different values"):
        fit_mapping("logistic", [1, 1, 2, 2, 3], [1, 2, 3, 4, 5])
    with pytest.raises(ConfigError, match="no mapping 'spline': there are none, linear"):
        fit_mapping("spline", [1, 2], [1, 2])  # type: ignore[arg-type]


def test_ratings_that_are_none_are_refused_and_values_that_are_none_stay_none() -> None:
    items = list("aabbccdd")
    rating = np.arange(8.0)
    with pytest.raises(DataError, match="ratings must be finite: 1 are not, the first at 3"):
        map_by_item(rating, np.where(rating == 3.0, np.nan, rating), items)
    with pytest.raises(DataError, match="8, 8 and 7"):
        map_by_item(rating, rating, items[:7])
    folds = map_by_item([*rating[:6], np.nan, np.inf], rating, items, "linear")
    assert folds.count == 3
    assert np.isnan(folds.predicted).tolist() == [False] * 6 + [True] * 2


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**16), change=st.floats(-1e3, 1e3))
def test_the_rating_of_an_item_never_moves_its_own_prediction(
    kind: MappingKind, seed: int, change: float
) -> None:
    rng = np.random.default_rng(seed)
    rating = rng.uniform(0.0, 100.0, 24)
    values = rating + rng.normal(0.0, 20.0, 24)
    items = [f"i{n // 4}" for n in range(24)]
    other = rating.copy()
    other[8:12] += change
    before, after = (map_by_item(values, one, items, kind).predicted for one in (rating, other))
    assert before[8:12].tolist() == after[8:12].tolist()
