import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from auricle.losses.regression import (
    gaussian_nll,
    mahalanobis,
    mean_squared_error,
    multivariate_gaussian_nll,
)


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


def draw(axes: int, batch: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return means, factors and labels of random normal distributions."""
    generator = torch.Generator().manual_seed(seed)
    mean, label = torch.randn(2, batch, axes, generator=generator, dtype=torch.float64)
    factor = torch.randn(batch, axes, axes, generator=generator, dtype=torch.float64).tril(-1)
    diagonal = torch.rand(batch, axes, generator=generator, dtype=torch.float64)
    return mean, factor + torch.diag_embed(0.1 + diagonal), label


@given(axes=st.integers(1, 5), seed=st.integers(0, 1000))
def test_the_joint_likelihood_agrees_with_torch(axes: int, seed: int) -> None:
    mean, factor, label = draw(axes, 7, seed)
    normal = torch.distributions.MultivariateNormal(mean, scale_tril=factor)
    expected = -normal.log_prob(label).mean() - 0.5 * axes * math.log(2.0 * math.pi)
    torch.testing.assert_close(multivariate_gaussian_nll(mean, factor, label), expected)


@given(seed=st.integers(0, 1000), share=st.floats(0.1, 0.9))
def test_missing_labels_are_integrated_out(seed: int, share: float) -> None:
    mean, factor, label = draw(4, 9, seed)
    rated = np.random.default_rng(seed).random((9, 4)) < share
    rated[0] = True
    label[torch.from_numpy(~rated)] = float("nan")
    told = []
    for row in range(9):
        known = rated[row]
        if known.any():
            covariance = (factor[row] @ factor[row].T).numpy()[np.ix_(known, known)]
            normal = multivariate_normal(mean[row].numpy()[known], covariance)
            constant = 0.5 * known.sum() * math.log(2.0 * math.pi)
            told.append(-normal.logpdf(label[row].numpy()[known]) - constant)
    found = multivariate_gaussian_nll(mean, factor, label).item()
    assert found == pytest.approx(np.mean(told), rel=1e-6, abs=1e-9)


def test_gradients_know_nothing_of_missing_labels() -> None:
    mean, factor, label = draw(3, 2, 0)
    label[0, 1] = float("nan")
    label[1] = float("nan")
    mean.requires_grad_()
    factor.requires_grad_()
    multivariate_gaussian_nll(mean, factor, label).backward()
    assert mean.grad is not None
    assert factor.grad is not None
    assert mean.grad.isfinite().all()
    assert factor.grad.isfinite().all()
    assert mean.grad[0, 0] != 0.0
    assert mean.grad[0, 1] == 0.0
    assert not mean.grad[1].any()
    assert not factor.grad[1].any()
    # Differences agree with the gradient, through the decomposition too.
    step = 1e-6 * torch.ones_like(factor).tril()
    with torch.no_grad():
        ends = [multivariate_gaussian_nll(mean, factor + s * step, label) for s in (-1, 1)]
    slope = (ends[1] - ends[0]) / 2e-6
    torch.testing.assert_close(factor.grad.tril().sum(), slope, rtol=1e-5, atol=1e-7)


def test_nearly_dependent_axes_have_a_likelihood_in_single_precision() -> None:
    factor = torch.tensor([[[1.0, 0.0], [1000.0, 0.01]]])
    label = torch.tensor([[0.5, float("nan")], [0.5, 500.0]])
    found = multivariate_gaussian_nll(torch.zeros(2, 2), factor.expand(2, 2, 2), label)
    assert found.item() == pytest.approx((0.125 + math.log(0.01) + 0.125) / 2, rel=1e-3)


def test_distances_count_deviations_along_the_distribution() -> None:
    rng = np.random.default_rng(0)
    factor = np.array([[2.0, 0.0], [1.5, 0.5]])
    error = rng.standard_normal((20000, 2)) @ factor.T
    lengths = mahalanobis(torch.from_numpy(error), torch.from_numpy(factor).expand(20000, 2, 2))
    # Half of a normal distribution on two axes lies within sqrt(2 ln 2) deviations.
    assert (lengths < math.sqrt(2.0 * math.log(2.0))).double().mean() == pytest.approx(
        0.5, abs=0.01
    )
