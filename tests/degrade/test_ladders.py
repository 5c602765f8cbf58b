"""Every kind of process: less of it is nearer to the original, and nothing moves in time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from auricle.core.audio import Audio
from auricle.degrade.base import apply_process, parse_process
from auricle.degrade.processes import PROCESSES
from auricle.signal.align import estimate_delay

LADDERS = {
    "mp2": ("mp2:32k", "mp2:64k", "mp2:128k"),
    "mp3": ("mp3:32k", "mp3:64k", "mp3:128k"),
    "aac": ("aac:24k", "aac:48k", "aac:128k"),
    "opus": ("opus:24k", "opus:64k", "opus:160k"),
    "vorbis": ("vorbis:48k", "vorbis:96k", "vorbis:192k"),
    "mp3vbr": ("mp3vbr:9", "mp3vbr:5", "mp3vbr:0"),
    "aacfast": ("aacfast:24k", "aacfast:48k", "aacfast:128k"),
    "ac3": ("ac3:32k", "ac3:64k", "ac3:192k"),
    "eac3": ("eac3:32k", "eac3:64k", "eac3:192k"),
    "wma": ("wma:64k", "wma:128k", "wma:256k"),
    "sbc": ("sbc:64k", "sbc:128k", "sbc:229k"),
    "alaw": ("alaw:8000", "alaw:16000", "alaw:44100"),
    "adpcm": ("adpcm:8000", "adpcm:22050", "adpcm:44100"),
    "resample": ("resample:8000", "resample:16000", "resample:32000"),
    "noise": ("noise:10", "noise:30", "noise:60"),
    "clip": ("clip:30", "clip:10", "clip:1"),
    "highpass": ("highpass:2000", "highpass:300", "highpass:50"),
    "quantise": ("quantise:4", "quantise:8", "quantise:12"),
    "saturate": ("saturate:30", "saturate:15", "saturate:3"),
    "pink": ("pink:10", "pink:30", "pink:60"),
    "mnru": ("mnru:5", "mnru:20", "mnru:40"),
    "musical": ("musical:0", "musical:15", "musical:30"),
    "babble": ("babble:0", "babble:15", "babble:40"),
    "mask": ("mask:-5", "mask:10", "mask:30"),
    "holes": ("holes:80", "holes:30", "holes:3"),
    "vocode": ("vocode:16", "vocode:64", "vocode:256"),
    "loss": ("loss:50", "loss:15", "loss:3"),
    "jitter": ("jitter:80", "jitter:20", "jitter:2"),
    "reverb": ("reverb:3000", "reverb:600", "reverb:80"),
    "narrow": ("narrow:100", "narrow:50", "narrow:5"),
}
UNSEEN = LADDERS.keys() - {process.kind for process in PROCESSES.values()}
# Filters have group delays, jitter moves parts by intent, no phase outlives a vocoder, and in a
# long reverberation the beat before may fit better than the direct sound.
ALIGNED = UNSEEN - {"highpass", "jitter", "reverb", "vocode"}


def music(seed: int, channels: int = 1, sample_rate: int = 48000) -> Audio:
    """Decaying chords on an eighth-note beat over noise falling by 6 dB per octave."""
    rng = np.random.default_rng(seed)
    time = np.arange(2 * sample_rate) / sample_rate
    rows = []
    for _ in range(channels):
        chord = sum(
            np.sin(2 * np.pi * pitch * harmonic * time + rng.uniform(0, 6)) / harmonic**1.5
            for pitch in rng.uniform(80, 500, size=4)
            for harmonic in range(1, 20)
        )
        hiss = rng.normal(size=time.size)
        rows.append(
            chord * np.exp(-6 * (time % 0.25)) + 0.3 * np.convolve(hiss, [0.5, 0.5], "same")
        )
    return Audio.from_array(0.5 * np.array(rows) / np.abs(rows).max(), sample_rate)


def log_spectrum(audio: Audio) -> NDArray[np.float64]:
    """Power in dB over 80 dB, of Hann windows of 1024 samples: `[frame, frequency]`."""
    windows = np.lib.stride_tricks.sliding_window_view(audio.samples[0], 1024)[::512]
    power = np.abs(np.fft.rfft(windows * np.hanning(1024))) ** 2
    return np.asarray(10 * np.log10(power + 1e-8 * power.max()))


def distance(first: Audio, second: Audio) -> float:
    """Log-spectral distance in dB: root mean square over frequency, mean over time."""
    difference = log_spectrum(first) - log_spectrum(second)
    return float(np.sqrt((difference**2).mean(axis=1)).mean())


@pytest.mark.parametrize("kind", LADDERS)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_step_up_the_ladder_is_nearer(kind: str, seed: int) -> None:
    audio = music(seed, 2 if kind == "narrow" else 1)
    distances = [distance(audio, apply_process(audio, parse_process(t))) for t in LADDERS[kind]]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > distances[-1] + 0.5


@pytest.mark.parametrize("kind", sorted(ALIGNED))
@pytest.mark.parametrize("sample_rate", [16000, 32000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_nothing_moves_at_any_step(kind: str, sample_rate: int, channels: int) -> None:
    audio = music(sample_rate + channels, channels, sample_rate)
    for text in LADDERS[kind]:
        assert estimate_delay(audio, apply_process(audio, parse_process(text))) == 0, text


def test_the_published_processes_leave_kinds_to_generalise_to() -> None:
    assert " ".join(sorted(UNSEEN)) == (
        "aacfast ac3 adpcm alaw babble clip eac3 highpass holes jitter loss mask mnru mp3vbr "
        "musical narrow noise pink quantise resample reverb saturate sbc vocode wma"
    )
