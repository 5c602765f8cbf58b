import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.encoders.conv1d import Conv1d
from auricle.encoders.mel_cnn import BandStatistics, MelCnn

SMALL = {"stem": 8, "channels": (8, 8), "features": 16}


def test_conv1d_has_the_shapes_of_table_iii() -> None:
    encoder = Conv1d().eval()
    shapes = []
    for layer in encoder.layers:
        layer.register_forward_hook(lambda _layer, _input, output: shapes.append(output.shape[1:]))
    assert encoder(torch.zeros(1, 1876, 256)).shape == (1, 1, 230, 256)
    # Convolution, ReLU, pooling, dropout, three times; the paper states frame by channel.
    table = [(1866, 64), (933, 64), (927, 128), (463, 128), (461, 256), (230, 256)]
    seen = [(frame, channel) for channel, frame in shapes]
    assert [seen[index] for index in (0, 2, 4, 6, 8, 10)] == table
    assert encoder.frames(1876) == 230


@given(frames=st.integers(9, 200))
@settings(max_examples=15, deadline=None)
def test_mel_cnn_takes_any_length_and_says_how_many_frames_come_out(frames: int) -> None:
    encoder = MelCnn(32, **SMALL).eval()
    embedding = encoder(torch.rand(1, frames, 32))
    assert embedding.shape == (1, 1, encoder.frames(frames), encoder.features)
    assert torch.isfinite(embedding).all()


def test_mel_cnn_frames_are_stride_apart() -> None:
    encoder = MelCnn(32, **SMALL, context=0).eval()
    quiet = torch.zeros(1, 400, 32)
    event = quiet.clone()
    event[0, 200] = 1.0
    with torch.no_grad():
        change = (encoder(event) - encoder(quiet)).abs().sum(dim=(1, 3))[0]
    centre = (change * torch.arange(len(change))).sum() / change.sum()
    assert abs(centre.item() - 200 / encoder.stride) < 1.5
    reach = 7
    assert (change[: 200 // encoder.stride - reach] == 0).all()
    assert (change[200 // encoder.stride + reach :] == 0).all()


def test_mel_cnn_knows_nothing_beyond_its_context() -> None:
    encoder = MelCnn(32, **SMALL, context=80).eval()
    log_mel = torch.rand(1, 400, 32)
    changed = log_mel.clone()
    changed[0, 200:] = 0.0
    with torch.no_grad():
        change = (encoder(changed) - encoder(log_mel)).abs().sum(dim=(1, 3))[0]
    first = int(change.nonzero()[0])
    assert (200 - 40) // encoder.stride - 2 <= first < 200 // encoder.stride


def test_mel_cnn_tells_bands_apart() -> None:
    torch.manual_seed(0)
    encoder = MelCnn(32, **SMALL).eval()
    low, high = torch.zeros(1, 64, 32), torch.zeros(1, 64, 32)
    low[..., 4], high[..., 24] = 1.0, 1.0
    assert not torch.allclose(encoder(low), encoder(high), atol=1e-3)


@pytest.mark.parametrize("encoder", [MelCnn(32, **SMALL), Conv1d(32, filters=(8,), lengths=(3,))])
def test_every_parameter_gets_a_gradient(encoder: torch.nn.Module) -> None:
    encoder.train()(torch.rand(4, 64, 32)).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_band_statistics_know_no_order_of_time_but_know_change() -> None:
    torch.manual_seed(0)
    statistics = BandStatistics(8, 4, stride=2, context=400).eval()
    log_mel = torch.rand(1, 50, 8)
    steady = log_mel.sort(dim=1).values
    backwards = log_mel.flip(1)
    torch.testing.assert_close(statistics(log_mel), statistics(backwards))
    assert not torch.allclose(statistics(log_mel), statistics(steady), atol=1e-4)
