import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from auricle.losses.history import history_loss


def test_clips_with_and_without_a_trace_count_alike() -> None:
    """Three clips that have it and one that doesn't, worked out by hand."""
    logits = torch.tensor([2.0, -1.0, 0.5, 1.5])
    found = torch.tensor([1.0, 1.0, 1.0, 0.0])
    traces = torch.stack((found, torch.full((4,), torch.nan)), dim=-1)[:, None]
    history = torch.stack((logits, torch.zeros(4)), dim=-1)[:, None]
    each = cross_entropy(logits, found, reduction="none")
    expected = (each[:3].mean() + each[3]) / 2.0
    torch.testing.assert_close(history_loss(history, traces), expected)


def test_what_nobody_knows_does_not_count() -> None:
    history = torch.tensor([[[3.0, 15.0], [1.0, 12.0]]], requires_grad=True)
    unknown = torch.full((1, 2, 2), torch.nan)
    loss = history_loss(history, unknown)
    loss.backward()
    assert loss.item() == 0.0
    assert history.grad is not None
    assert (history.grad == 0.0).all()


def test_rates_err_by_half_the_square_of_octaves() -> None:
    traces = torch.tensor([[[1.0, 16.0]], [[1.0, 13.0]]])
    history = torch.tensor([[[60.0, 17.0]], [[60.0, 16.0]]])
    assert history_loss(history, traces).item() == 0.5 * (1.0 + 9.0) / 2.0
