"""Losses for predicted quality `[batch]`, or ratings `[batch, axis]`, against labels."""

from __future__ import annotations

import torch
from torch import Tensor


def mean_squared_error(mean: Tensor, label: Tensor) -> Tensor:
    """Return the mean squared error of `mean` `[batch]` against `label` `[batch]`.

    >>> import torch
    >>> mean_squared_error(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0])).item()
    0.5
    """
    return (mean - label).square().mean()


def absolute_and_squared_error(mean: Tensor, label: Tensor) -> Tensor:
    """Return the mean absolute error plus the mean squared error of `mean` against `label`.

    Both `[batch]`. Tjandra et al., Meta Audiobox Aesthetics (2025): the two summed with equal
    weight.

    >>> import torch
    >>> absolute_and_squared_error(torch.tensor([0.0, 1.0]), torch.tensor([2.0, 1.0])).item()
    3.0
    """
    return (mean - label).abs().mean() + mean_squared_error(mean, label)


def gaussian_nll(mean: Tensor, log_variance: Tensor, label: Tensor, beta: float = 0.0) -> Tensor:
    """Return the negative log-likelihood of `label` under a normal distribution, all `[batch]`.

    Without the constant: `(log v + (label - mean)^2 / v) / 2` (Nix and Weigend, 1994). With
    `beta` above zero each clip counts with the gradient-free weight `v^beta` (Seitzer et al.,
    ICLR 2022, Eq. 5): plain likelihood neglects the mean wherever it is unsure; `beta` of one
    gives the mean the gradient of the squared error, one half is the paper's advice.

    The log-variance must be bounded below, as `GaussianHead`'s is.

    >>> import torch
    >>> zero = torch.zeros(1)
    >>> gaussian_nll(zero, zero, torch.ones(1)).item()
    0.5
    """
    loss = 0.5 * (log_variance + (label - mean).square() * (-log_variance).exp())
    if beta > 0.0:
        loss = loss * (beta * log_variance.detach()).exp()
    return loss.mean()


def multivariate_gaussian_nll(mean: Tensor, factor: Tensor, label: Tensor) -> Tensor:
    """Return the negative log-likelihood of `label` under normal distributions, the clips' mean.

    `mean` and `label` are `[batch, axis]`, `factor` `[batch, axis, axis]` the lower Cholesky factor
    of the covariance (Cumlin et al., Interspeech 2025), and the constant is left out:
    `log det L + |L^-1 (label - mean)|^2 / 2`. A clip with NaN labels counts with the distribution
    of its other axes, and one with nothing else does not count. The diagonal of the factor must be
    positive and bounded below, as `MultiGaussHead`'s is.

    >>> factor = torch.eye(2).unsqueeze(0)
    >>> multivariate_gaussian_nll(torch.zeros(1, 2), factor, torch.tensor([[3.0, 4.0]])).item()
    12.5
    """
    rated = label.isfinite()
    error = torch.where(rated, label - mean, 0.0)
    if not rated.all():
        factor = _leave_out(factor, rated)
    log_determinant = factor.diagonal(dim1=1, dim2=2).log().sum(dim=-1)
    nll = log_determinant + 0.5 * _whiten(error, factor).square().sum(dim=-1)
    return nll.sum() / rated.any(dim=-1).sum().clamp_min(1)


def mahalanobis(error: Tensor, factor: Tensor) -> Tensor:
    """Return the lengths `[batch]` of `error` `[batch, axis]` in units of a normal distribution's
    deviations, `factor` `[batch, axis, axis]` being the lower Cholesky factor of its covariance.

    >>> mahalanobis(torch.tensor([[3.0, 4.0]]), 2.0 * torch.eye(2).unsqueeze(0)).item()
    2.5
    """
    return _whiten(error, factor).square().sum(dim=-1).sqrt()


def _whiten(error: Tensor, factor: Tensor) -> Tensor:
    solved: Tensor = torch.linalg.solve_triangular(factor, error.unsqueeze(-1), upper=False)
    return solved.squeeze(-1)


def _leave_out(factor: Tensor, rated: Tensor) -> Tensor:
    """Return the factor `[batch, axis, axis]` with independent unit variances where not `rated`.

    `[M L, I - M]`, with the mask M on the diagonal, is a root of that covariance, and the R of its
    QR decomposition the triangular one; covariances, which square what is small, are not formed.
    """
    mask = torch.diag_embed(rated.to(factor.dtype))
    rest = torch.diag_embed((~rated).to(factor.dtype))
    upper = torch.linalg.qr(torch.cat((mask @ factor, rest), dim=-1).mT).R
    # A decomposition's signs are arbitrary: those of the diagonal are to be positive.
    lower: Tensor = (upper * upper.diagonal(dim1=1, dim2=2).sign().unsqueeze(-1)).mT
    return lower
