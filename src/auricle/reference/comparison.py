"""ViSQOL's comparison of two recordings, from samples to MOS-LQO.

The steps, their order and their constants are those of visqol-python, whose parts do the work
where they are quick; what is known of the reference is computed once.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from visqol.audio_utils import AudioSignal, scale_to_match_sound_pressure_level
from visqol.gammatone import Spectrogram, prepare_spectrograms_for_comparison
from visqol.nsim import PatchSimilarityResult, measure_patch_similarity
from visqol.patch_creator import ImagePatchCreator
from visqol.patch_selector import slice_signal
from visqol.quality_mapper import SvrSimilarityToQualityMapper
from visqol.visqol_core import (
    alter_for_similarity_extremes,
    calc_per_patch_freq_band_quantile,
    calc_per_patch_mean_freq_band_deg_energy,
    calc_per_patch_mean_freq_band_means,
    calc_per_patch_mean_freq_band_stddevs,
)

from auricle.reference.alignment import Envelope, delay, find_lag
from auricle.reference.gammatone import HOP, SAMPLE_RATE, WINDOW, Recording
from auricle.reference.matching import PATCH, match_patches, patch_at

_Array = NDArray[np.float64]

_FRAME: Final = HOP / SAMPLE_RATE


def _mapper() -> SvrSimilarityToQualityMapper:
    mapper = SvrSimilarityToQualityMapper(
        str(files("visqol") / "model" / "libsvm_nu_svr_model.txt")
    )
    mapper.init()
    return mapper


_MAPPER: Final = _mapper()
_PATCHES: Final = ImagePatchCreator(PATCH)


class _Piece(NamedTuple):
    """Samples cut from a recording, the sample they start at, and their envelope."""

    samples: _Array
    start: int
    envelope: Envelope


class Comparison:
    """Compares degraded recordings, mono at 48 kHz, with one reference."""

    def __init__(self, reference: _Array) -> None:
        self._recording = Recording(reference)
        self._envelope = Envelope(reference)
        self._pieces: dict[float, _Piece] = {}

    def __call__(self, degraded: _Array) -> tuple[float, list[PatchSimilarityResult]]:
        """Return the MOS-LQO and the similarity of each patch of the reference, in order.

        Raises `ValueError` where no patch can be compared.
        """
        lag = find_lag(self._envelope, Envelope(degraded))
        scaled = scale_to_match_sound_pressure_level(
            AudioSignal(self._recording.samples, SAMPLE_RATE),
            AudioSignal(delay(degraded, lag), SAMPLE_RATE),
        )
        recording = Recording(scaled.data)
        found = [self._realigned(patch, recording) for patch in self._matched(recording)]
        if not found:
            raise ValueError("no patch of the reference is left in the degraded recording")
        means = calc_per_patch_mean_freq_band_means(found)
        quality = _MAPPER.predict_quality(
            means,
            calc_per_patch_freq_band_quantile(found, 0.10),
            calc_per_patch_mean_freq_band_stddevs(found, _FRAME),
            calc_per_patch_mean_freq_band_deg_energy(found),
        )
        return alter_for_similarity_extremes(float(means.mean()), quality), found

    def _matched(self, degraded: Recording) -> list[PatchSimilarityResult]:
        """Each patch of the reference with the patch of the degraded recording it resembles."""
        reference, other = _levels(self._recording.spectrogram, degraded.spectrogram)
        starts = _PATCHES.create_ref_patch_indices(reference, None, WINDOW)
        results = []
        matches = match_patches(reference, other, starts)
        for start, (frame, lost) in zip(starts, matches, strict=False):
            result = measure_patch_similarity(patch_at(reference, start), patch_at(other, frame))
            result.ref_patch_start_time = start * _FRAME
            result.ref_patch_end_time = result.ref_patch_start_time + PATCH * _FRAME
            if lost:
                result.similarity = 0.0
                result.freq_band_means = np.zeros_like(result.freq_band_means)
            else:
                result.deg_patch_start_time = frame * _FRAME
                result.deg_patch_end_time = result.deg_patch_start_time + PATCH * _FRAME
            results.append(result)
        return results

    def _realigned(
        self, matched: PatchSimilarityResult, degraded: Recording
    ) -> PatchSimilarityResult:
        """The pair once more, aligned to the sample, where that makes it more similar."""
        if matched.deg_patch_end_time == 0.0:
            return matched
        begin, end = matched.ref_patch_start_time, matched.ref_patch_end_time
        if begin not in self._pieces:
            self._pieces[begin] = _cut(self._recording, begin, end)
        ours = self._pieces[begin]
        theirs = _cut(degraded, matched.deg_patch_start_time, matched.deg_patch_end_time)

        lag = find_lag(ours.envelope, theirs.envelope)
        delayed = delay(theirs.samples, lag)
        skip = 0
        if lag > 0 and delayed.size > ours.samples.size:
            # By way of seconds, as in visqol-python: it can round to one sample less.
            skip = int(lag / SAMPLE_RATE * SAMPLE_RATE)
        size = min(ours.samples.size, delayed.size) - skip
        if size <= WINDOW.size:
            return matched
        result = measure_patch_similarity(
            *_levels(
                self._recording.part(ours.samples[skip:][:size], ours.start + skip),
                degraded.part(delayed[skip:][:size], theirs.start - lag + skip),
            )
        )
        if result.similarity < matched.similarity:
            return matched
        seconds = lag / SAMPLE_RATE
        result.ref_patch_start_time = begin + max(seconds, 0.0)
        result.ref_patch_end_time = result.ref_patch_start_time + size / SAMPLE_RATE
        result.deg_patch_start_time = matched.deg_patch_start_time - min(seconds, 0.0)
        result.deg_patch_end_time = result.deg_patch_start_time + size / SAMPLE_RATE
        return result


def _levels(reference: _Array, degraded: _Array) -> tuple[_Array, _Array]:
    return prepare_spectrograms_for_comparison(Spectrogram(reference), Spectrogram(degraded))


def _cut(recording: Recording, begin: float, end: float) -> _Piece:
    samples = slice_signal(AudioSignal(recording.samples, SAMPLE_RATE), begin, end).data
    return _Piece(samples, int(begin * SAMPLE_RATE), Envelope(samples))
