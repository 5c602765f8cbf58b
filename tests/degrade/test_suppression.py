"""Noise suppression that does not know the noise."""

from __future__ import annotations

import numpy as np
import pytest
from tests.conftest import RATE, make_music

from auricle.core.audio import Audio
from auricle.degrade.suppression import suppress_noise


def make_phrase() -> tuple[Audio, Audio]:
    """Sound for a second and a pause of one, clean and with steady noise 20 dB below."""
    clean = np.concatenate([make_music(1.0, 4), np.zeros(RATE)])
    noise = np.random.default_rng(0).normal(
        0.0, 0.1 * np.sqrt(np.mean(clean[:RATE] ** 2)), 2 * RATE
    )
    return Audio.from_array(clean, RATE), Audio.from_array(clean + noise, RATE)


def level(audio: Audio, part: slice) -> float:
    return float(10 * np.log10(np.mean(audio.samples[0, part].astype(float) ** 2)))


@pytest.mark.parametrize("depth", [6, 12, 24])
def test_noise_in_the_pause_falls_by_the_depth(depth: int) -> None:
    _, noisy = make_phrase()
    pause = slice(RATE + 4800, 2 * RATE - 4800)
    fall = level(noisy, pause) - level(suppress_noise(noisy, depth), pause)
    assert 0.6 * depth < fall <= depth + 0.1


def test_what_stands_out_is_kept() -> None:
    clean, noisy = make_phrase()
    kept = suppress_noise(noisy, 20).samples[0, :RATE].astype(float)
    original = clean.samples[0, :RATE].astype(float)
    assert np.corrcoef(kept, original)[0, 1] > 0.97


def test_digital_silence_stays_silent() -> None:
    silent = Audio.from_array(np.zeros((2, 480)), RATE)
    assert not suppress_noise(silent, 10).samples.any()
