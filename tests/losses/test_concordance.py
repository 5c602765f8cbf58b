"""Concordance by hand, against a loop, and where batches are odd."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from auricle.core.errors import DataError
from auricle.losses.concordance import concordance_loss

score = st.floats(-5.0, 5.0, width=32)
rows = st.lists(st.tuples(score, st.one_of(score, st.just(float("nan")))), min_size=1, max_size=9)


def loop(pairs: list[tuple[float, float]]) -> float | None:
    """Return 1 - CCC of pairs, from sums; None where it is undefined or nearly so."""
    n = len(pairs)
    if n < 2:
        return None
    mean_p, mean_y = (sum(pair[k] for pair in pairs) / n for k in (0, 1))
    covariance = sum((p - mean_p) * (y - mean_y) for p, y in pairs) / n
    variances = sum((p - mean_p) ** 2 + (y - mean_y) ** 2 for p, y in pairs) / n
    total = variances + (mean_p - mean_y) ** 2
    return 1.0 - 2.0 * covariance / total if total > 1e-6 else None


@settings(deadline=None)
@given(rows)
def test_concordance_agrees_with_a_loop(pairs: list[tuple[float, float]]) -> None:
    table = torch.tensor(pairs, dtype=torch.float64)
    expected = loop([pair for pair in pairs if pair[1] == pair[1]])
    found = concordance_loss(table[:, 0], table[:, 1]).item()
    assert -1e-9 <= found <= 2.0 + 1e-9
    if expected is not None:
        assert found == pytest.approx(expected, abs=1e-9)


def test_concordance_by_hand() -> None:
    # Predictions 1, 2, 6 (mean 3, variance 14/3) of labels 1, 2, 3 (mean 2, variance 2/3):
    # covariance (2 + 0 + 3) / 3, so CCC = (10/3) / (16/3 + 1) = 10/19.
    loss = concordance_loss(torch.tensor([1.0, 2.0, 6.0]), torch.tensor([1.0, 2.0, 3.0]))
    assert loss.item() == pytest.approx(9 / 19)


def test_axes_with_two_labels_are_averaged() -> None:
    labels = torch.tensor([[1.0, 3.0, torch.nan], [2.0, 2.0, 5.0], [3.0, 1.0, torch.nan]])
    predicted = torch.tensor([1.0, 2.0, 3.0])[:, None].expand(3, 3)
    # Perfect on the first axis (0), reversed on the second (2), the third has one label.
    assert concordance_loss(predicted, labels).item() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("predicted", "label", "expected"),
    [
        ([0.3, 0.3, 0.3], [0.1, 0.5, 0.9], 1.0),
        ([0.1, 0.5, 0.9], [0.3, 0.3, 0.3], 1.0),
        ([0.3, 0.3, 0.3], [0.3, 0.3, 0.3], 1.0),
        ([0.3], [0.7], 0.0),
        ([0.3, 0.4], [torch.nan, torch.nan], 0.0),
    ],
)
def test_degenerate_batches_have_finite_gradients(
    predicted: list[float], label: list[float], expected: float
) -> None:
    start = torch.tensor(predicted, requires_grad=True)
    loss = concordance_loss(start, torch.tensor(label))
    (gradient,) = torch.autograd.grad(loss, start)
    assert loss.item() == pytest.approx(expected, abs=1e-5)
    assert gradient.isfinite().all()
    assert gradient.abs().max().item() < 10.0


def test_descent_restores_order_spread_and_level() -> None:
    labels = torch.tensor([1.0, 2.0, 4.0, 8.0])
    predicted = torch.tensor([5.0, 4.0, 6.0, 5.5], requires_grad=True)
    optimiser = torch.optim.Adam([predicted], lr=0.3)
    for _ in range(100):
        optimiser.zero_grad()
        loss: Tensor = concordance_loss(predicted, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    torch.testing.assert_close(predicted.detach(), labels, atol=0.05, rtol=0.0)


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(DataError, match=r"not \[4, 1\] and \[4\]"):
        concordance_loss(torch.zeros(4, 1), torch.zeros(4))
