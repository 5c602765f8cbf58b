import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.encoders.clock import resample_frames
from auricle.encoders.waveform import Embedding


@settings(max_examples=50, deadline=None)
@given(
    hop=st.floats(0.005, 0.3),
    rate=st.floats(1.0, 20.0),
    frames=st.integers(1, 40),
    bins=st.integers(1, 30),
)
def test_bins_are_means_of_frames(hop: float, rate: float, frames: int, bins: int) -> None:
    ones = Embedding(torch.ones(1, 2, frames, 3), torch.tensor([frames]))
    torch.testing.assert_close(resample_frames(ones, hop, rate, bins), torch.ones(1, 2, bins, 3))
    ramp = torch.arange(float(frames)).reshape(1, 1, frames, 1)
    found = resample_frames(Embedding(ramp, torch.tensor([frames])), hop, rate, bins).flatten()
    assert (found.diff() >= -1e-4).all()
    assert found.min() >= -1e-4
    assert found.max() <= frames - 1 + 1e-4


def test_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    values = torch.randn(1, 2, 12, 3)
    padded = torch.cat((values, torch.full((1, 2, 5, 3), 7.0)), dim=2)
    frames = torch.tensor([12])
    torch.testing.assert_close(
        resample_frames(Embedding(padded, frames), 0.02, 5.0, 2),
        resample_frames(Embedding(values, frames), 0.02, 5.0, 2),
    )


def test_equal_rates_leave_frames_as_they_are() -> None:
    values = torch.randn(2, 1, 10, 3)
    same = resample_frames(Embedding(values, torch.tensor([10, 10])), 0.25, 4.0, 10)
    torch.testing.assert_close(same, values)
