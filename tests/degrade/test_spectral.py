"""Holes as many as asked and nested; vocoded audio with the spectrum but not the waveform."""

from __future__ import annotations

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.degrade.short_time import transform
from auricle.degrade.spectral import tear_holes, vocode


def hiss(channels: int = 1) -> Audio:
    rng = np.random.default_rng(8)
    return Audio.from_array(0.1 * rng.normal(size=(channels, 96000)), 48000)


def emptiness(audio: Audio) -> np.ndarray:
    """Where the spectrogram fell below -20 dB of its median, `[frame, bin]`."""
    magnitude = np.abs(transform(audio.samples.astype(np.float64), 48000)[0])
    return magnitude < 0.1 * np.median(np.abs(transform(hiss().samples[:1] * 1.0, 48000)))


def test_more_holes_contain_fewer_and_lie_high() -> None:
    few, many = (emptiness(tear_holes(hiss(), percent)) for percent in (10, 60))
    assert few.mean() < many.mean()
    assert many[few].mean() > 0.8
    assert many[:, 600:].mean() > many[:, :300].mean()


def test_holes_spare_what_stands_out() -> None:
    tone = Audio.from_array(np.sin(np.arange(96000) / 15) + hiss().samples, 48000)
    torn = tear_holes(tone, 50).samples.astype(np.float64)
    assert np.mean(torn**2) > 0.95 * np.mean(tone.samples.astype(np.float64) ** 2)


@pytest.mark.parametrize("bands", [16, 256])
def test_vocoding_keeps_the_power_of_bands_and_loses_the_waveform(bands: int) -> None:
    audio = hiss()
    vocoded = vocode(audio, bands)
    before, after = (
        np.add.reduceat(np.abs(np.fft.rfft(a.samples[0])) ** 2, np.arange(500, 48000, 4000))
        for a in (audio, vocoded)
    )
    assert np.abs(10 * np.log10(after / before)).max() < 3
    assert abs(np.corrcoef(audio.samples[0], vocoded.samples[0])[0, 1]) < 0.1
