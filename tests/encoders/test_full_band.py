import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core.errors import ConfigError
from auricle.encoders.full_band import FRONT_END, FullBandEncoder
from auricle.signal.spectra import LogMel


@pytest.fixture(scope="module")
def encoder() -> FullBandEncoder:
    torch.manual_seed(0)
    return FullBandEncoder(channels=4, blocks=3).eval()


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    samples = np.random.default_rng(seed).normal(0.0, 0.1, round(48000 * seconds))
    return samples.astype(np.float32)


def test_facts_tell_what_comes_out(encoder: FullBandEncoder) -> None:
    found = encoder.embed([noise(1.0)])
    facts = encoder.facts
    assert (facts.sample_rate, facts.hop) == (48000, 1024)
    assert found.values.shape == (1, facts.layers, 47, facts.features)
    assert int(found.frames[0]) == 47


@settings(max_examples=10, deadline=None)
@given(short=st.integers(3000, 40000), seed=st.integers(0, 99))
def test_a_clip_does_not_depend_on_its_neighbours(
    encoder: FullBandEncoder, short: int, seed: int
) -> None:
    clip = noise(1.0, seed)[:short]
    alone, together = encoder.embed([clip]), encoder.embed([noise(1.0, seed + 1), clip])
    frames = int(alone.frames[0])
    assert int(together.frames[1]) == frames
    torch.testing.assert_close(together.values[1, :, :frames], alone.values[0, :, :frames])
    assert not together.values[1, :, frames:].any()


def test_what_is_far_away_in_time_does_not_count(encoder: FullBandEncoder) -> None:
    clip = noise(2.0)
    altered = clip.copy()
    altered[60000:] = 0.0
    before, after = (encoder.embed([samples]).values for samples in (clip, altered))
    # Seven frames of 1024 samples to each side, and the window of the spectrum.
    # The mean of the whole clip, which is taken off first, differs a little.
    torch.testing.assert_close(before[:, :, :49], after[:, :, :49], atol=0.01, rtol=0.0)
    assert (before - after)[:, :, 62:].abs().max() > 0.1


def test_front_end_hears_level_and_leaves_out_what_nobody_hears() -> None:
    loud, soft = FRONT_END(noise(0.5)), FRONT_END(noise(0.5) / 2)
    inside = (soft > 0.0) & (loud < 1.0)
    np.testing.assert_allclose((loud - soft)[inside], 6.02 / 90.0, atol=1e-3)
    time = np.arange(24000) / 48000
    assert not FRONT_END(0.5 * np.sin(2 * np.pi * 22000 * time).astype(np.float32))[4:-4, -4:].any()


def test_front_ends_that_do_not_fit_are_refused() -> None:
    for front_end in (LogMel(n_mels=95, level="absolute"), LogMel(n_mels=96)):
        with pytest.raises(ConfigError, match="even number of mel bands at absolute level"):
            FullBandEncoder(front_end)
