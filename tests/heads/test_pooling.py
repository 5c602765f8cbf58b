import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.heads.gaussian import GaussianHead
from auricle.heads.pooling import AttentionPooling, FlattenPooling, MeanPooling, pool_frames
from auricle.heads.regression import RegressionHead


@pytest.mark.parametrize("pooling", [AttentionPooling(6), MeanPooling()])
@given(frames=st.integers(1, 40), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_weights_are_shares(pooling: torch.nn.Module, frames: int, seed: int) -> None:
    embedding = torch.randn(3, 1, frames, 6, generator=torch.Generator().manual_seed(seed))
    pooled = pooling(embedding)
    assert (pooled.weights >= 0).all()
    torch.testing.assert_close(pooled.weights.sum(dim=1), torch.ones(3))
    assert torch.isfinite(pooled.deviation).all()


@pytest.mark.parametrize("head", [GaussianHead(6).eval(), RegressionHead(6, hidden=(4,)).eval()])
def test_mean_is_the_weighted_sum_of_the_track(head: torch.nn.Module) -> None:
    pooled = AttentionPooling(6)(torch.randn(2, 1, 9, 6))
    prediction = head(pooled)
    torch.testing.assert_close(prediction.mean, (pooled.weights * prediction.track).sum(dim=1))


def test_equal_weights_give_plain_statistics() -> None:
    frames = torch.randn(2, 50, 3)
    pooled = pool_frames(frames, torch.full((2, 50), 1 / 50))
    torch.testing.assert_close(pooled.mean, frames.mean(dim=1))
    torch.testing.assert_close(pooled.deviation, frames.std(dim=1, correction=0))


def test_flattening_gives_one_frame_and_a_track_of_one() -> None:
    prediction = RegressionHead(20)(FlattenPooling()(torch.randn(3, 1, 5, 4)))
    assert prediction.track.shape == (3, 1)
    torch.testing.assert_close(prediction.track[:, 0], prediction.mean)
    assert (prediction.log_variance == 0).all()


def test_regression_head_is_affine() -> None:
    head = RegressionHead(4).eval()
    one, other = torch.randn(1, 1, 1, 4), torch.randn(1, 1, 1, 4)
    middle = head(MeanPooling()((one + other) / 2)).mean
    ends = head(MeanPooling()(one)).mean + head(MeanPooling()(other)).mean
    torch.testing.assert_close(middle, ends / 2)


def test_gaussian_head_never_claims_to_be_surer_than_a_point() -> None:
    head = GaussianHead(4).eval()
    torch.nn.init.constant_(head.spread[-1].bias, -100.0)
    log_variance = head(MeanPooling()(torch.randn(5, 1, 3, 4))).log_variance
    assert (log_variance.exp().sqrt() >= 0.01 - 1e-6).all()
