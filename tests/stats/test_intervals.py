"""Intervals against published ones, exact enumeration, another implementation and simulation."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from auricle.core.errors import ConfigError, DataError
from auricle.stats.correlation import kendall, mae, pearson, rmse, spearman
from auricle.stats.intervals import (
    Statistic,
    bootstrap_interval,
    coverage,
    paired_bootstrap_difference,
    wilson_interval,
)

# The law school data of Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), table
# 3.1: average LSAT score and undergraduate GPA of 15 schools; their correlation is .776.
LSAT = [576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594]
GPA = [3.39, 3.3, 2.81, 3.03, 3.44, 3.07, 3, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96]


def mean(values: NDArray[np.float64]) -> float:
    """Type the mean as a statistic."""
    return float(np.mean(values))


def test_bootstrap_agrees_with_scipy_on_the_law_school_data() -> None:
    found = bootstrap_interval(pearson, LSAT, GPA, resamples=4000)
    other = stats.bootstrap(
        (LSAT, GPA),
        lambda x, y: stats.pearsonr(x, y).statistic,
        paired=True,
        vectorized=False,
        n_resamples=4000,
        method="percentile",
        rng=1,
    ).confidence_interval
    assert found.value == pytest.approx(0.776, abs=5e-4)
    # Ends move by about .01 between seeds.
    assert found.low == pytest.approx(other.low, abs=0.04)
    assert found.high == pytest.approx(other.high, abs=0.01)


def test_bootstrap_of_a_mean_agrees_with_the_normal_interval() -> None:
    # For a mean of many items the interval tends to +-1.96 standard deviations over sqrt(n).
    values = np.random.default_rng(5).normal(size=400)
    half = 1.96 * values.std() / 20
    found = bootstrap_interval(mean, values, resamples=4000)
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_group_bootstrap_agrees_with_enumeration() -> None:
    # Groups a = (0, 0) and b = (1): of the four equally likely draws aa, ab, ba, bb the means are
    # 0, 1/3, 1/3, 1. So the middle half is 1/3 alone, and wider intervals reach from 0 to 1.
    values, groups = [0.0, 1.0, 0.0], ["a", "b", "a"]
    narrow = bootstrap_interval(mean, values, groups=groups, confidence=0.4)
    wide = bootstrap_interval(mean, values, groups=groups, confidence=0.8)
    assert [narrow.low, narrow.high] == pytest.approx([1 / 3, 1 / 3])
    assert (wide.low, wide.high) == (0.0, 1.0)


def test_copies_of_an_item_do_not_narrow_a_group_interval() -> None:
    generator = np.random.default_rng(3)
    x = generator.normal(size=40)
    y = x + generator.normal(size=40)
    copies, groups = 9, np.repeat(np.arange(40), 9)
    single = bootstrap_interval(pearson, x, y)
    grouped = bootstrap_interval(pearson, np.repeat(x, copies), np.repeat(y, copies), groups=groups)
    naive = bootstrap_interval(pearson, np.repeat(x, copies), np.repeat(y, copies))
    assert grouped.low == pytest.approx(single.low, abs=1e-9)
    assert grouped.high == pytest.approx(single.high, abs=1e-9)
    assert naive.high - naive.low < 0.5 * (single.high - single.low)


@pytest.mark.parametrize("statistic", [pearson, spearman, kendall, rmse, mae])
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), items=st.integers(8, 40), grouped=st.booleans())
def test_estimate_lies_inside_and_repeats(
    statistic: Statistic, seed: int, items: int, grouped: bool
) -> None:
    x, y = np.random.default_rng(seed).normal(size=(2, items))
    groups = np.arange(items) // 2 if grouped else None
    options: dict[str, Any] = {"groups": groups, "resamples": 100, "seed": seed}
    found = bootstrap_interval(statistic, x, y, **options)
    assert found.low <= found.value <= found.high
    assert found.value == statistic(x, y)
    assert found == bootstrap_interval(statistic, x, y, **options)


def test_more_confidence_is_wider() -> None:
    widths = [
        (found := bootstrap_interval(pearson, LSAT, GPA, confidence=confidence)).high - found.low
        for confidence in (0.5, 0.8, 0.95, 0.99)
    ]
    assert widths == sorted(widths)


def test_undefined_resamples_are_left_out_up_to_a_tenth() -> None:
    # A resample of n items with one odd one lacks that one in (1 - 1/n)^n, about 1/e, of all cases.
    rare = [0.0] * 20 + [1.0]
    with pytest.raises(DataError, match=r"undefined on 3\d% of the resamples"):
        bootstrap_interval(pearson, rare, np.arange(21))
    # Of 7 odd ones none is drawn in (14/21)^21, about .0002, of all cases.
    common = [0.0] * 14 + [1.0] * 7
    found = bootstrap_interval(pearson, common, np.arange(21), resamples=10000)
    assert np.isfinite([found.low, found.high]).all()


def test_an_undefined_statistic_is_refused() -> None:
    with pytest.raises(DataError, match="all 5 values are 1"):
        bootstrap_interval(pearson, np.ones(5), np.arange(5))
    with pytest.raises(DataError, match="nan on the whole sample"):
        bootstrap_interval(lambda _: float("nan"), np.arange(5))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["a", "a", "a"], "all items are 'a'"),
        (["a", "b"], "3 items need as many"),
        (["a", None, "b"], "item 1 is missing"),
        (np.array([1.0, 2.0, np.nan]), "item 2 is missing"),
    ],
)
def test_broken_groups_are_refused(groups: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        bootstrap_interval(mean, [1.0, 2.0, 3.0], groups=groups)


def test_broken_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        bootstrap_interval(mean, [1.0, 2.0], confidence=95)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        coverage([0], [1], [0.5], confidence=0.0)
    with pytest.raises(ConfigError, match="none beyond"):
        bootstrap_interval(mean, [1.0, 2.0], resamples=10)
    with pytest.raises(DataError, match="at least 2 items"):
        bootstrap_interval(mean, [1.0])


def test_750_items_take_2_seconds_at_most() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 750))
    started = time.process_time()
    bootstrap_interval(spearman, x, y)
    assert time.process_time() - started < 2.0


def test_paired_difference_sees_what_two_intervals_hide() -> None:
    # Both models share most of their error, so their own intervals overlap, yet a is better.
    generator = np.random.default_rng(2)
    truth, shared = generator.normal(size=(2, 200))
    a = truth + shared
    b = a + 0.3 * generator.normal(size=200)
    own_a, own_b = (bootstrap_interval(rmse, model, truth) for model in (a, b))
    found = paired_bootstrap_difference(rmse, truth, a, b)
    assert own_a.high > own_b.low
    assert found.value == pytest.approx(rmse(a, truth) - rmse(b, truth))
    assert found.high < 0


def test_paired_difference_of_a_model_with_itself_is_nothing() -> None:
    found = paired_bootstrap_difference(pearson, LSAT, GPA, GPA)
    assert (found.low, found.value, found.high) == (0.0, 0.0, 0.0)


def test_paired_difference_turns_around() -> None:
    generator = np.random.default_rng(4)
    truth, a, b = generator.normal(size=(3, 30))
    there = paired_bootstrap_difference(spearman, truth, a, b, groups=np.arange(30) // 3)
    back = paired_bootstrap_difference(spearman, truth, b, a, groups=np.arange(30) // 3)
    assert [back.low, back.high] == pytest.approx([-there.high, -there.low])


# R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (score, no correction).
NEWCOMBE = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize(("successes", "trials", "low", "high"), NEWCOMBE)
def test_wilson_agrees_with_newcombe(successes: int, trials: int, low: float, high: float) -> None:
    found = wilson_interval(successes, trials)
    assert [found.low, found.high] == pytest.approx([low, high], abs=5e-5)
    inside = np.arange(trials) < successes
    assert coverage(np.zeros(trials), np.ones(trials), np.where(inside, 1.0, 2.0)) == found


@given(trials=st.integers(1, 500), share=st.floats(0, 1))
def test_wilson_holds_the_share_and_mirrors(trials: int, share: float) -> None:
    successes = int(share * trials)
    found = wilson_interval(successes, trials)
    mirrored = wilson_interval(trials - successes, trials)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert mirrored.low == pytest.approx(1.0 - found.high, abs=1e-9)


def test_broken_coverage_is_refused() -> None:
    with pytest.raises(DataError, match="interval 1 is upside down: 3 to 2"):
        coverage([0, 3], [1, 2], [0.5, 0.5])
    with pytest.raises(DataError, match="not a proportion"):
        wilson_interval(3, 2)
    with pytest.raises(DataError, match="one length"):
        coverage([0, 0], [1, 1], [0.5])
