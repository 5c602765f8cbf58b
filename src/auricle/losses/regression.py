"""Losses for predicted quality `[batch]` against labels `[batch]`."""

from __future__ import annotations

from torch import Tensor


def mean_squared_error(mean: Tensor, label: Tensor) -> Tensor:
    """Return the mean squared error of `mean` `[batch]` against `label` `[batch]`.

    >>> import torch
    >>> mean_squared_error(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0])).item()
    0.5
    """
    return (mean - label).square().mean()


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
