"""Measures of many resamples at once are those of one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from auricle.core.errors import DataError
from auricle.stats.correlation import kendall, pearson, spearman
from auricle.stats.intervals import bootstrap_interval
from auricle.stats.resamples import (
    Correlation,
    average,
    correlate,
    draw_weights,
    replicate,
    to_estimate,
)

ALONE = {"pcc": pearson, "srcc": spearman, "ktau": kendall}


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=3, max_size=12),
    st.integers(0, 2**16),
    st.sampled_from(("pcc", "srcc", "ktau")),
)
def test_every_row_is_what_its_items_give(
    points: list[tuple[int, int]], seed: int, kind: Correlation
) -> None:
    x, y = np.array(points, dtype=np.float64).T
    weights = draw_weights(x.size, resamples=5, seed=seed)
    for row, value in zip(weights, correlate(x, y, weights, kind), strict=True):
        rows = np.repeat(np.arange(x.size), row.astype(int))
        try:
            expected = ALONE[kind](x[rows], y[rows])
        except DataError:
            assert np.isnan(value)
        else:
            assert value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", ["pcc", "srcc", "ktau"])
@pytest.mark.parametrize("groups", [None, list("aaabbbcccdddeeef")])
def test_intervals_are_those_of_the_loop(kind: Correlation, groups: list[str] | None) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=16)
    y = np.round(x + rng.normal(size=16), 1)
    weights = draw_weights(16, groups=groups, resamples=200, seed=7)
    found = to_estimate(*replicate(lambda rows: correlate(x, y, rows, kind), weights))
    expected = bootstrap_interval(ALONE[kind], x, y, groups=groups, resamples=200, seed=7)
    assert found is not None
    assert [found.value, found.low, found.high] == pytest.approx(
        [expected.value, expected.low, expected.high], abs=1e-9
    )


def test_many_items_with_ties_against_scipy() -> None:
    # More than the pairs that are held at a time.
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 40, (2, 1500)).astype(float)
    y += x
    (found,) = correlate(x, y, np.ones((1, 1500)), "ktau")
    assert found == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)


def test_what_is_undefined() -> None:
    weights = np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    x = np.array([1.0, 2.0, 4.0])
    assert np.isnan(correlate(x, x, weights, "srcc")).tolist() == [True, True, False]
    assert np.isnan(correlate(x + 1e16, x, weights, "pcc"))[0]
    assert np.isnan(average(x, weights)).tolist() == [False, True, False]
    assert to_estimate(1.0, np.r_[np.ones(80), np.full(20, np.nan)]) is None
    assert to_estimate(np.nan, np.ones(80)) is None
    with pytest.raises(DataError, match="two items or groups, not 1"):
        draw_weights(3, groups=["a", "a", "a"])
