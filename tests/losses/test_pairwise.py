"""Pairwise losses by hand, against double loops, and where batches are odd."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from auricle.core.errors import DataError
from auricle.losses.pairwise import (
    clipped_mse,
    contrastive_margin,
    dual_criterion_quality,
    utmos_loss,
)

Loss = Callable[[Tensor, Tensor], Tensor]
LOSSES: list[Loss] = [contrastive_margin, clipped_mse, utmos_loss, dual_criterion_quality]
NAN = float("nan")

# Rows of (prediction, label) on two axes; some labels are missing.
score = st.floats(-5.0, 5.0, width=32)
label = st.one_of(st.integers(-3, 3).map(float), score, st.just(NAN))
batches = st.lists(st.tuples(score, label, score, label), min_size=1, max_size=9)


def as_tensors(rows: list[tuple[float, float, float, float]]) -> tuple[Tensor, Tensor]:
    """Return predictions and labels, `[batch, axis]`."""
    table = torch.tensor(rows, dtype=torch.float64)
    return table[:, [0, 2]], table[:, [1, 3]]


def loop(
    predicted: Tensor, labels: Tensor, term: Callable[[float, float, float, float], float]
) -> float:
    """Average a term over the pairs of each axis, then over the axes that have pairs."""
    means = []
    for p, y in zip(predicted.T.tolist(), labels.T.tolist(), strict=True):
        have = [i for i, value in enumerate(y) if value == value]
        terms = [term(p[i], p[j], y[i], y[j]) for i in have for j in have if i != j]
        if terms:
            means.append(sum(terms) / len(terms))
    return sum(means) / len(means) if means else 0.0


def sign(value: float) -> int:
    return (value > 0) - (value < 0)


@settings(deadline=None)
@given(batches, st.floats(0.0, 1.0))
def test_contrast_agrees_with_a_double_loop(
    rows: list[tuple[float, float, float, float]], margin: float
) -> None:
    predicted, labels = as_tensors(rows)
    expected = loop(predicted, labels, lambda p, q, y, z: max(0.0, abs((y - z) - (p - q)) - margin))
    assert contrastive_margin(predicted, labels, margin).item() == pytest.approx(expected)


@settings(deadline=None)
@given(batches)
def test_dual_criterion_agrees_with_a_double_loop(
    rows: list[tuple[float, float, float, float]],
) -> None:
    predicted, labels = as_tensors(rows)
    expected = loop(
        predicted, labels, lambda p, q, y, z: ((p - q) - (y - z)) ** 2 - (p - q) * sign(y - z)
    )
    found = dual_criterion_quality(predicted, labels).item()
    assert found == pytest.approx(expected, abs=1e-9)


def test_contrast_by_hand() -> None:
    # Differences 1-2, 1-3, 2-3: true -1, -3, -2; predicted 0.5, -3.05, -3.55; errors 1.5, 0.05,
    # 1.55, beyond the margin 1.4, 0, 1.45.
    predicted, labels = torch.tensor([1.0, 0.5, 4.05]), torch.tensor([1.0, 2.0, 4.0])
    found = contrastive_margin(predicted, labels).item()
    assert found == pytest.approx((1.4 + 1.45) / 3, abs=1e-6)


def test_utmos_by_hand() -> None:
    # Errors 0, -1.5, 0.05: only the second exceeds a quarter.
    predicted, labels = torch.tensor([1.0, 0.5, 4.05]), torch.tensor([1.0, 2.0, 4.0])
    assert clipped_mse(predicted, labels).item() == pytest.approx(2.25 / 3)
    expected = 2.25 / 3 + 0.5 * (1.4 + 1.45) / 3
    assert utmos_loss(predicted, labels).item() == pytest.approx(expected, abs=1e-6)


def test_dual_criterion_by_hand() -> None:
    # Deviations 1.5, -0.05, -1.55 squared; the first pair is inverted (0.5), the others are right.
    predicted, labels = torch.tensor([1.0, 0.5, 4.05]), torch.tensor([1.0, 2.0, 4.0])
    expected = (2.25 + 0.0025 + 2.4025 + 0.5 - 3.05 - 3.55) / 3
    found = dual_criterion_quality(predicted, labels).item()
    assert found == pytest.approx(expected, abs=1e-6)
    regressed = dual_criterion_quality(predicted, labels, regression=2.0).item()
    assert regressed == pytest.approx(expected + 2.0 * (2.25 + 0.0025) / 3, abs=1e-6)


def test_dual_criterion_is_least_where_its_docstring_says() -> None:
    labels = torch.tensor([3.0, 1.0, 2.0, 2.0], dtype=torch.float64)
    # Worse less better clips: 3, -3, 0, 0; half of that by four clips.
    best = (labels + torch.tensor([0.375, -0.375, 0.0, 0.0])).requires_grad_()
    (gradient,) = torch.autograd.grad(dual_criterion_quality(best, labels), best)
    torch.testing.assert_close(gradient, torch.zeros_like(labels), atol=1e-12, rtol=0.0)


@pytest.mark.parametrize("loss", [contrastive_margin, dual_criterion_quality])
@settings(deadline=None)
@given(rows=batches, shift=st.floats(-3.0, 3.0))
def test_pairs_do_not_see_a_shift(
    loss: Loss, rows: list[tuple[float, float, float, float]], shift: float
) -> None:
    predicted, labels = as_tensors(rows)
    torch.testing.assert_close(
        loss(predicted + shift, labels), loss(predicted, labels), atol=1e-9, rtol=1e-9
    )


@pytest.mark.parametrize("loss", LOSSES)
@settings(deadline=None)
@given(rows=batches)
def test_axes_are_independent_and_gradients_finite(
    loss: Loss, rows: list[tuple[float, float, float, float]]
) -> None:
    predicted, labels = as_tensors(rows)
    predicted.requires_grad_()
    both = loss(predicted, labels)
    each = [loss(predicted[:, axis], labels[:, axis]) for axis in (0, 1)]
    needed = 1 if loss is clipped_mse else 2
    counts = [int((~labels[:, axis].isnan()).sum()) for axis in (0, 1)]
    # Pairs may be missing where clips are not.
    if loss is not utmos_loss or all(count != 1 for count in counts):
        counted = [value for value, count in zip(each, counts, strict=True) if count >= needed]
        expected = sum(value.item() for value in counted) / max(len(counted), 1)
        assert both.item() == pytest.approx(expected, abs=1e-9)
    (gradient,) = torch.autograd.grad(both, predicted)
    assert gradient.isfinite().all()
    assert (gradient[labels.isnan()] == 0.0).all()


@pytest.mark.parametrize("loss", [contrastive_margin, dual_criterion_quality])
def test_one_clip_has_no_pair(loss: Loss) -> None:
    predicted = torch.tensor([2.0], requires_grad=True)
    value = loss(predicted, torch.tensor([5.0]))
    value.backward()
    assert value.item() == 0.0
    assert predicted.grad is not None
    assert predicted.grad.item() == 0.0


@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_known_costs_nothing(loss: Loss) -> None:
    assert loss(torch.ones(3, 2), torch.full((3, 2), NAN)).item() == 0.0


def test_tied_labels_have_no_order() -> None:
    predicted, labels = torch.tensor([0.0, 2.0]), torch.ones(2)
    assert dual_criterion_quality(predicted, labels).item() == 4.0


@pytest.mark.parametrize("loss", LOSSES)
def test_shapes_that_would_broadcast_are_refused(loss: Loss) -> None:
    with pytest.raises(DataError, match=r"not \[4, 1\] and \[4\]"):
        loss(torch.zeros(4, 1), torch.zeros(4))
    with pytest.raises(DataError, match=r"not \[\] and \[\]"):
        loss(torch.tensor(1.0), torch.tensor(1.0))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_broken_prediction_is_not_hidden(loss: Loss) -> None:
    assert loss(torch.tensor([NAN, 1.0]), torch.tensor([2.0, 1.0])).isnan()
