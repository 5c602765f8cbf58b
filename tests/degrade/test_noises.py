"""Pink and modulated noise: their ratio, their spectrum, their course."""

from __future__ import annotations

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.degrade.noises import add_pink_noise, modulate_noise


def bursts(channels: int = 2) -> Audio:
    rng = np.random.default_rng(4)
    rows = 0.1 * rng.normal(size=(channels, 96000))
    rows[:, 24000:48000] = 0.0
    return Audio.from_array(rows, 48000)


def ratio_db(audio: Audio, degraded: Audio) -> float:
    noise = degraded.samples.astype(np.float64) - audio.samples
    return float(10 * np.log10(np.mean(audio.samples.astype(np.float64) ** 2) / np.mean(noise**2)))


@pytest.mark.parametrize("ratio", [0, 20, 50])
def test_noises_are_as_strong_as_asked(ratio: int) -> None:
    audio = bursts()
    assert ratio_db(audio, add_pink_noise(audio, ratio)) == pytest.approx(ratio, abs=0.02)
    assert ratio_db(audio, modulate_noise(audio, ratio)) == pytest.approx(ratio, abs=0.2)


def test_pink_noise_has_equal_power_in_octaves_and_differs_between_channels() -> None:
    audio = bursts()
    noise = add_pink_noise(audio, 0).samples.astype(np.float64) - audio.samples
    power = np.abs(np.fft.rfft(noise[0])) ** 2
    octaves = [power[low : 2 * low].sum() for low in (1000, 2000, 4000, 8000, 16000)]
    assert max(octaves) / min(octaves) < 1.3
    assert abs(np.corrcoef(noise)[0, 1]) < 0.1


def test_modulated_noise_is_silent_where_the_audio_is() -> None:
    assert not modulate_noise(bursts(), 5).samples[:, 24000:48000].any()
