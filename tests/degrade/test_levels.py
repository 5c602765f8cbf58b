"""Degradations by chance or spectrum: the same at any level, safe for silence and short audio."""

from __future__ import annotations

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.core.errors import SignalError
from auricle.degrade.base import apply_process, parse_process

PROCESSES = (
    "quantise:6", "saturate:12", "pink:20", "mnru:20", "musical:15", "babble:10", "mask:-5",
    "holes:40", "vocode:64", "loss:20", "jitter:30", "reverb:700", "narrow:60",
)  # fmt: skip
# What treats all channels alike, so that equal channels stay equal.
COHERENT = (
    "quantise:6", "saturate:12", "mnru:20", "babble:10", "mask:-5", "holes:40", "vocode:64",
    "loss:20", "jitter:30", "narrow:60",
)  # fmt: skip


def music(channels: int = 2, seconds: float = 1.0, sample_rate: int = 48000) -> Audio:
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(channels, round(seconds * sample_rate)))
    tone = np.sin(np.arange(noise.shape[1]) * 2 * np.pi * 440 / sample_rate)
    return Audio.from_array(0.2 * tone + 0.05 * noise, sample_rate)


@pytest.mark.parametrize("text", PROCESSES)
def test_the_level_makes_no_difference(text: str) -> None:
    audio, process = music(), parse_process(text)
    degraded = apply_process(audio, process).samples
    assert not np.array_equal(degraded, audio.samples)
    softer = apply_process(Audio.from_array(audio.samples / 1024, 48000), process).samples
    assert np.array_equal(1024 * softer, degraded)
    louder = apply_process(Audio.from_array(1.7 * audio.samples, 48000), process).samples
    # Rounding may flip a step of the quantiser, here and there.
    assert np.mean(np.abs(louder - 1.7 * degraded) > 1e-3) < 1e-3


@pytest.mark.parametrize("text", PROCESSES)
def test_silence_stays_silent(text: str) -> None:
    silent = Audio.from_array(np.zeros((2, 4800)), 48000)
    assert not apply_process(silent, parse_process(text)).samples.any()


@pytest.mark.parametrize("text", PROCESSES)
def test_a_silent_channel_disturbs_nothing(text: str) -> None:
    samples = music().samples.copy()
    samples[1] = 0.0
    assert np.isfinite(
        apply_process(Audio.from_array(samples, 48000), parse_process(text)).samples
    ).all()


@pytest.mark.parametrize("text", PROCESSES)
@pytest.mark.parametrize("sample_rate", [8000, 11025, 44100, 96000])
@pytest.mark.parametrize("seconds", [0.0002, 0.1])
def test_short_audio_keeps_its_shape(text: str, sample_rate: int, seconds: float) -> None:
    audio = music(2, seconds, sample_rate)
    degraded = apply_process(audio, parse_process(text)).samples
    assert degraded.shape == audio.samples.shape
    assert np.isfinite(degraded).all()


@pytest.mark.parametrize("text", COHERENT)
def test_equal_channels_stay_equal(text: str) -> None:
    row = music(1).samples[0]
    left, right = apply_process(Audio.from_array([row, row], 48000), parse_process(text)).samples
    assert np.array_equal(left, right)


@pytest.mark.parametrize("text", PROCESSES)
def test_unusable_audio_is_refused(text: str) -> None:
    with pytest.raises(SignalError, match="no samples"):
        apply_process(Audio.from_array(np.zeros((1, 0)), 48000), parse_process(text))
    with pytest.raises(SignalError, match="not finite"):
        apply_process(Audio.from_array([0.0, np.inf], 48000), parse_process(text))
