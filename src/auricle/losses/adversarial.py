"""Training against a discriminator: what it could tell apart is taken out of the representation."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor
from torch.autograd import Function
from torch.nn.functional import cross_entropy


class _Reversal(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, strength: float) -> Tensor:  # noqa: ANN401
        ctx.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        return -ctx.strength * gradient, None


def reverse_gradient(values: Tensor, strength: float = 1.0) -> Tensor:
    """Return `values` as they are; their gradient comes back times `-strength`.

    Source: the gradient reversal layer of Ganin et al., "Domain-adversarial training of neural
    networks" (JMLR 17, 2016), Eq. 16 and 17. What stands behind learns to do its task, what stands
    before learns to make it impossible.

    >>> import torch
    >>> values = torch.ones(2, requires_grad=True)
    >>> reverse_gradient(values, 0.5).sum().backward()
    >>> values.grad
    tensor([-0.5000, -0.5000])
    """
    reversed_values: Tensor = _Reversal.apply(values, strength)  # type: ignore[no-untyped-call]
    return reversed_values


def sigmoid_ramp(progress: float, steepness: float = 10.0) -> float:
    """Return how strong the reversal is after a share `progress` (0..1) of a training, 0..1.

    `2 / (1 + exp(-steepness * progress)) - 1`: nothing at the beginning, when the discriminator
    knows nothing yet. Source: Ganin et al. (2016), Sec. 5.2.2, whose steepness is 10.

    >>> sigmoid_ramp(0.0), round(sigmoid_ramp(0.1), 3), round(sigmoid_ramp(1.0), 3)
    (0.0, 0.462, 1.0)
    """
    return 2.0 / (1.0 + math.exp(-steepness * progress)) - 1.0


def domain_loss(logits: Tensor, domain: Tensor) -> Tensor:
    """Return the cross-entropy of `logits` `[batch, domain]` against domain numbers `[batch]`.

    Clips of the domain -1 don't count.

    >>> import torch
    >>> domain_loss(torch.zeros(3, 4), torch.tensor([0, 3, -1])).item()  # log(4)
    1.3862943649291992
    """
    if not (domain >= 0).any():
        return 0.0 * logits.sum()
    return cross_entropy(logits, domain, ignore_index=-1)
