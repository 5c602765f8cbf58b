import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from auricle.core.errors import DataError
from auricle.heads.calibration import (
    Calibration,
    apply_correction,
    calibrate,
    conformal_scale,
    fit_correction,
    lossy_threshold,
)


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


@given(
    knots=st.integers(2, 12),
    seed=st.integers(0, 1000),
    top=st.floats(0.0, 1.0),
    count=st.integers(1, 200),
)
@settings(deadline=None)
def test_any_correction_is_one_a_bundle_takes(
    knots: int, seed: int, top: float, count: int
) -> None:
    rng = np.random.default_rng(seed)
    mean = np.minimum(1.0, rng.uniform(0.0, 1.2, count)) * top
    label = rng.choice([0.0, 0.5, 1.0], count)
    fitted = fit_correction(mean, label, knots)
    assert len(fitted) <= knots + 1
    calibration = Calibration(coverage=0.9, scale=1, temperature=1, clips=9, correction=fitted)
    assert 0.0 <= calibration.correct(0.0) <= calibration.correct(0.5) <= calibration.correct(1.0)
    again = Calibration.model_validate_json(calibration.model_dump_json())
    assert again == calibration


def test_a_correction_takes_a_bias_off_and_leaves_the_rest() -> None:
    rng = np.random.default_rng(2)
    label = np.concatenate([rng.uniform(0.2, 0.9, 2000), np.ones(1000)])
    mean = np.clip(label - 0.05 * (label > 0.8) + 0.01 * rng.standard_normal(3000), 0.0, 1.0)
    fitted = fit_correction(mean, label)
    corrected = apply_correction(mean, fitted)
    assert np.mean(corrected[label == 1.0]) > 0.985
    assert np.abs(corrected - mean)[label < 0.6].max() < 0.02
    assert np.mean((corrected - label) ** 2) < 0.5 * np.mean((mean - label) ** 2)


def test_calibration_is_that_of_corrected_qualities() -> None:
    label = np.linspace(0.0, 1.0, 99)
    knots = ((0.0, 0.0), (0.5, 1.0), (1.0, 1.0))
    plain = calibrate(label, np.zeros(99), label, genuine=[0.2, 0.4])
    fitted = calibrate(label / 2, np.zeros(99), label, correction=knots, genuine=[])
    assert fitted.scale == plain.scale == 1e-6
    assert (plain.correction, plain.lossy_threshold) == (None, 0.4)
    assert (fitted.correction, fitted.lossy_threshold) == (knots, None)


@pytest.mark.parametrize("knots", [
    (), ((0.0, 0.0),), ((0.1, 0.0), (1.0, 1.0)), ((0.0, 0.0), (0.9, 1.0)),
    ((0.0, 0.5), (1.0, 0.4)), ((0.0, 0.0), (0.5, 0.1), (0.5, 0.2), (1.0, 1.0)),
    ((0.0, 0.0), (1.0, 1.1)),
])  # fmt: skip
def test_a_correction_that_does_not_rise_from_0_to_1_is_refused(
    knots: tuple[tuple[float, float], ...],
) -> None:
    with pytest.raises(ValidationError):
        Calibration(coverage=0.9, scale=1, temperature=1, clips=9, correction=knots)


@pytest.mark.parametrize("count", [20, 99, 500])
def test_false_alarms_on_unseen_clips_are_as_rare_as_was_promised(count: int) -> None:
    rng = np.random.default_rng(count)
    alarms = []
    for _ in range(2000):
        threshold = lossy_threshold(rng.beta(0.5, 5.0, count))
        assert threshold is not None
        alarms.append(np.mean(rng.beta(0.5, 5.0, 200) > threshold))
    assert np.mean(alarms) < 1.15 * max(0.01, 1.0 / (count + 1))


@pytest.mark.parametrize("bad", [[np.nan], [1.1], [-0.1], [[0.5]]])
def test_what_is_no_probability_is_refused(bad: list[float]) -> None:
    with pytest.raises(DataError):
        lossy_threshold(bad)


def test_all_axes_lie_in_the_box_as_often_as_was_promised() -> None:
    """Errors of unequal size that go together, and whose largest counts."""
    rng = np.random.default_rng(3)
    root = np.array([[1.0, 0.0, 0.0], [3.0, 2.0, 0.0], [0.0, 0.1, 0.1]])
    inside = []
    for _ in range(300):
        error = np.abs(rng.standard_normal((220, 3)) @ root.T)
        widths = np.array([conformal_scale(error[:100, axis]) for axis in range(3)])
        joint = conformal_scale((error[:100] / widths).max(axis=1))
        inside.append((error[100:] <= joint * widths).all(axis=1))
    assert 0.885 < np.mean(inside) < 0.925


@given(count=st.integers(0, 30), coverage=st.sampled_from([0.5, 0.9]))
def test_a_scale_needs_enough_clips(count: int, coverage: float) -> None:
    if count >= round(coverage / (1.0 - coverage)):
        assert conformal_scale(np.arange(count) + 1.0, coverage) <= count
    else:
        with pytest.raises(DataError, match="calibration clips or more"):
            conformal_scale(np.arange(count) + 1.0, coverage)
