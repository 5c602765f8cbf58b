"""The short-time Fourier transform: exactly invertible at any rate and length."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auricle.degrade.short_time import band_starts, invert, mel_of_bins, transform


@given(
    st.sampled_from((8000, 11025, 22050, 44100, 48000, 96000)),
    st.integers(1, 2),
    st.integers(1, 9000),
)
def test_the_inverse_brings_every_sample_back(sample_rate: int, channels: int, frames: int) -> None:
    samples = np.random.default_rng(frames).uniform(-1.0, 1.0, (channels, frames))
    back = invert(transform(samples, sample_rate), sample_rate, frames)
    assert back.shape == samples.shape
    assert np.abs(back - samples).max() < 2e-6


@given(st.integers(8000, 192_000), st.floats(20.0, 2000.0))
def test_bands_cover_all_bins_once(sample_rate: int, width: float) -> None:
    starts = band_starts(sample_rate, width)
    assert starts[0] == 0
    assert (np.diff(starts) > 0).all()
    assert starts[-1] < mel_of_bins(sample_rate).size
