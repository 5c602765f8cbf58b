"""Sample-rate conversion, at once and in a stream, by soxr's high-quality recipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from auricle.core.audio import Audio, Samples
from auricle.core.errors import ConfigError


def resample(audio: Audio, sample_rate: int) -> Audio:
    """Return `audio` at `sample_rate` (Hz), unchanged when it has that rate already.

    >>> resample(Audio.from_array([0.0] * 441, 44100), 48000).frames
    480
    """
    if sample_rate <= 0:
        raise ConfigError(f"the sample rate must be positive, not {sample_rate}")
    if audio.sample_rate == sample_rate:
        return audio
    converted = soxr.resample(audio.samples.T, audio.sample_rate, sample_rate, quality="HQ")
    return Audio.from_array(converted.T, sample_rate, audio.source)


def resample_blocks(blocks: Iterable[Samples], rate_in: int, rate_out: int) -> Iterator[Samples]:
    """Convert mono blocks `[time]` from `rate_in` to `rate_out` (Hz) as they come.

    >>> blocks = [np.zeros(441, dtype=np.float32)] * 10
    >>> sum(block.size for block in resample_blocks(blocks, 44100, 48000))
    4800
    """
    if rate_in == rate_out:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality="HQ")
    for block in blocks:
        converted = stream.resample_chunk(np.ascontiguousarray(block))
        if converted.size:
            yield converted
    rest = stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
    if rest.size:
        yield rest
