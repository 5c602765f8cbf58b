"""Agreement per item and per system."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from auricle.core.errors import DataError
from auricle.stats.intervals import bootstrap_interval
from auricle.stats.performance import aggregate_by, agreement


def test_agreement_agrees_with_scipy() -> None:
    generator = np.random.default_rng(1)
    target = generator.uniform(0, 100, 60)
    predicted = target + generator.normal(scale=15, size=60)
    found = agreement(predicted, target, groups=np.arange(60) // 3, resamples=200)
    assert found.items == 60
    assert found.pcc.value == pytest.approx(stats.pearsonr(predicted, target).statistic)
    assert found.srcc.value == pytest.approx(stats.spearmanr(predicted, target).statistic)
    assert found.ktau.value == pytest.approx(stats.kendalltau(predicted, target).statistic)
    assert found.rmse.value == pytest.approx(np.sqrt(np.mean((predicted - target) ** 2)))
    assert found.mae.value == pytest.approx(np.mean(np.abs(predicted - target)))
    for estimate in (found.pcc, found.srcc, found.ktau, found.rmse, found.mae):
        assert estimate.low < estimate.value < estimate.high


def test_agreement_passes_its_options_on() -> None:
    x, y = np.random.default_rng(2).normal(size=(2, 30))
    groups = np.arange(30) % 10
    found = agreement(x, y, groups=groups, confidence=0.8, resamples=150, seed=7)
    expected = bootstrap_interval(
        stats_rmse, x, y, groups=groups, confidence=0.8, resamples=150, seed=7
    )
    assert found.rmse == expected


def stats_rmse(x: np.ndarray, y: np.ndarray) -> float:
    """Compute the error in one line of numpy."""
    return float(np.sqrt(np.mean((x - y) ** 2)))


def test_systems_hide_the_noise_of_items() -> None:
    # By hand: errors of +-1 cancel within each system, so systems agree perfectly, items do not.
    systems = ["a", "a", "b", "b", "c", "c", "d", "d", "e", "e"]
    target = np.array([1.0, 1, 2, 2, 3, 3, 4, 4, 5, 5])
    predicted = target + np.array([1.0, -1] * 5)
    names, predicted_means = aggregate_by(predicted, systems)
    assert names == ("a", "b", "c", "d", "e")
    assert predicted_means.tolist() == [1, 2, 3, 4, 5]
    per_system = agreement(predicted_means, aggregate_by(target, systems)[1], resamples=200)
    assert per_system.pcc.value == pytest.approx(1.0)
    assert per_system.rmse.value == 0.0
    assert agreement(predicted, target, resamples=200).rmse.value == 1.0


@given(
    st.lists(
        st.tuples(st.sampled_from(["mp3", "opus", 7]), st.floats(-100, 100)),
        min_size=1,
        max_size=40,
    )
)
def test_aggregation_agrees_with_a_naive_loop(entries: list[tuple[str | int, float]]) -> None:
    systems = [system for system, _ in entries]
    names, means = aggregate_by([value for _, value in entries], systems)
    assert names == tuple(dict.fromkeys(systems))
    for name, found in zip(names, means, strict=True):
        own = [value for system, value in entries if system == name]
        assert found == pytest.approx(sum(own) / len(own), abs=1e-9)


def test_broken_systems_are_refused() -> None:
    with pytest.raises(DataError, match="2 items need as many"):
        aggregate_by([1.0, 2.0], ["a"])
    with pytest.raises(DataError, match="item 0 is missing"):
        aggregate_by([1.0, 2.0], [None, "a"])
