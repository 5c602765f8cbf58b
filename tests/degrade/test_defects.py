"""Defects as strong as asked, pure and repeatable."""

from __future__ import annotations

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.core.errors import SignalError
from auricle.degrade.defects import add_noise, clip_peaks, narrow, quantise, saturate


def music(channels: int = 2, frames: int = 48000) -> Audio:
    rng = np.random.default_rng(1)
    rows = [np.convolve(rng.normal(size=frames), np.full(9, 0.02), "same") for _ in range(channels)]
    return Audio.from_array(rows, 48000)


def noise_of(audio: Audio, ratio: int) -> np.ndarray:
    return add_noise(audio, ratio).samples.astype(np.float64) - audio.samples


@pytest.mark.parametrize("ratio", [0, 10, 40, 70])
@pytest.mark.parametrize("frames", [1, 100, 48000])
def test_noise_is_as_strong_as_asked(ratio: int, frames: int) -> None:
    audio = music(2, frames)
    power = np.mean(audio.samples.astype(np.float64) ** 2)
    achieved = 10 * np.log10(power / np.mean(noise_of(audio, ratio) ** 2))
    assert achieved == pytest.approx(ratio, abs=0.02)


def test_noise_is_white_and_independent_between_channels() -> None:
    noise = noise_of(music(), 10)
    spectrum = np.abs(np.fft.rfft(noise[0])) ** 2
    octaves = [spectrum[low : 2 * low].mean() for low in (1500, 3000, 6000, 12000)]
    assert max(octaves) / min(octaves) < 1.2
    assert abs(np.corrcoef(noise)[0, 1]) < 0.02


def test_noise_is_the_same_for_other_audio_and_ratios() -> None:
    audio = music()
    louder = Audio.from_array(2.0 * audio.samples[:, ::-1], 48000)
    noises = [noise_of(audio, 10), noise_of(audio, 30), noise_of(louder, 10)]
    for noise in noises[1:]:
        assert np.corrcoef(noises[0].ravel(), noise.ravel())[0, 1] > 0.9999


def test_silence_stays_silent() -> None:
    silent = Audio.from_array(np.zeros((2, 100)), 48000)
    assert not add_noise(silent, 0).samples.any()
    assert not clip_peaks(silent, 50).samples.any()


@pytest.mark.parametrize("percent", [1, 5, 50])
def test_as_many_samples_are_clipped_as_asked(percent: int) -> None:
    audio = music()
    clipped = clip_peaks(audio, percent)
    limit = np.abs(clipped.samples).max()
    assert np.mean(np.abs(audio.samples) > limit) == pytest.approx(percent / 100, abs=1e-4)
    untouched = np.abs(audio.samples) <= limit
    assert np.array_equal(clipped.samples[untouched], audio.samples[untouched])


def test_clipping_follows_the_level() -> None:
    audio = music()
    louder = Audio.from_array(2.0 * audio.samples, 48000)
    assert np.array_equal(clip_peaks(louder, 5).samples, 2.0 * clip_peaks(audio, 5).samples)


@pytest.mark.parametrize("bits", [2, 5, 8])
def test_quantised_samples_lie_on_steps_of_the_peak(bits: int) -> None:
    audio = music(1)
    coarse = quantise(audio, bits).samples
    step = np.abs(audio.samples).max() / (2 ** (bits - 1) - 1)
    assert np.abs(coarse - audio.samples).max() <= step / 2 * 1.0001
    assert np.unique(coarse).size <= 2**bits - 1


@pytest.mark.parametrize("drive", [1, 12, 40])
def test_saturation_keeps_the_power_and_lowers_the_peak(drive: int) -> None:
    audio = music()
    soft = saturate(audio, drive).samples.astype(np.float64)
    assert np.mean(soft**2) == pytest.approx(np.mean(audio.samples.astype(np.float64) ** 2))
    assert np.abs(soft).max() < np.abs(audio.samples).max()


def test_narrowing_takes_that_share_of_the_side_signal() -> None:
    audio = music()
    side = audio.samples[0] - audio.samples[1]
    narrower = narrow(audio, 30).samples
    assert np.allclose(narrower.sum(axis=0), audio.samples.sum(axis=0), atol=1e-6)
    assert np.allclose(narrower[0] - narrower[1], 0.7 * side, atol=1e-6)
    mono = narrow(audio, 100).samples
    assert np.array_equal(mono[0], mono[1])
    assert np.array_equal(narrow(music(1), 100).samples, music(1).samples)


def test_unusable_audio_is_refused() -> None:
    for degrade in (add_noise, clip_peaks, narrow, quantise, saturate):
        with pytest.raises(SignalError, match="no samples"):
            degrade(Audio.from_array(np.zeros((1, 0)), 48000), 10)
        with pytest.raises(SignalError, match="not finite"):
            degrade(Audio.from_array([0.0, np.inf], 48000), 10)
