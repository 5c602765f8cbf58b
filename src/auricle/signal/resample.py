"""Sample-rate conversion, at once and in a stream, by soxr's high-quality recipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from auricle.core.audio import Audio, Samples
from auricle.core.errors import ConfigError, SignalError

# No audio has so low a rate; soxr would make gigabytes of a few samples, or crash.
_LOWEST_RATE = 1000


def resample(audio: Audio, sample_rate: int) -> Audio:
    """Return `audio` at `sample_rate` (Hz), unchanged when it has that rate already.

    Raises `ConfigError` for a rate that isn't positive, `SignalError` for audio below 1000 Hz.

    >>> resample(Audio.from_array([0.0] * 441, 44100), 48000).frames
    480
    """
    if sample_rate <= 0:
        raise ConfigError(f"the sample rate must be positive, not {sample_rate}")
    if audio.sample_rate == sample_rate:
        return audio
    _check_rate(audio.sample_rate)
    converted = soxr.resample(audio.samples.T, audio.sample_rate, sample_rate, quality="HQ")
    return Audio.from_array(converted.T, sample_rate, audio.source)


def resample_blocks(blocks: Iterable[Samples], rate_in: int, rate_out: int) -> Iterator[Samples]:
    """Convert mono blocks `[time]` from `rate_in` to `rate_out` (Hz) as they come.

    What lies before and after them counts as the level of their first sample: an offset stays an
    offset, without the ringing of its two edges. Inside, the result is that of `resample`. Raises
    `SignalError` for blocks below 1000 Hz.

    >>> blocks = [np.zeros(441, dtype=np.float32)] * 10
    >>> sum(block.size for block in resample_blocks(blocks, 44100, 48000))
    4800
    """
    if rate_in == rate_out:
        yield from blocks
        return
    _check_rate(rate_in)
    stream = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality="HQ")
    level = None
    for block in blocks:
        if level is None and block.size:
            level = block[0]
        if level is not None and (converted := stream.resample_chunk(block - level)).size:
            yield converted + level
    rest = stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
    if level is not None and rest.size:
        yield rest + level


def _check_rate(sample_rate: int) -> None:
    if sample_rate < _LOWEST_RATE:
        raise SignalError(f"it is sampled at {sample_rate} Hz: audio has {_LOWEST_RATE} Hz or more")
