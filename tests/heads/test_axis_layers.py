"""Ratings from all layers of one encoder."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from auricle.heads.axis_layers import AxisLayersHead
from auricle.heads.fusion import Shape


def build_head(blocks: int) -> AxisLayersHead:
    torch.manual_seed(0)
    head = AxisLayersHead(Shape(3, 5), axes=2, blocks=blocks, hidden=7, dropout=0.5)
    torch.nn.init.normal_(head.weights)
    return head.eval()


@given(st.integers(1, 6), st.integers(0, 4), st.integers(0, 2), st.floats(0.1, 10.0))
def test_neither_padding_nor_scale_matters(
    bins: int, padding: int, blocks: int, scale: float
) -> None:
    head = build_head(blocks)
    clip = torch.randn(1, 3, bins, 5, generator=torch.Generator().manual_seed(bins))
    alone = head([clip], torch.tensor([bins]))
    padded = torch.cat((scale * clip, torch.full((1, 3, padding, 5), 9.0)), dim=2)
    beside = head([padded], torch.tensor([bins]))
    for one, other in zip(alone, beside, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_an_axis_hears_the_layers_that_it_weighs() -> None:
    head = build_head(blocks=1)
    head.weights.data = torch.tensor([[0.0, -100.0, -100.0], [-100.0, -100.0, 0.0]])
    bins = torch.tensor([4])
    first, last = torch.randn(1, 3, 4, 5), torch.randn(1, 3, 4, 5)
    last[:, 0] = first[:, 0]
    same, other = (head([clip], bins).mean[0] for clip in (first, last))
    assert same[0] == other[0]
    assert same[1] != other[1]


def test_without_blocks_a_rating_is_linear_in_the_unit_vector() -> None:
    head = build_head(blocks=0)
    head.centre.copy_(torch.tensor([5.0, 3.0]))
    head.spread.copy_(torch.tensor([2.0, 1.0]))
    prediction = head([torch.randn(4, 3, 6, 5)], torch.tensor([6, 6, 3, 1]))
    torch.testing.assert_close(prediction.latents.norm(dim=-1), torch.ones(4, 2))
    standard = torch.stack(
        [last(prediction.latents[:, axis])[:, 0] for axis, last in enumerate(head.outputs)], dim=1
    )
    torch.testing.assert_close(prediction.mean, head.centre + head.spread * standard)
    torch.testing.assert_close(head.standardise(prediction.mean), standard)
