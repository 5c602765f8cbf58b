"""Degradations of the spectrogram: holes, as starved codecs tear them, and vocoding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from auricle.core.audio import Audio
from auricle.degrade.levels import Floats, change_samples, draw_from
from auricle.degrade.short_time import Spectra, band_starts, invert, mel_of_bins, transform

# A tile: mel, as wide as the scale-factor bands of codecs, and frames of 11 ms.
_TILE_WIDTH, _TILE_FRAMES = 84.0, 2
# dB: how much chance, and the top of the band, count in choosing holes.
_CHANCE, _TILT = 6.0, 12.0
_ITERATIONS, _MOMENTUM = 6, 0.99


def tear_holes(audio: Audio, percent: int) -> Audio:
    """Silence `percent` % of the tiles of the spectrogram, the same ones in all channels.

    Tiles are a codec's band wide and 21 ms long. Those weakest against their neighbourhood go
    first, chance and a preference for high frequencies aside; a higher share adds holes. Raises
    `SignalError` for no samples or samples that aren't finite.

    >>> tear_holes(Audio.from_array(np.sin(np.arange(4800)), 48000), 30).frames
    4800
    """

    def change(samples: Floats) -> Floats:
        spectra = transform(samples, audio.sample_rate)
        starts = band_starts(audio.sample_rate, _TILE_WIDTH)
        power = np.add.reduceat((np.abs(spectra) ** 2).sum(axis=0), starts, axis=1)
        rows = np.arange(0, power.shape[0], _TILE_FRAMES)
        level = 10.0 * np.log10(np.add.reduceat(power, rows, axis=0) + 1e-10 * power.max())
        rank = level - uniform_filter(level, 5, mode="nearest")
        rank += _CHANCE * draw_from(samples).standard_normal(rank.shape)
        rank -= np.linspace(0.0, _TILT, rank.shape[1])
        kept = rank > np.quantile(rank, percent / 100.0)
        mask = np.repeat(kept, _TILE_FRAMES, axis=0)[: power.shape[0]]
        mask = np.repeat(mask, np.diff(starts, append=spectra.shape[-1]), axis=1)
        return invert(spectra * mask, audio.sample_rate, audio.frames)

    return change_samples(audio, change)


def vocode(audio: Audio, bands: int) -> Audio:
    """Resynthesise the audio from its power in `bands` mel bands: fewer bands are worse.

    Its phases are lost: they are guessed by six iterations of the fast Griffin-Lim algorithm
    (N. Perraudin, P. Balazs and P. Sondergaard, WASPAA 2013), from one random start for all
    channels. Raises `SignalError` for no samples or samples that aren't finite.

    >>> vocode(Audio.from_array(np.sin(np.arange(4800)), 48000), 80).frames
    4800
    """

    def change(samples: Floats) -> Floats:
        spectra = transform(samples, audio.sample_rate)
        filters = _mel_filters(audio.sample_rate, bands)
        power = (spectra.real**2 + spectra.imag**2) @ (filters / filters.sum(axis=1)[:, None]).T
        magnitude = np.sqrt(power @ (filters / filters.sum(axis=0)))
        turns = draw_from(samples).random(magnitude.shape[1:], np.float32)
        start = magnitude * np.exp(np.complex64(2j * np.pi) * turns)
        found = _find_phases(start, magnitude, audio)
        return invert(found, audio.sample_rate, audio.frames)

    return change_samples(audio, change)


def _find_phases(start: Spectra, magnitude: NDArray[np.float32], audio: Audio) -> Spectra:
    spectra, previous = start, np.zeros_like(start)
    for _ in range(_ITERATIONS):
        samples = invert(spectra, audio.sample_rate, audio.frames)
        consistent = transform(samples, audio.sample_rate)
        ahead = consistent + np.float32(_MOMENTUM) * (consistent - previous)
        length = np.maximum(np.abs(ahead), np.finfo(np.float32).tiny)
        spectra, previous = np.asarray(ahead * (magnitude / length)), consistent
    return spectra


def _mel_filters(sample_rate: int, bands: int) -> NDArray[np.float32]:
    """Overlapping triangles `[band, bin]` from 0 Hz to half the rate, at least a bin wide."""
    mel = mel_of_bins(sample_rate)
    centres = np.linspace(0.0, float(mel[-1]), bands)
    # Interpolated, not searched: a centre may lie between two bins.
    position = np.interp(centres, mel, np.arange(mel.size))
    reach = np.maximum(np.gradient(position), 1.0)[:, None]
    distance = np.abs(np.arange(mel.size) - position[:, None])
    return np.maximum(1.0 - distance / reach, 0.0).astype(np.float32)
