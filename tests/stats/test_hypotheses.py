"""t-tests against published numbers, and the laws they obey."""

from __future__ import annotations

import math

import numpy as np
import pytest

from auricle.core.errors import DataError
from auricle.stats.hypotheses import TTest, one_sample_t_test, welch_t_test

# Student's sleep data (Biometrika 6, 1908), R's data set `sleep`: extra hours by two drugs.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def sample_with(mean: float, deviation: float, size: int) -> np.ndarray:
    """Return a sample of exactly that mean and standard deviation."""
    values = np.random.default_rng(0).normal(size=size)
    return np.asarray(mean + deviation * (values - values.mean()) / values.std(ddof=1))


def test_welch_agrees_with_r() -> None:
    # R's help page of t.test: t.test(extra ~ group, data = sleep) prints
    # t = -1.8608, df = 17.776, p-value = 0.07939.
    found = welch_t_test(SLEEP_1, SLEEP_2)
    assert found.statistic == pytest.approx(-1.8608, abs=5e-5)
    assert found.degrees_of_freedom == pytest.approx(17.776, abs=5e-4)
    assert found.p == pytest.approx(0.07939, abs=5e-6)


def test_one_sample_agrees_with_r() -> None:
    # A paired test is a one-sample test of the differences; R's help page of t.test prints for
    # the paired sleep data t = -4.0621, df = 9, p-value = 0.002833.
    found = one_sample_t_test(np.subtract(SLEEP_1, SLEEP_2), 0.0)
    assert found.statistic == pytest.approx(-4.0621, abs=5e-5)
    assert found.degrees_of_freedom == 9
    assert found.p == pytest.approx(0.002833, abs=5e-7)


def test_one_sample_agrees_with_kasperuk_and_zielinski() -> None:
    # Sec. IV.C: 15 correlations of mean 0.893 and SD 0.036 against 0.834, p = 2.09e-5; the
    # rounding of mean and SD alone lets p vary from 1.3e-5 to 2.6e-5.
    found = one_sample_t_test(sample_with(0.893, 0.036, 15), 0.834)
    assert 1.3e-5 < found.p < 2.6e-5


def test_swapping_the_samples_turns_the_sign_alone() -> None:
    one, other = welch_t_test(SLEEP_1, SLEEP_2), welch_t_test(SLEEP_2, SLEEP_1)
    assert other == TTest(-one.statistic, one.degrees_of_freedom, one.p)


def test_one_constant_sample_is_a_value_to_test_against() -> None:
    found = welch_t_test(SLEEP_2, [0.75, 0.75, 0.75])
    wanted = one_sample_t_test(SLEEP_2, 0.75)
    assert found.statistic == pytest.approx(wanted.statistic)
    assert found.p == pytest.approx(wanted.p)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1.0], [1.0, 2.0], "the first sample has 1"),
        ([1.0, 2.0], [1.0], "the second sample has 1"),
        ([], [1.0, 2.0], "the first sample must not be empty"),
        ([1.0, math.nan], [1.0, 2.0], "must be finite"),
        ([0.1, 0.1], [0.2, 0.2], "neither of the samples varies"),
        ([0.1 + 0.2, 0.3], [0.2, 0.2], "neither of the samples varies"),
    ],
)
def test_welch_refuses_what_has_no_answer(a: list[float], b: list[float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        welch_t_test(a, b)


@pytest.mark.parametrize(
    ("a", "value", "message"),
    [
        ([1.0], 0.0, "the sample has 1"),
        ([2.0, 2.0, 2.0], 2.0, "all 3 values are 2"),
        ([1.0, 2.0], math.inf, "must be finite"),
    ],
)
def test_one_sample_refuses_what_has_no_answer(a: list[float], value: float, message: str) -> None:
    with pytest.raises(DataError, match=message):
        one_sample_t_test(a, value)
