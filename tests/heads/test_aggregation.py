import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from auricle.heads.aggregation import (
    Aggregation,
    AttentionAggregation,
    ConvolutionAggregation,
    HiddenBlstm,
    MeanAggregation,
    StatisticsAggregation,
    TimeBlstm,
)
from auricle.heads.axes import AxisHeads
from auricle.heads.fusion import BranchInput, FusionHead, Shape

ALL = [
    MeanAggregation(6),
    HiddenBlstm(6, 5),
    TimeBlstm(6, 5),
    AttentionAggregation(6, 4),
    StatisticsAggregation(6),
    ConvolutionAggregation(6, 5).eval(),
]


@pytest.mark.parametrize("aggregation", ALL, ids=lambda a: type(a).__name__)
def test_padding_and_neighbours_change_nothing(aggregation: Aggregation) -> None:
    torch.manual_seed(0)
    clips = [torch.randn(length, 6) for length in (7, 1, 4)]
    alone = torch.cat([aggregation(clip.unsqueeze(0), torch.tensor([len(clip)])) for clip in clips])
    # Whatever lies in the padding must not be heard.
    batch = torch.full((3, 9, 6), 1e3)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = clip
    together = aggregation(batch, torch.tensor([7, 1, 4]))
    assert together.shape == (3, aggregation.features)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_blstm_h_makes_one_step_over_the_mean() -> None:
    torch.manual_seed(0)
    aggregation = HiddenBlstm(6, 5)
    frames = torch.randn(2, 4, 6)
    mean = frames.mean(dim=1, keepdim=True)
    _, (hidden, _) = aggregation.lstm(mean)
    expected = torch.cat((hidden[0], hidden[1]), dim=-1)
    found = aggregation(frames, torch.tensor([4, 4]))
    torch.testing.assert_close(found, expected)
    # The order of frames is lost in the mean.
    shuffled = aggregation(frames.flip(1), torch.tensor([4, 4]))
    torch.testing.assert_close(found, shuffled)


def test_blstm_t_hears_the_order_of_frames() -> None:
    torch.manual_seed(0)
    aggregation = TimeBlstm(6, 5)
    frames = torch.randn(1, 6, 6)
    count = torch.tensor([6])
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    assert not torch.allclose(aggregation(frames, count), aggregation(frames[:, order], count))


def test_convolutions_hear_how_frames_follow_each_other() -> None:
    torch.manual_seed(0)
    aggregation = ConvolutionAggregation(6, 5).eval()
    frames = torch.randn(1, 26, 6)
    count = torch.tensor([26])
    assert not torch.allclose(aggregation(frames, count), aggregation(frames.flip(1), count))
    # Thousands of frames are as good as one.
    assert aggregation(torch.randn(1, 3001, 6), torch.tensor([3001])).shape == (1, 5)


def test_axes_learn_by_themselves() -> None:
    heads = AxisHeads(4, axes=3, hidden=5, dropout=0.0)
    heads(torch.randn(2, 4)).mean[:, 1].sum().backward()
    moved = [any(p.grad.any() for p in head.parameters()) for head in heads.heads]
    assert moved == [False, True, False]


def test_a_branch_standardises_what_it_was_fitted_on() -> None:
    torch.manual_seed(0)
    clips = [5.0 + 3.0 * torch.randn(2, length, 4) for length in (30, 50)]
    branch = BranchInput(Shape(2, 4), weighted=True)
    branch.fit(clips)
    with torch.no_grad():
        nn.init.constant_(branch.weights[:1], 50.0)  # type: ignore[index]
        standard = torch.cat([branch(clip.unsqueeze(0))[0] for clip in clips])
    torch.testing.assert_close(standard.mean(dim=0), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(standard.std(dim=0, correction=0), torch.ones(4), atol=1e-4, rtol=0)


def test_a_feature_that_never_moves_is_not_blown_up() -> None:
    clip = torch.randn(1, 40, 4)
    clip[..., 2] = 0.3 + 1e-7 * torch.randn(40)
    branch = BranchInput(Shape(1, 4), weighted=False)
    branch.fit([clip])
    # Whatever such a feature does later, it was never seen to mean anything.
    clip[..., 2] = 100.0
    assert branch(clip.unsqueeze(0))[..., 2].abs().max() == 0.0


def test_no_feature_counts_for_more_than_ten_deviations() -> None:
    torch.manual_seed(0)
    branch = BranchInput(Shape(1, 4), weighted=False)
    branch.fit([torch.randn(1, 100, 4)])
    far = torch.full((1, 1, 2, 4), 1e4)
    assert branch(far).max() == 10.0
    assert branch(-far).min() == -10.0


def test_only_the_last_layer_is_read_without_weights() -> None:
    branch = BranchInput(Shape(3, 4), weighted=False)
    embedding = torch.randn(1, 3, 5, 4)
    torch.testing.assert_close(branch(embedding), embedding[:, -1])


@settings(max_examples=20, deadline=None)
@given(centre=st.floats(-5, 5), spread=st.floats(0.1, 5))
def test_ratings_are_on_the_labels_scale(centre: float, spread: float) -> None:
    head = FusionHead(
        [BranchInput(Shape(1, 3), weighted=False)], MeanAggregation(3), AxisHeads(3, 2), axes=2
    ).eval()
    bins = torch.tensor([4])
    embedding = [torch.randn(1, 1, 4, 3)]
    plain = head(embedding, bins).mean
    head.centre.fill_(centre)
    head.spread.fill_(spread)
    scaled = head(embedding, bins).mean
    torch.testing.assert_close(scaled, centre + spread * plain, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(head.standardise(scaled), plain, atol=1e-4, rtol=1e-4)
