"""Tests of two correlations against R's psych (tests/golden/statistics/performance.R)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stats.golden import read_golden

from auricle.core.errors import DataError
from auricle.stats.correlation import pearson
from auricle.stats.dependent_correlations import fisher_z_test, steiger_z_test, williams_t_test

GOLDEN = read_golden("performance")


@pytest.mark.parametrize("golden", GOLDEN["overlap"])
def test_correlations_that_share_the_ratings(golden: dict[str, float]) -> None:
    given = golden["first"], golden["second"], golden["between"], int(golden["items"])
    williams = williams_t_test(*given)
    assert williams.statistic == pytest.approx(golden["t"], rel=1e-9)
    assert williams.degrees_of_freedom == golden["items"] - 3
    assert williams.p == pytest.approx(golden["t_p"], rel=1e-9)
    steiger = steiger_z_test(*given)
    assert steiger.statistic == pytest.approx(golden["z"], rel=1e-9)
    assert steiger.p == pytest.approx(golden["z_p"], rel=1e-9)


def test_the_published_example() -> None:
    # J. H. Steiger, Psychological Bulletin 87 (1980), p. 247, case A as R's psych retells it in
    # the help of r.test: r12 = .4, r13 = .5, r23 = .1 of 103 students, t = -.89, p < .37 or so.
    assert williams_t_test(0.4, 0.5, 0.1, 103).statistic == pytest.approx(-0.89, abs=0.005)


@pytest.mark.parametrize("golden", GOLDEN["independent"])
def test_correlations_of_different_items(golden: dict[str, float]) -> None:
    found = fisher_z_test(
        golden["first"], int(golden["first_items"]), golden["second"], int(golden["second_items"])
    )
    # psych gives the distance, without a sign.
    assert abs(found.statistic) == pytest.approx(golden["z"], rel=1e-9)
    assert math.copysign(1.0, found.statistic) == math.copysign(
        1.0, golden["first"] - golden["second"]
    )
    assert found.p == pytest.approx(golden["p"], rel=1e-9)


@settings(deadline=None)
@given(st.integers(0, 2**16), st.integers(5, 40))
def test_the_better_one_is_positive_and_exchange_turns_the_sign(seed: int, items: int) -> None:
    rng = np.random.default_rng(seed)
    ratings, first = rng.normal(size=(2, items))
    second = ratings + first + rng.normal(size=items)
    a, b, between = pearson(first, ratings), pearson(second, ratings), pearson(first, second)
    for test in (williams_t_test, steiger_z_test):
        found, turned = test(a, b, between, items), test(b, a, between, items)
        assert found.statistic == pytest.approx(-turned.statistic)
        assert found.p == pytest.approx(turned.p)
        assert math.copysign(1.0, found.statistic) == math.copysign(1.0, a - b)


def test_false_alarms_of_equally_good_metrics() -> None:
    # Both are the ratings with as much noise, partly the same: 5% of p-values should be below .05.
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(600):
        ratings, shared, one, two = rng.normal(size=(4, 24))
        first, second = ratings + 0.5 * shared + one, ratings + 0.5 * shared + two
        a, b = pearson(first, ratings), pearson(second, ratings)
        alarms += williams_t_test(a, b, pearson(first, second), 24).p < 0.05
    assert 0.03 < alarms / 600 < 0.07


def test_equal_correlations_differ_by_nothing_and_nonsense_is_refused() -> None:
    assert williams_t_test(1.0, 1.0, 1.0, 12).p == 1.0
    with pytest.raises(DataError, match="cannot occur together"):
        williams_t_test(0.9, -0.9, 0.9, 20)
    with pytest.raises(DataError, match=r"in -1\.\.1, not at 1\.2"):
        steiger_z_test(1.2, 0.0, 0.0, 20)
    with pytest.raises(DataError, match="four items or more, not 3"):
        williams_t_test(0.1, 0.2, 0.3, 3)
    with pytest.raises(DataError, match="four items or more, not 2"):
        fisher_z_test(0.1, 2, 0.2, 30)
    with pytest.raises(DataError, match="inside -1"):
        fisher_z_test(1.0, 20, 0.2, 30)
