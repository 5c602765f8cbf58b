"""Agreement per item and per system."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from auricle.core.errors import ConfigError, DataError
from auricle.stats.correlation import mse
from auricle.stats.intervals import bootstrap_interval
from auricle.stats.performance import Agreement, aggregate_by, agree, agreement


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


def clips(seed: int = 1, systems: int = 12, each: int = 10) -> tuple[np.ndarray, ...]:
    """Return predictions, labels and systems `[clip]`; systems differ by as much as clips do."""
    generator = np.random.default_rng(seed)
    names = np.repeat(np.arange(systems), each)
    label = generator.normal(size=systems)[names] + generator.normal(size=names.size)
    return label + generator.normal(scale=0.8, size=names.size), label, names


def check(found: Agreement, predicted: np.ndarray, label: np.ndarray) -> None:
    """Compare every measure with scipy's, and see that intervals hold it."""
    assert found.items == label.size
    assert found.mse.value == pytest.approx(np.mean((predicted - label) ** 2))
    assert found.pcc.value == pytest.approx(stats.pearsonr(predicted, label).statistic)
    assert found.srcc.value == pytest.approx(stats.spearmanr(predicted, label).statistic)
    assert found.ktau.value == pytest.approx(stats.kendalltau(predicted, label).statistic)
    for estimate in (found.mse, found.pcc, found.srcc, found.ktau):
        assert estimate.low < estimate.value < estimate.high
        assert estimate.confidence == 0.95


def test_both_levels_agree_with_scipy() -> None:
    predicted, label, systems = clips()
    # Clips of a system need not lie together.
    order = np.random.default_rng(2).permutation(label.size)
    predicted, label, systems = predicted[order], label[order], systems[order]
    found = agree(predicted, label, systems, resamples=200)
    check(found.utterance, predicted, label)
    assert found.system is not None
    means = [
        np.array([values[systems == name].mean() for name in range(12)])
        for values in (predicted, label)
    ]
    check(found.system, *means)


def test_systems_of_few_clips_weigh_as_much_as_others() -> None:
    # Means by hand: predicted 1, 2, 3, 5; labels 1, 3, 3, 4.
    predicted = [0.0, 1.0, 2.0, 2.0, 3.0, 5.0]
    label = [1.0, 1.0, 1.0, 3.0, 3.0, 4.0]
    found = agree(predicted, label, ["a", "a", "a", "b", "c", "d"], resamples=200)
    assert found.system is not None
    assert found.system.items == 4
    assert found.system.mse.value == pytest.approx((0 + 1 + 0 + 1) / 4)
    assert found.utterance.mse.value == pytest.approx((1 + 0 + 1 + 1 + 0 + 1) / 6)


def test_intervals_resample_systems_at_system_level() -> None:
    predicted, label, systems = clips(systems=8, each=40)
    found = agree(predicted, label, systems, confidence=0.9, resamples=300, seed=5)
    means = [values.reshape(8, 40).mean(axis=1) for values in (predicted, label)]
    assert found.system is not None
    expected = bootstrap_interval(mse, *means, confidence=0.9, resamples=300, seed=5)
    ends = [found.system.mse.value, found.system.mse.low, found.system.mse.high]
    assert ends == pytest.approx([expected.value, expected.low, expected.high])
    assert found.system.mse.confidence == 0.9


def test_without_systems_there_is_no_system_level() -> None:
    predicted, label, _ = clips()
    assert agree(predicted, label, resamples=100).system is None


def test_too_little_is_refused() -> None:
    values = np.arange(6.0)
    with pytest.raises(DataError, match="3 clips or more, not 2"):
        agree([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(DataError, match="3 systems or more, not 2"):
        agree(values, values, list("aaabbb"), resamples=100)
    with pytest.raises(DataError, match="6 items need as many group labels, not 2"):
        agree(values, values, ["a", "b"], resamples=100)
    with pytest.raises(DataError, match="all 6 values are 1"):
        agree(np.ones(6), values, resamples=100)
    with pytest.raises(DataError, match="must be finite: 1 are not, the first at 2"):
        agree(values, [0.0, 1.0, np.nan, 3.0, 4.0, 5.0], resamples=100)
    with pytest.raises(DataError, match="one length"):
        agree(values, values[:5])
    with pytest.raises(ConfigError, match="10 resamples"):
        agree(values, values, resamples=10)
