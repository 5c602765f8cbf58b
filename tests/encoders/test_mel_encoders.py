from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.encoders.drawn import draw_music

import auricle
from auricle.core.errors import ConfigError
from auricle.encoders.mel_cnn import MelCnn
from auricle.encoders.mel_encoders import MelCnnEncoder, MelStatistics, load_mel_cnn
from auricle.encoders.waveform import WaveformEncoder
from auricle.signal.spectra import LogMel

FRONT_END = LogMel(n_mels=32, hop=512, range_db=90.0)
EMBEDDED = Path(auricle.__file__).parent / "models" / "codec-music.v3" / "weights.safetensors"
OPTIONS = {"context": 118}


def untrained(context: int) -> MelCnnEncoder:
    torch.manual_seed(0)
    network = MelCnn(32, stem=8, channels=(8, 8, 8), features=16, context=context)
    for name, statistic in network.named_buffers():
        if name.endswith("running_mean"):
            statistic.normal_()
    torch.nn.init.normal_(network.position)
    return MelCnnEncoder(FRONT_END, network).eval()


@pytest.fixture(params=["cnn", "cnn without context", "statistics"])
def encoder(request: pytest.FixtureRequest) -> WaveformEncoder:
    if request.param == "statistics":
        return MelStatistics(FRONT_END, bands=16)
    return untrained(40 if request.param == "cnn" else 0)


@torch.no_grad()
def test_a_batch_of_unequal_lengths_equals_one_by_one(encoder: WaveformEncoder) -> None:
    lengths = (2.1, 0.02, 0.73, 1.0)
    clips = [draw_music(length, 48000, seed) for seed, length in enumerate(lengths)]
    together = encoder.embed(clips)
    for number, clip in enumerate(clips):
        alone = encoder.embed([clip])
        count = int(alone.frames[0])
        assert together.frames[number] == count == alone.values.shape[2]
        torch.testing.assert_close(
            together.values[number, :, :count], alone.values[0], atol=1e-4, rtol=0.0
        )
        assert not together.values[number, :, count:].any()


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 8, 9, 94])
def test_frames_are_as_many_as_come_out(encoder: WaveformEncoder, steps: int) -> None:
    count = int(encoder.frames(torch.tensor([steps]))[0])
    embedding = encoder(torch.rand(1, steps, 32), torch.tensor([steps]))
    assert embedding.shape == (1, 1, count, encoder.facts.features)
    assert torch.isfinite(embedding).all()


@pytest.mark.parametrize("steps", [1, 2, 7, 50, 120])
@torch.no_grad()
def test_the_embedded_network_gives_what_it_gives_in_its_system(steps: int) -> None:
    front_end = LogMel(hop=512, range_db=90.0, ceiling=20000.0)
    encoder = load_mel_cnn(front_end, OPTIONS, load_file(EMBEDDED))
    assert (encoder.facts.hop, encoder.facts.features) == (2048, 192)
    log_mel = torch.rand(2, steps, 256, dtype=torch.float64)
    embedding = encoder.double()(log_mel, torch.tensor([steps, steps]))
    torch.testing.assert_close(embedding, encoder.network(log_mel), atol=1e-9, rtol=0.0)


def test_training_mode_keeps_batch_normalisation_at_rest() -> None:
    encoder = untrained(40).train()
    assert encoder.network.dropout.training
    assert not encoder.network.bands.training


def test_weights_and_options_that_do_not_fit_are_refused() -> None:
    state = {f"encoder.{name}": v for name, v in untrained(40).network.state_dict().items()}
    sizes = {"stem": 8, "channels": (8, 8, 8), "features": 16, "context": 40}
    load_mel_cnn(FRONT_END, sizes, state)
    with pytest.raises(ConfigError, match="not those of MelCnn"):
        load_mel_cnn(FRONT_END, sizes | {"stem": 4}, state)
    with pytest.raises(ConfigError, match="stranger"):
        load_mel_cnn(FRONT_END, sizes, state | {"encoder.stranger": torch.zeros(1)})
    with pytest.raises(ConfigError, match="no options of MelCnn"):
        load_mel_cnn(FRONT_END, sizes | {"depth": 4}, state)


def test_statistics_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    clip = rng.random((41, 32)).astype(np.float32)
    encoder = MelStatistics(FRONT_END, bands=32, stride=4, context=20)
    ours = encoder(torch.from_numpy(clip).unsqueeze(0), torch.tensor([41]))[0, 0]
    own, mean, deviation, low, high, change = ours.reshape(11, 6, 32).unbind(dim=1)
    for frame in (0, 1, 5, 10):
        begin, end = max(0, 4 * frame - 8), min(41, 4 * frame + 12)
        window = clip[begin:end]
        np.testing.assert_allclose(own[frame], clip[4 * frame : 4 * frame + 4].mean(0), rtol=1e-5)
        np.testing.assert_allclose(mean[frame], window.mean(0), rtol=1e-5)
        np.testing.assert_allclose(deviation[frame], window.std(0), rtol=1e-4)
        for share, found in ((5, low), (95, high)):
            nearest = np.percentile(window, share, axis=0, method="nearest")
            np.testing.assert_allclose(found[frame], nearest, rtol=1e-6)
        steps = np.abs(np.diff(clip, axis=0))[max(begin - 1, 0) : end - 1]
        np.testing.assert_allclose(change[frame], steps.mean(0), rtol=1e-5)


def test_statistics_of_neighbouring_bands_are_averaged() -> None:
    log_mel, steps = torch.rand(1, 30, 32), torch.tensor([30])
    wide = MelStatistics(FRONT_END, bands=32)(log_mel, steps).reshape(1, 1, -1, 6, 32)
    narrow = MelStatistics(FRONT_END, bands=8)(log_mel, steps).reshape(1, 1, -1, 6, 8)
    torch.testing.assert_close(narrow, wide.reshape(1, 1, -1, 6, 8, 4).mean(dim=-1))


def test_impossible_statistics_are_refused() -> None:
    with pytest.raises(ConfigError, match="averaged to 24"):
        MelStatistics(FRONT_END, bands=24)
    with pytest.raises(ConfigError, match="a frame of 8"):
        MelStatistics(FRONT_END, bands=16, stride=8, context=4)
