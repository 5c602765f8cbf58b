import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from auricle.heads.multi_gauss import MultiGaussHead
from auricle.losses.regression import multivariate_gaussian_nll


@given(axes=st.integers(1, 6), scale=st.floats(0.0, 1e4), seed=st.integers(0, 100))
def test_factors_are_lower_triangular_with_a_positive_diagonal(
    axes: int, scale: float, seed: int
) -> None:
    torch.manual_seed(seed)
    factor = MultiGaussHead(5, axes, hidden=4)(scale * torch.randn(3, 5)).factor
    assert factor.shape == (3, axes, axes)
    assert not factor.triu(1).any()
    # However far from all clips one is, the likelihood stays bounded.
    assert (factor.diagonal(dim1=1, dim2=2) >= 0.05).all()


def test_every_element_of_the_factor_is_one_of_the_network() -> None:
    torch.manual_seed(0)
    factor = MultiGaussHead(5, 4, dropout=0.0)(torch.randn(1, 5)).factor[0]
    elements = factor[tuple(torch.tril_indices(4, 4))]
    assert len(set(elements.tolist())) == 10


@pytest.mark.parametrize("axes", [1, 2, 5])
def test_a_fresh_head_is_about_as_sure_as_the_labels_spread(axes: int) -> None:
    torch.manual_seed(0)
    found = MultiGaussHead(64, axes).eval()(torch.randn(100, 64))
    deviation = found.factor.square().sum(dim=-1).sqrt()
    assert deviation.min() > 0.4
    assert deviation.max() < 1.3
    assert found.latents.shape == (100, 1, 64)


def test_it_learns_errors_that_go_together_and_where_they_are_large() -> None:
    """Labels whose common error is four times as large where the first feature is one."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    features = torch.randint(0, 2, (2000, 3), generator=generator).float()
    width = 0.2 + 0.6 * features[:, :1]
    common = torch.randn(2000, 1, generator=generator)
    own = torch.randn(2000, 2, generator=generator)
    label = features[:, 1:] + width * (0.8 * common + 0.6 * own)
    head = MultiGaussHead(3, 2, hidden=16, dropout=0.0)
    optimiser = torch.optim.Adam(head.parameters(), lr=0.02)
    for _ in range(300):
        optimiser.zero_grad()
        found = head(features)
        multivariate_gaussian_nll(found.mean, found.factor, label).backward()
        optimiser.step()
    covariance = found.factor @ found.factor.mT
    deviation = covariance.diagonal(dim1=1, dim2=2).sqrt()
    torch.testing.assert_close(deviation, width.expand(-1, 2), rtol=0.15, atol=0.0)
    correlation = covariance[:, 0, 1] / deviation.prod(dim=1)
    torch.testing.assert_close(correlation, torch.full((2000,), 0.64), rtol=0.0, atol=0.12)
