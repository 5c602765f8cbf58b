import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.systems.estimate import Estimate, combine_members, combine_segments
from auricle.systems.fusion_config import Axis


def draw(count: int, seed: int, axes: int = 3) -> list[Estimate]:
    rng = np.random.default_rng(seed)
    roots = rng.standard_normal((count, axes, axes))
    return [Estimate(rng.standard_normal(axes), root @ root.T) for root in roots]


@given(count=st.integers(1, 6), seed=st.integers(0, 1000))
def test_an_ensemble_is_the_mixture_of_its_members(count: int, seed: int) -> None:
    members = draw(count, seed)
    whole = combine_members(members)
    # The second moment of a mixture is the mean of its parts' second moments.
    moments = [m.covariance + np.outer(m.mean, m.mean) for m in members]
    moment = whole.covariance + np.outer(whole.mean, whole.mean)
    np.testing.assert_allclose(moment, np.mean(moments, axis=0), atol=1e-9)


def test_members_are_combined_clip_by_clip() -> None:
    clips = [[draw(1, 10 * member + clip)[0] for clip in range(4)] for member in range(3)]
    stacked = [Estimate(*map(np.stack, zip(*member, strict=True))) for member in clips]
    whole = combine_members(stacked)
    for clip in range(4):
        alone = combine_members([member[clip] for member in clips])
        np.testing.assert_allclose(whole.mean[clip], alone.mean)
        np.testing.assert_allclose(whole.covariance[clip], alone.covariance)


@given(count=st.integers(1, 5), seed=st.integers(0, 1000))
def test_equal_segments_are_as_uncertain_as_one(count: int, seed: int) -> None:
    (one,) = draw(1, seed)
    weights = np.random.default_rng(seed).uniform(0.1, 5.0, count)
    whole = combine_segments([one] * count, weights)
    np.testing.assert_allclose(whole.mean, one.mean)
    np.testing.assert_allclose(whole.covariance, one.covariance)


def test_members_without_a_covariance_leave_none() -> None:
    silent = Estimate(np.array([1.0, 2.0, 3.0]), np.zeros((0, 0)))
    whole = combine_members([silent, *draw(1, 0)])
    assert whole.covariance.shape == (0, 0)
    assert whole.correlation.shape == (0, 0)
    assert combine_segments([silent, silent], [1, 2]).covariance.shape == (0, 0)


@given(seed=st.integers(0, 1000))
def test_correlations_do_not_depend_on_the_unit(seed: int) -> None:
    (one,) = draw(1, seed)
    unit = np.diag([0.1, 3.0, 20.0])
    other = one._replace(covariance=unit @ one.covariance @ unit)
    np.testing.assert_allclose(one.correlation, other.correlation)
    assert np.diag(one.correlation) == pytest.approx(1.0)


def test_shares_stay_on_the_scale_and_deviations_do_not_shrink() -> None:
    axes = [Axis(name="a", low=1.0, high=5.0), Axis(name="b", low=0.0, high=10.0)]
    far = Estimate(np.array([6.0, -2.0]), np.diag([4.0, 25.0]))
    mean, deviation = far.to_shares(axes)
    assert mean.tolist() == [1.0, 0.0]
    assert deviation.tolist() == [0.5, 0.5]
    _, ones = far._replace(covariance=np.zeros((0, 0))).to_shares(axes)
    assert ones.tolist() == [1.0, 1.0]
