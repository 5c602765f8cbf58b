"""Reversed gradients against finite differences, the ramp's published form, and domain losses."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from auricle.losses.adversarial import domain_loss, reverse_gradient, sigmoid_ramp


@given(st.floats(0.0, 5.0), st.integers(0, 100))
def test_the_gradient_is_the_finite_difference_reversed_and_scaled(
    strength: float, seed: int
) -> None:
    torch.manual_seed(seed)
    values = torch.randn(5, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(5, dtype=torch.float64)

    def behind(vector: torch.Tensor) -> torch.Tensor:
        return torch.tanh(weights * vector).square().sum()

    behind(reverse_gradient(values, strength)).backward()
    step = 1e-6 * torch.eye(5, dtype=torch.float64)
    differences = torch.stack(
        [(behind(values + one) - behind(values - one)).detach() / 2e-6 for one in step]
    )
    assert values.grad is not None
    torch.testing.assert_close(values.grad, -strength * differences, atol=1e-7, rtol=1e-6)


def test_what_stands_behind_gets_the_gradient_as_it_is() -> None:
    values, layer = torch.randn(4, 3), torch.nn.Linear(3, 1)
    layer(values).sum().backward()
    assert layer.weight.grad is not None
    plain = layer.weight.grad.clone()
    layer.zero_grad()
    layer(reverse_gradient(values, 0.3)).sum().backward()
    torch.testing.assert_close(layer.weight.grad, plain)


# lambda_p = 2 / (1 + exp(-gamma p)) - 1 with gamma = 10 (Ganin et al., 2016, Sec. 5.2.2), by hand.
RAMP = {
    0.0: 0.0,
    0.05: 0.244918662403709,
    0.1: 0.462117157260010,
    0.25: 0.848283639957513,
    0.5: 0.986614298151430,
    1.0: 0.999909204262595,
}


@pytest.mark.parametrize(("progress", "strength"), RAMP.items())
def test_the_ramp_is_ganins(progress: float, strength: float) -> None:
    assert sigmoid_ramp(progress) == pytest.approx(strength, abs=1e-12)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_ramp_rises_from_nothing_to_one(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0.0 <= sigmoid_ramp(low) <= sigmoid_ramp(high) <= 1.0


@given(st.lists(st.integers(-1, 2), min_size=1, max_size=8), st.integers(0, 100))
def test_clips_without_a_domain_do_not_count(domains: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    logits = torch.randn(len(domains), 3, requires_grad=True)
    domain = torch.tensor(domains)
    loss = domain_loss(logits, domain)
    known = domain >= 0
    if known.any():
        assert loss.item() == pytest.approx(cross_entropy(logits[known], domain[known]).item())
    else:
        assert loss.item() == 0.0
    loss.backward()
    assert logits.grad is not None
    assert not logits.grad[~known].any()
