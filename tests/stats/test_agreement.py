"""The challenges' measures, at both levels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from auricle.core.errors import ConfigError, DataError
from auricle.stats.agreement import LevelAgreement, agree, mse
from auricle.stats.intervals import bootstrap_interval


def clips(seed: int = 1, systems: int = 12, each: int = 10) -> tuple[np.ndarray, ...]:
    """Return predictions, labels and systems `[clip]`; systems differ by as much as clips do."""
    generator = np.random.default_rng(seed)
    names = np.repeat(np.arange(systems), each)
    label = generator.normal(size=systems)[names] + generator.normal(size=names.size)
    return label + generator.normal(scale=0.8, size=names.size), label, names


def check(found: LevelAgreement, predicted: np.ndarray, label: np.ndarray) -> None:
    """Compare every measure with scipy's, and see that intervals hold it."""
    assert found.items == label.size
    assert found.mse.value == pytest.approx(np.mean((predicted - label) ** 2))
    assert found.lcc.value == pytest.approx(stats.pearsonr(predicted, label).statistic)
    assert found.srcc.value == pytest.approx(stats.spearmanr(predicted, label).statistic)
    assert found.ktau.value == pytest.approx(stats.kendalltau(predicted, label).statistic)
    for estimate in (found.mse, found.lcc, found.srcc, found.ktau):
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
