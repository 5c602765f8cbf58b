import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from auricle.core.errors import DataError
from auricle.heads.calibration import Calibration, calibrate


def test_coverage_on_unseen_clips_is_what_was_promised() -> None:
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(300):
        sigma = rng.uniform(0.02, 0.2, 120)
        label = 0.5 + 2.0 * sigma * rng.standard_t(4, 120)
        fitted = calibrate(np.full(100, 0.5), 2 * np.log(sigma[:100]), label[:100], 0.9)
        inside.append(np.abs(label[100:] - 0.5) <= fitted.scale * sigma[100:])
    # Split-conformal coverage lies between 0.9 and 0.9 + 1/101; 6000 draws, +-3 deviations.
    assert 0.885 < np.mean(inside) < 0.925


def test_temperature_is_the_factor_on_sigma() -> None:
    rng = np.random.default_rng(1)
    label = 0.5 + 0.3 * rng.standard_normal(20000)
    fitted = calibrate(np.full(20000, 0.5), np.full(20000, 2 * np.log(0.1)), label)
    assert fitted.temperature == pytest.approx(3.0, rel=0.03)
    assert fitted.scale == pytest.approx(3.0 * 1.645, rel=0.03)


@given(factor=st.floats(0.01, 100.0), count=st.integers(9, 60))
@settings(deadline=None)
def test_scale_makes_up_for_any_factor_on_sigma(factor: float, count: int) -> None:
    rng = np.random.default_rng(count)
    label, log_variance = rng.uniform(size=count), rng.uniform(-4, -1, count)
    one = calibrate(np.zeros(count), log_variance, label)
    other = calibrate(np.zeros(count), log_variance + 2 * np.log(factor), label)
    assert other.scale * factor == pytest.approx(one.scale)


def test_too_few_clips_are_refused_with_their_number() -> None:
    with pytest.raises(DataError, match="9 calibration clips or more, not 8"):
        calibrate(np.zeros(8), np.zeros(8), np.ones(8))


@pytest.mark.parametrize("bad", [[np.nan] * 20, [[0.0] * 20], [0.0] * 19])
def test_bad_columns_are_refused(bad: list[float]) -> None:
    with pytest.raises(DataError):
        calibrate(bad, np.zeros(20), np.zeros(20))


@given(mean=st.floats(0, 1), sigma=st.floats(0, 10))
def test_interval_stays_on_the_scale_around_the_mean(mean: float, sigma: float) -> None:
    low, high = Calibration(coverage=0.9, scale=1.6, temperature=1, clips=9).interval(mean, sigma)
    assert 0.0 <= low <= mean <= high <= 1.0


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError):
        Calibration.model_validate(
            {"coverage": 0.9, "scale": 1, "temperature": 1, "clips": 9, "extra": 1}
        )
