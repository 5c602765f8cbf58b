"""Delay estimation and alignment."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, InputError, SignalError
from auricle.degrade.base import apply_cascade, apply_process, parse_cascade, parse_process
from auricle.signal.align import align, estimate_delay


def noise(frames: int, seed: int = 0, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(channels, frames)) * 0.1


def shifted(samples: np.ndarray, delay: int) -> np.ndarray:
    """Silence in front, or the first samples cut."""
    if delay < 0:
        return samples[:, -delay:]
    return np.pad(samples, ((0, 0), (delay, 0)))


@settings(max_examples=40, deadline=None)
@given(
    delay=st.integers(-2000, 2000),
    gain=st.sampled_from((1.0, -1.0, 0.01, -3.0)),
    offset=st.sampled_from((0.0, 0.2)),
    channels=st.integers(1, 2),
    seed=st.integers(0, 1000),
)
def test_any_delay_is_found(
    delay: int, gain: float, offset: float, channels: int, seed: int
) -> None:
    samples = noise(8000, seed, channels)
    reference = Audio.from_array(samples, 8000)
    degraded = Audio.from_array(gain * shifted(samples, delay) + offset, 8000)
    assert estimate_delay(reference, degraded) == delay


def test_noise_on_top_does_not_matter() -> None:
    samples = noise(20000)
    dirty = shifted(samples, 123)[:, :20000] + noise(20000, seed=9)
    assert estimate_delay(Audio.from_array(samples, 48000), Audio.from_array(dirty, 48000)) == 123


@pytest.mark.parametrize("process", ["vocode:32", "jitter:80", "reverb:600"])
@pytest.mark.parametrize("delay", [0, 4800])
def test_where_waveforms_differ_the_course_of_the_spectra_decides(
    music: Audio, process: str, delay: int
) -> None:
    degraded = apply_process(music, parse_process(process))
    late = Audio.from_array(shifted(degraded.samples, delay), music.sample_rate)
    assert abs(estimate_delay(music, late) - delay) <= 0.005 * music.sample_rate


@pytest.mark.parametrize("delay", [-200, 0, 137, 816])
@pytest.mark.parametrize("cascade", ["highpass:4000", "darken:6+highpass:1000", "noise"])
def test_a_sharp_peak_of_the_waveforms_is_exact(music: Audio, cascade: str, delay: int) -> None:
    """Their normalised correlation is as low as after a vocoder; filters are late by themselves."""
    if cascade == "noise":
        level = 28.0 * float(np.std(music.samples))
        dirty = music.samples + level * noise(music.frames)
        degraded = Audio.from_array(dirty, music.sample_rate)
    else:
        degraded = apply_cascade(music, parse_cascade(cascade))
    own = estimate_delay(music, degraded)
    late = Audio.from_array(shifted(degraded.samples, delay), music.sample_rate)
    assert 0 <= own <= 24
    assert estimate_delay(music, late) == delay + own


def test_long_signals_are_correlated_in_blocks() -> None:
    """700,000 samples are three blocks; only the last one holds anything to go by."""
    samples = np.zeros((1, 700_000))
    samples[:, 600_000:] = noise(100_000)
    reference = Audio.from_array(samples, 48000)
    for delay in (-4800, 4321):
        degraded = Audio.from_array(shifted(samples, delay), 48000)
        assert estimate_delay(reference, degraded, 0.1) == delay


def test_no_more_than_the_largest_delay() -> None:
    samples = noise(8000)
    late = Audio.from_array(shifted(samples, 500), 8000)
    assert abs(estimate_delay(Audio.from_array(samples, 8000), late, 0.05)) <= 400


@pytest.mark.parametrize("delay", [-300, 0, 300])
def test_align_cuts_to_the_common_part(delay: int) -> None:
    samples = noise(4000, channels=2)
    reference, degraded = align(
        Audio.from_array(samples, 8000), Audio.from_array(shifted(samples, delay), 8000)
    )
    assert reference.frames == 4000 + min(delay, 0)
    assert np.array_equal(reference.samples, degraded.samples)


def test_one_sample_aligns_with_itself() -> None:
    with pytest.raises(SignalError, match="silent"):
        estimate_delay(Audio.from_array([0.5], 8000), Audio.from_array([0.5], 8000))


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(100), "degraded signal is silent"),
        (np.full(100, 0.3), "degraded signal is silent"),
        (np.zeros(0), "degraded signal is silent"),
        (np.array([0.1, np.nan]), "not finite"),
    ],
)
def test_nothing_to_align(samples: np.ndarray, message: str) -> None:
    reference = Audio.from_array(noise(100), 8000)
    with pytest.raises(SignalError, match=message):
        estimate_delay(reference, Audio.from_array(samples, 8000))


def test_silent_reference() -> None:
    with pytest.raises(SignalError, match="reference is silent"):
        align(Audio.from_array(np.zeros(100), 8000), Audio.from_array(noise(100), 8000))


def test_arguments_that_make_no_sense() -> None:
    audio = Audio.from_array(noise(100), 8000)
    with pytest.raises(InputError, match="8000 and 16000"):
        estimate_delay(audio, Audio.from_array(noise(100), 16000))
    with pytest.raises(ConfigError, match="positive"):
        estimate_delay(audio, audio, 0.0)
