"""NT-Xent by hand, against a double loop, and what must not change it."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from auricle.core.errors import ConfigError, DataError
from auricle.losses.contrastive import nt_xent

seeds = st.integers(0, 10_000)
temperatures = st.floats(0.05, 2.0)


def draw(pairs: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return views in random order, and the pairs that they are of."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(2 * pairs, generator=generator)
    return torch.randn(2 * pairs, 3, generator=generator), (torch.arange(2 * pairs) // 2)[order]


def loop(
    embeddings: list[list[float]], pairs: list[int], t: float, contents: list[int], hard: float
) -> float:
    """Return the loss by its definition."""

    def cosine(one: list[float], other: list[float]) -> float:
        dot = sum(x * y for x, y in zip(one, other, strict=True))
        return dot / math.hypot(*one) / math.hypot(*other)

    views = range(len(pairs))
    total = 0.0
    for i in views:
        (partner,) = (j for j in views if j != i and pairs[j] == pairs[i])
        below = 0.0
        for k in views:
            if k != i:
                counts = hard if k != partner and contents[k] == contents[i] else 1.0
                below += counts * math.exp(cosine(embeddings[i], embeddings[k]) / t)
        total -= math.log(math.exp(cosine(embeddings[i], embeddings[partner]) / t) / below)
    return total / len(pairs)


@settings(deadline=None)
@given(st.integers(1, 5), seeds, temperatures, st.floats(0.5, 8.0))
def test_agrees_with_a_double_loop(pairs: int, seed: int, temperature: float, hard: float) -> None:
    views, pair_of = draw(pairs, seed)
    contents = pair_of // 2
    expected = loop(views.tolist(), pair_of.tolist(), temperature, contents.tolist(), hard)
    found = nt_xent(views, pair_of, temperature, content_of=contents, hard=hard)
    assert found.item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_by_hand() -> None:
    # Partners are equal, all others at a right angle: -log(e^2 / (e^2 + 2)).
    views = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    expected = math.log(1.0 + 2.0 * math.exp(-2.0))
    assert nt_xent(views, torch.tensor([7, 7, 3, 3]), 0.5).item() == pytest.approx(expected)
    # A pair alone is found at once.
    assert nt_xent(views[:2], torch.tensor([0, 0])).item() == 0.0


@settings(deadline=None)
@given(st.integers(2, 6), seeds, st.floats(0.01, 100.0))
def test_neither_order_nor_numbers_nor_size_matter(pairs: int, seed: int, scale: float) -> None:
    views, pair_of = draw(pairs, seed)
    loss = nt_xent(views, pair_of)
    order = torch.randperm(len(views))
    torch.testing.assert_close(nt_xent(views[order], pair_of[order]), loss)
    torch.testing.assert_close(nt_xent(scale * views, 5 - pair_of), loss)


def test_partners_attract_and_hard_negatives_repel_more() -> None:
    views, pair_of = draw(4, 0)
    views.requires_grad_()
    contents = pair_of // 2
    nt_xent(views, pair_of).backward()  # type: ignore[no-untyped-call]
    assert views.grad is not None
    stepped = views.detach() - 0.1 * views.grad
    assert nt_xent(stepped, pair_of) < nt_xent(views, pair_of)
    assert nt_xent(views, pair_of, content_of=contents, hard=4.0) > nt_xent(views, pair_of)


def test_half_precision_is_computed_in_full() -> None:
    views, pair_of = draw(4, 1)
    half = views.to(torch.bfloat16)
    loss = nt_xent(half, pair_of)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, nt_xent(half.float(), pair_of))


@pytest.mark.parametrize("pair_of", [[0, 0, 1], [0, 0, 0, 0], [0, 1, 2, 3], []])
def test_pairs_have_two_views(pair_of: list[int]) -> None:
    with pytest.raises(DataError, match="two views"):
        nt_xent(torch.ones(len(pair_of), 2), torch.tensor(pair_of))


def test_refuses_what_does_not_fit() -> None:
    views, pair_of = draw(2, 0)
    with pytest.raises(DataError, match=r"\[view\]"):
        nt_xent(views, pair_of[:2])
    with pytest.raises(ConfigError, match="temperature"):
        nt_xent(views, pair_of, 0.0)
    with pytest.raises(ConfigError, match="hard"):
        nt_xent(views, pair_of, hard=-1.0)
