"""Degradations along time: lost packets, unsteady speed, and rooms."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.signal import fftconvolve

from auricle.core.audio import Audio
from auricle.degrade.levels import Floats, change_samples, draw_from
from auricle.signal.resample import resample

# Seconds.
_PACKET, _FADE = 0.02, 0.004
# Hz, where wow becomes flutter.
_FLUTTER, _FLUTTER_PARTS = (0.5, 6.0), 8


def lose_packets(audio: Audio, percent: int) -> Audio:
    """Replace `percent` % of all packets of 20 ms, in all channels, by silence with short fades.

    Losses come in bursts: after a received packet the next is lost with half the mean probability
    p, after a lost one with (1 + p) / 2. A higher share adds losses to those of a lower one.
    Source: E. N. Gilbert, "Capacity of a burst-noise channel", 1960. Raises `SignalError` for no
    samples or samples that aren't finite.

    >>> lose_packets(Audio.from_array(np.sin(np.arange(4800)), 48000), 30).frames
    4800
    """

    def change(samples: Floats) -> Floats:
        size = max(1, round(_PACKET * audio.sample_rate))
        chances = draw_from(samples).random(1 + audio.frames // size)
        share = percent / 100.0
        received, state = np.ones(chances.size), chances[0] < share
        for index, chance in enumerate(chances):
            state = chance < ((1.0 + share) / 2 if state else share / 2)
            received[index] = not state
        # Something is lost of short audio as well, whatever the share.
        received[chances.argmin()] = 0.0
        fade = np.hanning(2 + 2 * (round(_FADE * audio.sample_rate) // 2) + 1)
        gain = np.pad(np.repeat(received, size)[: audio.frames], fade.size // 2, "edge")
        smooth = np.convolve(gain, fade / fade.sum(), "valid")
        return np.asarray(samples * np.clip(smooth, 0.0, 1.0))

    return change_samples(audio, change)


def flutter(audio: Audio, cents: int) -> Audio:
    """Let the pitch waver slowly and at random, between 0.5 and 6 Hz, by `cents` at most.

    The audio is read at a wavering place, the same for all channels, so that parts of it come up
    to some milliseconds early or late. Raises `SignalError` for no samples or samples that aren't
    finite.

    >>> flutter(Audio.from_array(np.sin(np.arange(4800)), 48000), 10).frames
    4800
    """

    def change(samples: Floats) -> Floats:
        rng = draw_from(samples)
        omega = 2 * np.pi * rng.uniform(*_FLUTTER, (_FLUTTER_PARTS, 1)) / audio.sample_rate
        phase = omega * np.arange(audio.frames) + rng.uniform(0, 2 * np.pi, (_FLUTTER_PARTS, 1))
        largest = np.abs(np.cos(phase).sum(axis=0)).max()
        # The place is the integral of the speed, on the average where it was.
        offset = (np.sin(phase) / omega).sum(axis=0) * (2 ** (cents / 1200) - 1) / largest
        place = np.arange(audio.frames) + offset - offset.mean()
        # At twice the rate, cubic splines are exact enough up to half the rate.
        fine = resample(Audio.from_array(samples, audio.sample_rate), 2 * audio.sample_rate)
        rows = [map_coordinates(row, [2.0 * place], mode="mirror") for row in fine.samples]
        return np.array(rows, dtype=np.float64)

    return change_samples(audio, change)


def reverberate(audio: Audio, decay: int) -> Audio:
    """Add the reverberation of a room: noise that decays by 60 dB within `decay` ms.

    The direct sound stays as it is; the reverberant energy grows with the decay time as it does
    at one place in rooms of one size (Sabine), and equals the direct one's at 1 s. Channels have
    tails of their own. Raises `SignalError` for no samples or samples that aren't finite.

    >>> reverberate(Audio.from_array(np.sin(np.arange(4800)), 48000), 500).frames
    4800
    """

    def change(samples: Floats) -> Floats:
        seconds = decay / 1000.0
        length = max(1, round(seconds * audio.sample_rate))
        noise = draw_from(samples).standard_normal((length, audio.channels)).T
        tail = noise * 10 ** (-3.0 * np.arange(length) / length)
        tail *= np.sqrt(seconds / (tail**2).sum(axis=1, keepdims=True))
        # What decays after the end of the audio is never heard.
        reverberant = fftconvolve(samples, tail[:, : audio.frames], axes=1)
        return np.asarray(samples + reverberant[:, : audio.frames])

    return change_samples(audio, change)
