import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, SignalError
from auricle.signal.resample import resample, resample_blocks


def stream(signal: np.ndarray, rate: int, size: int) -> np.ndarray:
    blocks = [signal[begin : begin + size] for begin in range(0, signal.size, size)]
    return np.concatenate(list(resample_blocks(blocks, rate, 48000)))


@settings(deadline=None, max_examples=20)
@given(
    rate=st.sampled_from([8000, 16000, 22050, 44100, 96000, 192000]),
    size=st.integers(1, 9000),
)
def test_a_stream_gives_what_one_call_gives(rate: int, size: int) -> None:
    signal = np.random.default_rng(0).standard_normal(9001).astype(np.float32)
    signal[0] = 0.0  # the level that a stream counts on before and after it
    at_once = resample(Audio.from_array(signal, rate), 48000).samples[0]
    assert np.array_equal(stream(signal, rate, size), at_once)
    # With an offset it is the same, an offset higher.
    higher = stream(signal + np.float32(0.5), rate, size)
    assert np.abs(higher - at_once - 0.5).max() < 1e-5


def test_a_tone_keeps_its_level_and_pitch() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(44100) / 44100)
    converted = resample(Audio.from_array(tone, 44100), 48000).samples[0]
    expected = np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)
    assert np.abs(converted - expected)[1000:-1000].max() < 1e-4


def test_a_rate_must_be_positive() -> None:
    with pytest.raises(ConfigError, match="positive"):
        resample(Audio.from_array([0.0], 8000), 0)


def test_an_offset_stays_one_without_ringing_at_its_edges() -> None:
    offset = np.full(9001, 0.7, dtype=np.float32)
    assert np.abs(stream(offset, 44100, 1000) - 0.7).max() < 1e-6


@pytest.mark.parametrize("rate", [1, 11, 999])
def test_rates_that_no_audio_has_are_refused(rate: int) -> None:
    with pytest.raises(SignalError, match="1000 Hz or more"):
        resample(Audio.from_array([0.0] * 9, rate), 48000)
    with pytest.raises(SignalError, match="1000 Hz or more"):
        stream(np.zeros(9, dtype=np.float32), rate, 9)
