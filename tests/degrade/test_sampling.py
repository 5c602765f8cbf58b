"""Band limiting by conversion, A-law and ADPCM: what theory says, any length, any rate."""

from __future__ import annotations

import hashlib
import shutil
import subprocess

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.core.errors import SignalError
from auricle.degrade.rates import band_limit
from auricle.degrade.sample_codecs import adpcm, alaw


def tone(frequency: float, amplitude: float = 0.5, sample_rate: int = 48000) -> Audio:
    time = np.arange(sample_rate) / sample_rate
    return Audio.from_array(amplitude * np.sin(2 * np.pi * frequency * time), sample_rate)


def gain_db(after: Audio, before: Audio) -> float:
    middle = slice(1000, -1000)
    return float(20 * np.log10(after.samples[0, middle].std() / before.samples[0, middle].std()))


def noise_ratio_db(after: Audio, before: Audio) -> float:
    middle = slice(1000, -1000)
    error = after.samples[0, middle].astype(np.float64) - before.samples[0, middle]
    return float(20 * np.log10(before.samples[0, middle].std() / error.std()))


@pytest.mark.parametrize("sample_rate", [8000, 16000, 32000])
def test_conversion_keeps_the_band_and_nothing_above(sample_rate: int) -> None:
    inside, outside = tone(0.44 * sample_rate), tone(0.51 * sample_rate)
    assert gain_db(band_limit(inside, sample_rate), inside) == pytest.approx(0.0, abs=0.05)
    assert gain_db(band_limit(outside, sample_rate), outside) < -90


def test_conversion_to_its_own_rate_changes_nothing() -> None:
    audio = tone(1000)
    assert np.array_equal(band_limit(audio, 48000).samples, audio.samples)


@pytest.mark.parametrize("amplitude", [0.9, 0.1, 0.02])
def test_alaw_keeps_its_signal_to_noise_ratio_at_any_level(amplitude: float) -> None:
    """ITU-T G.711 codes about 38 dB over 30 dB of levels (G.712: 33 dB at least)."""
    audio = tone(1020, amplitude, 8000)
    assert 33 < noise_ratio_db(alaw(audio, 8000), audio) < 42


def test_alaw_at_the_audio_rate_uses_at_most_256_values() -> None:
    audio = Audio.from_array(np.random.default_rng(0).uniform(-1, 1, 50_000), 8000)
    assert np.unique(alaw(audio, 8000).samples).size == 256


def test_adpcm_is_coarser_for_faster_signals() -> None:
    ratios = [
        noise_ratio_db(adpcm(audio, 22050), audio)
        for audio in (tone(220, sample_rate=22050), tone(6000, sample_rate=22050))
    ]
    assert ratios[0] > 30 > ratios[1] > 10


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the ffmpeg command as oracle")
def test_another_alaw_agrees() -> None:
    audio = tone(1000, 0.7, 8000)
    integers = np.round(audio.samples[0] * 32768).astype("<i2").tobytes()
    pipe = ["ffmpeg", "-v", "error", "-f", "s16le", "-ar", "8000", "-i", "pipe:"]
    coded = subprocess.run(
        [*pipe, "-f", "alaw", "pipe:"], input=integers, stdout=subprocess.PIPE, check=True
    ).stdout
    pipe[4] = "alaw"
    decoded = subprocess.run(
        [*pipe, "-f", "s16le", "pipe:"], input=coded, stdout=subprocess.PIPE, check=True
    ).stdout
    expected = np.frombuffer(decoded, "<i2") / 32768
    # Libraries round to the nearest step or down to it, 1 / 32 of the segment's size apart.
    assert np.abs(alaw(audio, 8000).samples[0] - expected).max() <= 1 / 16 / 2
    assert np.corrcoef(alaw(audio, 8000).samples[0], expected)[0, 1] > 0.999


@pytest.mark.parametrize("degrade", [band_limit, alaw, adpcm])
@pytest.mark.parametrize("frames", [1, 2, 575, 5000])
@pytest.mark.parametrize("sample_rate", [8000, 44100, 192000])
def test_any_length_and_rate_comes_back(degrade, frames: int, sample_rate: int) -> None:
    rng = np.random.default_rng(frames)
    audio = Audio.from_array(rng.normal(size=(3 if degrade is alaw else 2, frames)), sample_rate)
    degraded = degrade(audio, 11025)
    assert degraded.samples.shape == audio.samples.shape
    assert degraded.sample_rate == sample_rate
    first, second = (
        hashlib.sha256(result.samples.tobytes()).digest()
        for result in (degraded, degrade(audio, 11025))
    )
    assert first == second


@pytest.mark.parametrize("degrade", [band_limit, alaw, adpcm])
def test_unusable_audio_is_refused(degrade) -> None:
    with pytest.raises(SignalError, match="no samples"):
        degrade(Audio.from_array(np.zeros((1, 0)), 48000), 8000)
    with pytest.raises(SignalError, match="not finite"):
        degrade(Audio.from_array([0.0, np.nan], 48000), 8000)
