"""Codecs that code every sample by itself: A-law, as telephones do, and IMA ADPCM, as old games.

Both run at a sample rate of choice, which is their bitrate too (8 and 4 bits per sample), and
have no delay. libsndfile encodes and decodes.
"""

from __future__ import annotations

import io

import numpy as np
import soundfile

from auricle.core.audio import Audio
from auricle.degrade.rates import check, convert, convert_back


def alaw(audio: Audio, sample_rate: int) -> Audio:
    """Convert to `sample_rate` (Hz; telephones have 8000), code as 8-bit A-law, and convert back.

    Samples beyond full scale are clipped; silence becomes an offset of 8 / 32768, as A-law has no
    zero. Source: ITU-T G.711. Raises `SignalError` for no samples or samples that aren't finite.

    >>> alaw(Audio.from_array([0.0] * 480, 48000), 8000).frames
    480
    """
    return _code(audio, sample_rate, "ALAW")


def adpcm(audio: Audio, sample_rate: int) -> Audio:
    """Convert to `sample_rate` (Hz), code as 4-bit IMA ADPCM in WAV, and convert back.

    Samples beyond full scale are clipped. Source: IMA, "Recommended Practices for Enhancing
    Digital Audio Compatibility in Multimedia Systems", revision 3.00, 1992. Raises `SignalError`
    for no samples or samples that aren't finite.

    >>> adpcm(Audio.from_array([0.0] * 480, 48000), 22050).frames
    480
    """
    return _code(audio, sample_rate, "IMA_ADPCM")


def _code(audio: Audio, sample_rate: int, subtype: str) -> Audio:
    check(audio)
    inside = convert(audio, sample_rate)
    integers = np.clip(np.round(inside.samples * 32768.0), -32768, 32767).astype(np.int16)
    stream = io.BytesIO()
    soundfile.write(stream, integers.T, sample_rate, format="WAV", subtype=subtype)
    stream.seek(0)
    decoded, _ = soundfile.read(stream, dtype="int16", always_2d=True)
    # ADPCM comes in blocks: the last one is filled up.
    kept = decoded[: inside.frames].T
    return convert_back(Audio.from_array(kept, sample_rate, audio.source), audio)
