import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError
from auricle.signal.resample import resample, resample_blocks


@settings(deadline=None, max_examples=20)
@given(
    rate=st.sampled_from([8000, 16000, 22050, 44100, 96000, 192000]),
    size=st.integers(1, 9000),
)
def test_a_stream_gives_what_one_call_gives(rate: int, size: int) -> None:
    signal = np.random.default_rng(0).standard_normal(9001).astype(np.float32)
    blocks = [signal[begin : begin + size] for begin in range(0, signal.size, size)]
    streamed = np.concatenate(list(resample_blocks(blocks, rate, 48000)))
    at_once = resample(Audio.from_array(signal, rate), 48000).samples[0]
    assert np.array_equal(streamed, at_once)


def test_a_tone_keeps_its_level_and_pitch() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(44100) / 44100)
    converted = resample(Audio.from_array(tone, 44100), 48000).samples[0]
    expected = np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)
    assert np.abs(converted - expected)[1000:-1000].max() < 1e-4


def test_a_rate_must_be_positive() -> None:
    with pytest.raises(ConfigError, match="positive"):
        resample(Audio.from_array([0.0], 8000), 0)
