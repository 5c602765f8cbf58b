"""Other sources and what is left of them after a mask or a subtraction."""

from __future__ import annotations

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.degrade.noises import add_pink_noise
from auricle.degrade.separation import add_babble, erode, leave_musical_noise, separate


def melody(channels: int = 1) -> Audio:
    """A tone that changes its pitch every 0.2 s, with gaps."""
    time = np.arange(96000) / 48000
    pitches = np.random.default_rng(6).uniform(200, 2000, size=(channels, 10))
    rows = [np.sin(2 * np.pi * row[(time // 0.2).astype(int)] * time) for row in pitches]
    return Audio.from_array(0.4 * np.array(rows) * (time % 0.2 < 0.15), 48000)


def error_db(degraded: Audio, audio: Audio) -> float:
    error = degraded.samples.astype(np.float64) - audio.samples
    return float(10 * np.log10(np.mean(error**2) / np.mean(audio.samples.astype(np.float64) ** 2)))


@pytest.mark.parametrize("ratio", [0, 15, 40])
def test_the_other_source_is_as_strong_as_asked(ratio: int) -> None:
    audio = melody(2)
    assert error_db(add_babble(audio, ratio), audio) == pytest.approx(-ratio, abs=0.02)


def test_the_mask_takes_most_of_the_other_source_out() -> None:
    audio = melody()
    assert -20 < error_db(separate(audio, 0), audio) < error_db(add_babble(audio, 0), audio) - 3


def test_subtraction_leaves_isolated_tones() -> None:
    """In the gaps, most bins are silent and the rest stands out of them."""
    audio = melody()
    gap = slice(48000 + 7400, 48000 + 9400)
    spectra = [
        np.abs(np.fft.rfft(degraded.samples[0, gap] * np.hanning(2000)))[100:]
        for degraded in (add_pink_noise(audio, 10), leave_musical_noise(audio, 10))
    ]
    peakiness = [np.percentile(spectrum, 98) / np.median(spectrum) for spectrum in spectra]
    assert peakiness[1] > 2 * peakiness[0]
    assert error_db(leave_musical_noise(audio, 10), audio) < -10


def test_erosion_takes_away_and_adds_nothing() -> None:
    audio = melody()
    errors = [error_db(erode(audio, ratio), audio) for ratio in (20, 0, -15)]
    assert errors[0] < errors[1] < errors[2] < 0.5
    # Pauses stay nearly silent: what is there are the ends of windows.
    gap = slice(48000 + 7400, 48000 + 9400)
    assert np.abs(erode(audio, 0).samples[0, gap]).max() < 0.1 * np.abs(audio.samples).max()
