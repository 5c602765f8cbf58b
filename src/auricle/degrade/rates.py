"""Sample-rate conversion there and back: to the rates of codecs, and as a degradation."""

from __future__ import annotations

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import SignalError
from auricle.signal.resample import resample


def convert(audio: Audio, sample_rate: int) -> Audio:
    """Return `audio` at `sample_rate` (Hz), one sample long at least.

    Rounding may leave nothing of the shortest clips, and encoders need something.
    """
    converted = resample(audio, sample_rate)
    return _fit(converted, max(converted.frames, 1))


def convert_back(audio: Audio, original: Audio) -> Audio:
    """Return `audio` at the rate of `original` and of its length, which rounding may miss."""
    return _fit(resample(audio, original.sample_rate), original.frames)


def band_limit(audio: Audio, sample_rate: int) -> Audio:
    """Convert to `sample_rate` (Hz) and back, as careless processing does: what is above is lost.

    The converter (soxr's HQ recipe) has linear phase, so nothing moves; its pass band ends at 91%
    of half the rate. At the audio's own rate and above nothing, or next to nothing, is lost.
    Raises `SignalError` for no samples or samples that aren't finite.

    >>> import numpy as np
    >>> tone = Audio.from_array(np.sin(np.arange(4800)), 48000)
    >>> float(np.abs(band_limit(tone, 12000).samples[0, 500:-500]).max()) < 0.001
    True
    """
    check(audio)
    return convert_back(convert(audio, sample_rate), audio)


def check(audio: Audio) -> None:
    """Raise `SignalError` when there are no samples, or some that aren't finite."""
    if audio.frames == 0:
        raise SignalError("there are no samples to degrade")
    if not np.isfinite(audio.samples).all():
        raise SignalError("samples that are not finite cannot be degraded")


def _fit(audio: Audio, frames: int) -> Audio:
    if audio.frames == frames:
        return audio
    samples = np.zeros((audio.channels, frames), dtype=np.float32)
    common = min(frames, audio.frames)
    samples[:, :common] = audio.samples[:, :common]
    return Audio.from_array(samples, audio.sample_rate, audio.source)
