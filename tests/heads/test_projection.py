"""Projection of all layers, and distances between what it gives."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import HubertConfig, HubertModel

from auricle.core.errors import DataError
from auricle.heads.projection import ProjectionHead, count_windows, distances


def parameters(network: torch.nn.Module) -> int:
    return sum(one.numel() for one in network.parameters())


def test_sizes_are_those_of_the_paper() -> None:
    # 13 x 768 = 9,984 features to 256. With LoRA of rank 8 on queries and values of 12 layers
    # that makes the 2.93% of trainable parameters that the paper tells.
    head = ProjectionHead(13, 768)
    assert parameters(head) == 9984 * 256 + 256
    with torch.device("meta"):
        encoder = HubertModel(HubertConfig(conv_bias=False))
    trained = parameters(head) + 12 * 2 * 2 * 768 * 8
    assert round(100.0 * trained / (parameters(encoder) + trained), 2) == 2.93


def test_projection_by_hand() -> None:
    # Means over the 2 real frames: 2 and -1 of the first layer, 0 and 4 of the second; -1 is cut.
    head = ProjectionHead(2, 2, size=1).eval()
    dense = head.project[2]
    assert isinstance(dense, torch.nn.Linear)
    torch.nn.init.constant_(dense.bias, 0.5)
    with torch.no_grad():
        dense.weight.copy_(torch.tensor([[1.0, 10.0, 100.0, 1000.0]]))
    first = torch.tensor([[1.0, 1.0], [3.0, -3.0], [99.0, 99.0]])
    second = torch.tensor([[-1.0, 4.0], [1.0, 4.0], [99.0, 99.0]])
    found = head(torch.stack([first, second])[None], torch.tensor([2]))
    assert found.tolist() == [[4002.5]]


@settings(max_examples=25, deadline=None)
@given(frames=st.integers(1, 9), padding=st.integers(0, 5), seed=st.integers(0, 99))
def test_neighbours_and_padding_change_nothing(frames: int, padding: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    head = ProjectionHead(3, 4, size=5).eval()
    clip = torch.randn(1, 3, frames, 4, generator=generator)
    alone = head(clip, torch.tensor([frames]))
    # Whatever padding holds.
    padded = torch.cat([clip, torch.full((1, 3, padding, 4), torch.nan)], dim=2)
    other = torch.randn(1, 3, frames + padding, 4, generator=generator)
    both = head(torch.cat([padded, other]), torch.tensor([frames, frames + padding]))
    assert both.shape == (2, 5)
    torch.testing.assert_close(both[:1], alone)


@settings(max_examples=25, deadline=None)
@given(
    frames=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    window=st.integers(1, 10),
    seed=st.integers(0, 99),
)
def test_windows_are_clips_of_their_own(frames: list[int], window: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    head = ProjectionHead(3, 4, size=5).eval()
    clips = torch.randn(len(frames), 3, max(frames), 4, generator=generator)
    counts = torch.tensor(frames)
    found = head(clips, counts, window)
    windows = count_windows(counts, window).tolist()
    assert found.shape == (len(frames), max(windows), 5)
    for clip, count, number, embeddings in zip(clips, frames, windows, found, strict=True):
        parts = clip[:, :count].split(window, dim=1)
        assert len(parts) == number
        alone = [head(part[None], torch.tensor([part.shape[1]]))[0] for part in parts]
        torch.testing.assert_close(embeddings[:number], torch.stack(alone))
        assert (embeddings[number:] == 0.0).all()


def test_dropout_is_of_training_only() -> None:
    torch.manual_seed(0)
    head = ProjectionHead(2, 100, dropout=0.5)
    clip, frames = torch.rand(1, 2, 6, 100), torch.tensor([6])
    assert not torch.equal(head(clip, frames), head(clip, frames))
    head.eval()
    assert torch.equal(head(clip, frames), head(clip, frames))


def test_every_parameter_and_layer_learns() -> None:
    head = ProjectionHead(3, 4)
    clip = torch.rand(2, 3, 5, 4, requires_grad=True)
    distances(*head(clip, torch.tensor([5, 3]))).backward()
    assert clip.grad is not None
    assert (clip.grad.abs().sum(dim=(0, 2, 3)) > 0.0).all()
    assert (clip.grad[1, :, 3:] == 0.0).all()
    weight = head.project[2].weight
    assert isinstance(weight, torch.nn.Parameter)
    assert weight.grad is not None
    assert weight.grad.abs().sum() > 0.0


def test_distances_of_pairs_and_to_references_of_other_content() -> None:
    clips = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    references = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    assert distances(clips, references[1:]).tolist() == [3.0, 0.0]
    expected = [[0.0, 3.0, 5.0], [5.0, 4.0, 0.0]]
    assert distances(clips[:, None], references).tolist() == expected


def test_equal_vectors_have_a_gradient_of_zero() -> None:
    vector = torch.ones(2, 3, requires_grad=True)
    distances(vector, torch.ones(2, 3)).sum().backward()
    assert vector.grad is not None
    assert (vector.grad == 0.0).all()


@pytest.mark.parametrize(
    ("first", "second"), [((4, 3), (4, 2)), ((4, 3), (2, 3)), ((), ()), ((4, 3), ())]
)
def test_vectors_that_make_no_pairs_are_refused(
    first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    with pytest.raises(DataError, match="of one size and with dimensions that broadcast"):
        distances(torch.zeros(first), torch.zeros(second))


@pytest.mark.parametrize("shape", [(2, 4, 5, 4), (2, 3, 5, 3), (3, 5, 4)])
def test_embeddings_of_other_sizes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"must be \[batch, 3, frame, 4\], not"):
        ProjectionHead(3, 4)(torch.zeros(shape), torch.tensor([5, 5]))


def test_as_many_numbers_of_frames_as_clips() -> None:
    with pytest.raises(DataError, match=r"2 clips need as many numbers of frames, not \[1\]"):
        ProjectionHead(3, 4)(torch.zeros(2, 3, 5, 4), torch.tensor([5]))
