"""Packets lost together in all channels, pitch that wavers as far as asked, rooms that decay."""

from __future__ import annotations

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.degrade.timing import flutter, lose_packets, reverberate


def hiss(seconds: int, channels: int = 2) -> Audio:
    rng = np.random.default_rng(9)
    return Audio.from_array(0.1 * rng.normal(size=(channels, 8000 * seconds)), 8000)


def lost(audio: Audio, percent: int) -> np.ndarray:
    """Which packets of 160 samples are silent in their middle, `[channel, packet]`."""
    samples = lose_packets(audio, percent).samples
    return ~samples.reshape(audio.channels, -1, 160)[:, :, 40:120].any(axis=2)


@pytest.mark.parametrize("percent", [1, 10, 30, 60])
def test_as_many_packets_are_lost_as_asked_in_bursts(percent: int) -> None:
    gone = lost(hiss(200), percent)
    assert gone.mean() == pytest.approx(percent / 100, rel=0.1, abs=0.005)
    assert np.array_equal(gone[0], gone[1])
    after_loss = gone[0, 1:][gone[0, :-1]].mean()
    assert after_loss == pytest.approx((1 + percent / 100) / 2, abs=0.15)


def test_a_higher_share_loses_more_of_the_same() -> None:
    few, many = lost(hiss(20), 5), lost(hiss(20), 30)
    assert few.any()
    assert many[few].all()
    assert lost(hiss(1), 1).any()


def test_received_packets_stay_as_they_are() -> None:
    audio = hiss(4)
    kept = ~lost(audio, 20)
    middle = audio.samples.reshape(2, -1, 160)[:, :, 40:120][kept]
    after = lose_packets(audio, 20).samples.reshape(2, -1, 160)[:, :, 40:120][kept]
    assert np.allclose(after, middle, atol=1e-6)


@pytest.mark.parametrize("cents", [5, 50, 100])
def test_the_pitch_wavers_as_far_as_asked(cents: int) -> None:
    time = np.arange(4 * 48000) / 48000
    wavering = flutter(Audio.from_array(np.sin(2 * np.pi * 1000 * time), 48000), cents)
    rotation = wavering.samples[0] * np.exp(-2j * np.pi * 1000 * time)
    phase = np.unwrap(np.angle(np.convolve(rotation, np.hanning(961) / 480, "valid")))
    speed = 1 + np.diff(phase) * 48 / (2 * np.pi)
    # The window that measures it takes a little of the fastest wavering.
    assert 0.9 * cents < 1200 * np.abs(np.log2(speed)).max() < 1.1 * cents


def test_high_frequencies_survive_the_wavering() -> None:
    tone = Audio.from_array(np.sin(2 * np.pi * 19000 / 48000 * np.arange(48000)), 48000)
    assert flutter(tone, 3).samples[0, 4000:-4000].std() == pytest.approx(np.sqrt(0.5), rel=0.02)


def test_a_room_decays_by_60_db_in_its_time() -> None:
    click = np.zeros((1, 48000))
    click[0, 4800] = 1.0
    room = reverberate(Audio.from_array(click, 48000), 600).samples[0].astype(np.float64)
    assert np.abs(room[:4800]).max() < 1e-6
    early, late = (np.mean(room[at : at + 2400] ** 2) for at in (4801, 4801 + 14400))
    assert 10 * np.log10(early / late) == pytest.approx(30, abs=1)
    assert np.sum(room[4801:] ** 2) == pytest.approx(0.6, rel=0.01)
