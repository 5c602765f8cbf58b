import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from auricle.losses.regression import gaussian_nll, mean_squared_error


def test_likelihood_agrees_with_torch() -> None:
    mean, label, log_variance = torch.rand(50), torch.rand(50), torch.randn(50)
    expected = torch.nn.GaussianNLLLoss()(mean, label, log_variance.exp())
    torch.testing.assert_close(gaussian_nll(mean, log_variance, label), expected)


def test_likelihood_is_best_at_the_true_variance() -> None:
    label = 0.3 * torch.randn(20000, generator=torch.Generator().manual_seed(0))
    losses = {
        sigma: gaussian_nll(torch.zeros(20000), torch.full((20000,), sigma).log() * 2, label).item()
        for sigma in (0.2, 0.3, 0.4)
    }
    assert min(losses, key=losses.__getitem__) == 0.3


@given(log_variance=st.floats(-8.0, 2.0))
def test_beta_one_gives_the_mean_the_gradient_of_the_squared_error(log_variance: float) -> None:
    mean = torch.tensor([0.2, 0.7], requires_grad=True)
    label = torch.tensor([0.5, 0.6])
    (weighted,) = torch.autograd.grad(
        gaussian_nll(mean, torch.full((2,), log_variance), label, beta=1.0), mean
    )
    (squared,) = torch.autograd.grad(mean_squared_error(mean, label) / 2, mean)
    torch.testing.assert_close(weighted, squared)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_beta_leaves_the_best_variance_where_it_is(beta: float) -> None:
    log_variance = torch.tensor([0.09]).log().requires_grad_()
    loss = gaussian_nll(torch.zeros(1), log_variance, torch.tensor([0.3]), beta)
    (gradient,) = torch.autograd.grad(loss, log_variance)
    assert gradient.abs().item() < 1e-6
