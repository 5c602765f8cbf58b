"""Rank-N-Contrast by hand, against a triple loop and the authors' code, and for odd batches."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from auricle.core.errors import ConfigError, DataError
from auricle.losses.rank_n_contrast import rank_n_contrast

NAN, INF = float("nan"), float("inf")

# Whole numbers make ties, of labels and of embeddings alike.
number = st.one_of(st.integers(-2, 2).map(float), st.floats(-5.0, 5.0, width=32))
label = st.one_of(number, st.sampled_from([NAN, INF]))
batches = st.lists(st.tuples(number, number, label), min_size=1, max_size=8)


def gap(one: float, other: float) -> float:
    return 0.0 if one == other else abs(one - other)


def loop(
    embeddings: list[list[float]], labels: list[float], mask: list[list[bool]], temperature: float
) -> list[float | None]:
    """Return the loss of each anchor by the definition; None of those without pairs."""
    clips = range(len(labels))
    losses: list[float | None] = []
    for i in clips:
        others = [
            j
            for j in clips
            if j != i and mask[i][j] and not math.isnan(labels[i]) and not math.isnan(labels[j])
        ]
        terms = []
        for j in others:
            near = math.exp(-math.dist(embeddings[i], embeddings[j]) / temperature)
            total = 0.0
            for k in others:
                if gap(labels[i], labels[k]) >= gap(labels[i], labels[j]):
                    total += math.exp(-math.dist(embeddings[i], embeddings[k]) / temperature)
            terms.append(-math.log(near / total))
        losses.append(sum(terms) / len(terms) if terms else None)
    return losses


def everything(clips: int) -> list[list[bool]]:
    return [[True] * clips for _ in range(clips)]


@settings(deadline=None)
@given(batches, st.floats(0.25, 4.0), st.data())
def test_agrees_with_a_triple_loop(
    rows: list[tuple[float, float, float]], temperature: float, data: st.DataObject
) -> None:
    table = torch.tensor(rows, dtype=torch.float64)
    row = st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))
    mask = data.draw(st.lists(row, min_size=len(rows), max_size=len(rows)))
    for chosen, comparable in ((everything(len(rows)), None), (mask, torch.tensor(mask))):
        losses = loop(table[:, :2].tolist(), table[:, 2].tolist(), chosen, temperature)
        counted = [loss for loss in losses if loss is not None]
        embeddings = table[:, :2].clone().requires_grad_()
        found = rank_n_contrast(embeddings, table[:, 2], temperature, comparable=comparable)
        assert found.item() == pytest.approx(sum(counted) / max(len(counted), 1), abs=1e-9)
        per_clip = rank_n_contrast(
            embeddings, table[:, 2], temperature, comparable=comparable, among=len(rows)
        )
        assert per_clip.item() == pytest.approx(sum(counted) / len(rows), abs=1e-9)
        (gradient,) = torch.autograd.grad(found, embeddings)
        assert gradient.isfinite().all()
        assert (gradient[table[:, 2].isnan()] == 0.0).all()


def test_three_clips_by_hand() -> None:
    # Embeddings 0, 1, 3 of labels 1, 2, 4: the nearest in label has the sum over both others, the
    # farthest itself alone (0). Distances from the anchors: 1 and 3, 1 and 2, 2 and 3; that to the
    # nearest comes first, and log(1 + exp(near - far)) is what it costs.
    embeddings, labels = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([1.0, 2.0, 4.0])
    costs = [math.log1p(math.exp(near - far)) for near, far in ((1, 3), (1, 2), (2, 3))]
    found = rank_n_contrast(embeddings, labels, 1.0).item()
    assert found == pytest.approx(sum(costs) / 6, abs=1e-6)
    assert found == pytest.approx(0.1255753, abs=1e-6)


def test_two_views_as_the_authors_code_has_them() -> None:
    # RnCLoss(temperature=2) of github.com/kaiwenzha/Rank-N-Contrast (loss.py) on the same views.
    clips = torch.arange(4, dtype=torch.float64)
    views = torch.stack([torch.sin(clips), torch.cos(2.0 * clips)], dim=1)
    labels = torch.tensor([0.5, 2.0, 2.0, 1.0], dtype=torch.float64)
    found = rank_n_contrast(torch.cat([views, views + 0.25 * views.flip(1)]), labels.repeat(2))
    assert found.item() == pytest.approx(1.3577056912459984, abs=1e-9)


def test_infinitely_good_clips_are_compared_but_no_anchors() -> None:
    # A clean clip at 0, two coded ones at 1 and 3. From 1, the clip at 3 is nearer in bitrate (96
    # against infinity), though farther in the embedding; from 3, that at 1.
    embeddings, bitrates = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([INF, 128.0, 32.0])
    costs = [math.log1p(math.exp(near - far)) for near, far in ((2, 1), (2, 3))]
    anchors = bitrates.isfinite()[:, None].expand(3, 3)
    found = rank_n_contrast(embeddings, bitrates, 1.0, comparable=anchors, among=3)
    assert found.item() == pytest.approx(sum(costs) / 2 / 3, abs=1e-6)


def test_what_is_not_comparable_does_not_count() -> None:
    embeddings = torch.tensor([[0.0], [1.0], [3.0], [4.0]])
    bitrates = torch.tensor([64.0, 32.0, 48.0, INF])
    codec = torch.tensor([7, 7, 8, 0])
    # Within codec 7: from 0 to 1 (and clean at 4), from 1 to 0 (and clean, 3 away). Codec 8 has
    # the clean clip alone, which costs nothing.
    expected = (math.log1p(math.exp(1 - 4)) + math.log1p(math.exp(1 - 3))) / 2 / 3
    same = (codec[:, None] == codec) | bitrates.isinf()
    mask = same & bitrates.isfinite()[:, None]
    found = rank_n_contrast(embeddings, bitrates, 1.0, comparable=mask).item()
    assert found == pytest.approx(expected, abs=1e-6)
    moved = embeddings.index_fill(0, torch.tensor([2]), 100.0)
    assert rank_n_contrast(moved, bitrates, 1.0, comparable=mask).item() == pytest.approx(found)


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-6, 1e4])
@pytest.mark.parametrize("clips", [2, 9])
def test_gradients_are_finite_at_any_scale(clips: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(1)
    embeddings = (scale * torch.randn(clips, 4, generator=generator)).requires_grad_()
    loss = rank_n_contrast(embeddings, torch.randn(clips, generator=generator))
    loss.backward()
    assert embeddings.grad is not None
    assert loss.isfinite()
    assert embeddings.grad.isfinite().all()
    # A distance changes by as much as a clip moves, and counts at most once for and against it.
    assert embeddings.grad.abs().max() <= 2.0


def test_identical_embeddings_cost_the_logarithm_of_how_many_are_left() -> None:
    # Of labels 0, 1, 3 each anchor has 2 clips to tell apart, then one.
    found = rank_n_contrast(torch.ones(3, 5), torch.tensor([0.0, 1.0, 3.0])).item()
    assert found == pytest.approx(math.log(2) / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("embeddings", "labels"),
    [
        (torch.ones(0, 3), torch.ones(0)),
        (torch.ones(1, 3), torch.ones(1)),
        (torch.rand(2, 3), torch.tensor([1.0, 2.0])),
        (torch.rand(4, 3), torch.tensor([1.0, NAN, NAN, NAN])),
        (torch.rand(4, 3), torch.full((4,), NAN)),
    ],
)
def test_nothing_to_compare_costs_nothing(embeddings: Tensor, labels: Tensor) -> None:
    embeddings = embeddings.clone().requires_grad_()
    loss = rank_n_contrast(embeddings, labels)
    assert loss.item() == 0.0
    (gradient,) = torch.autograd.grad(loss, embeddings)
    assert (gradient == 0.0).all()


def test_half_precision_is_computed_in_full() -> None:
    embeddings = torch.randn(6, 8, generator=torch.Generator().manual_seed(3)).bfloat16()
    labels = torch.arange(6)
    found = rank_n_contrast(embeddings, labels)
    assert found.dtype == torch.float32
    assert found.item() == rank_n_contrast(embeddings.float(), labels.float()).item()


def test_a_broken_embedding_is_not_hidden() -> None:
    embeddings = torch.tensor([[NAN], [1.0], [2.0]])
    assert rank_n_contrast(embeddings, torch.tensor([1.0, 2.0, 3.0])).isnan()


def test_descent_orders_embeddings_by_label() -> None:
    generator = torch.Generator().manual_seed(5)
    labels = torch.rand(12, generator=generator)
    embeddings = torch.randn(12, 4, generator=generator).requires_grad_()
    optimiser = torch.optim.Adam([embeddings], lr=0.1)
    losses = []
    for _ in range(400):
        optimiser.zero_grad()
        loss = rank_n_contrast(embeddings, labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    # From the worst clip on, distances grow with labels.
    worst = embeddings[labels.argmin()]
    distances = (embeddings - worst).norm(dim=1)
    assert distances.argsort().tolist() == labels.argsort().tolist()


def test_a_large_batch_is_quick() -> None:
    # All triples of 2,000 clips would fill 32 GB.
    generator = torch.Generator().manual_seed(7)
    embeddings = torch.randn(2000, 2, generator=generator).requires_grad_()
    rank_n_contrast(embeddings, torch.randn(2000, generator=generator)).backward()
    assert embeddings.grad is not None
    assert embeddings.grad.isfinite().all()


def test_wrong_arguments_are_refused() -> None:
    good, labels = torch.ones(4, 2), torch.ones(4)
    with pytest.raises(DataError, match=r"not \[4\] and \[4\]"):
        rank_n_contrast(labels, labels)
    with pytest.raises(DataError, match=r"not \[4, 2\] and \[4, 1\]"):
        rank_n_contrast(good, labels[:, None])
    with pytest.raises(DataError, match=r"of 4 clips, not torch.bool \[4, 1\]"):
        rank_n_contrast(good, labels, comparable=torch.ones(4, 1, dtype=torch.bool))
    with pytest.raises(DataError, match=r"not torch.float32 \[4, 4\]"):
        rank_n_contrast(good, labels, comparable=torch.ones(4, 4))
    with pytest.raises(ConfigError, match="must be positive, not 0"):
        rank_n_contrast(good, labels, 0.0)
    with pytest.raises(DataError, match=r"not \[4, 2\] and \[\]"):
        rank_n_contrast(good, torch.tensor(64.0))
