"""The Fréchet distance of clouds, against closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from auricle.core.audio import Audio
from auricle.core.errors import DataError, SignalError
from auricle.reference.frechet import frechet_distance, make_frechet_metric


def cloud(seed: int, frames: int, features: int) -> NDArray[np.float64]:
    """Frames whose features are correlated."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((features, features))
    return rng.standard_normal((frames, features)) @ mixing + rng.standard_normal(features)


def test_one_feature_is_the_difference_of_means_and_of_deviations_squared() -> None:
    # Of one feature the distance is (m1 - m2)^2 + (s1 - s2)^2: 3.5^2 and variances 2 and 0.5.
    assert frechet_distance([[0.0], [2.0]], [[4.0], [5.0]]) == pytest.approx(3.5**2 + 0.5)


def test_independent_features_add_up() -> None:
    # A cross: no covariance between its axes, with variances 2/3 and 8/3 (4 frames, over 3).
    cross = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    stretched = cross * [3.0, 1.0] + [1.0, -1.0]
    assert frechet_distance(cross, stretched) == pytest.approx(2.0 + (2 / 3) * (3.0 - 1.0) ** 2)


def test_many_frames_give_what_the_roots_of_matrices_give() -> None:
    first, second = cloud(0, 400, 6), cloud(1, 90, 6)
    ours, theirs = np.cov(first.T), np.cov(second.T)
    root = np.real(sqrtm(ours @ theirs))
    expected = np.square(first.mean(0) - second.mean(0)).sum() + np.trace(ours + theirs - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), frames=st.integers(2, 30), features=st.integers(1, 40))
def test_it_is_a_distance_with_few_frames_and_many(seed: int, frames: int, features: int) -> None:
    first, second = cloud(seed, frames, features), cloud(seed + 1, frames + 3, features)
    apart = frechet_distance(first, second)
    assert apart > 0.0
    assert frechet_distance(second, first) == pytest.approx(apart)
    assert frechet_distance(first, first) == pytest.approx(0.0, abs=1e-9 * np.square(first).sum())
    turned, _ = np.linalg.qr(cloud(seed + 2, features, features))
    assert frechet_distance(first @ turned, second @ turned) == pytest.approx(apart)
    # A shift alone is its length squared.
    shift = np.full(features, 0.5)
    assert frechet_distance(first, first + shift) == pytest.approx(0.25 * features)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (np.zeros((3, 2)), np.zeros((3, 4)), "2 and 4 features"),
        (np.zeros((1, 2)), np.zeros((3, 2)), "two frames or more"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "finite"),
    ],
)
def test_clouds_without_a_distance(
    first: NDArray[np.float64], second: NDArray[np.float64], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        frechet_distance(first, second)


def test_a_metric_says_so_when_there_are_too_few_frames() -> None:
    metric = make_frechet_metric(
        "levels",
        lambda samples: np.abs(samples).reshape(1, -1),
        sample_rate=8000,
        shortest=0.1,
        licence="MIT",
    )()
    noise = Audio.from_array(np.random.default_rng(0).normal(0.0, 0.1, 8000), 8000)
    with pytest.raises(SignalError, match=r"fad-levels\.v1: a cloud is"):
        metric(noise, noise)
    assert (metric.spec.name, metric.spec.scale.higher_is_better) == ("fad-levels", False)
