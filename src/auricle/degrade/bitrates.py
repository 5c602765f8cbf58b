"""Which bitrates the encoders really have, by sample rate and channel count.

A bitrate that does not exist becomes the nearest that does (`effective_bitrate`): a cascade
drawn for 48 kHz mono also runs on 16 kHz stereo, and nobody has to guess what it did there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from auricle.core.errors import ConfigError

# Sample rates in Hz that each encoder takes as they are (libavcodec's own lists; Opus has more
# but is 48 kHz inside, Vorbis's are those whose bitrates libvorbis states, and of WMA's those where
# its frames have 2048 samples).
_LOW = (8000, 11025, 12000, 16000, 22050, 24000)
_FULL = (32000, 44100, 48000)
_HIGH = (64000, 88200, 96000)
SAMPLE_RATES: Mapping[str, tuple[int, ...]] = {
    "mp2": (16000, 22050, 24000, *_FULL),
    "mp3": (*_LOW, *_FULL),
    "aac": (*_LOW, *_FULL, *_HIGH),
    "opus": (48000,),
    "vorbis": (*_LOW, *_FULL),
    "mp3vbr": (*_LOW, *_FULL),
    "aacfast": (*_LOW, *_FULL, *_HIGH),
    "ac3": _FULL,
    "eac3": _FULL,
    "wma": _FULL,
    "sbc": (16000, *_FULL),
}

# ISO/IEC 11172-3 and 13818-3, in kb/s: full sample rates, half rates, and quarter rates ("2.5").
_LAYER_2 = (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_LAYER_3 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_LAYERS_2_3_LOW = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)

# ATSC A/52, table 5.18, in kb/s, at every sample rate.
_AC_3 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)

# Where FFmpeg's encoders can code any samples, full-scale noise too, and SBC stays with 8 subbands
# (with 4, above, it has another delay): bit/s for mono and stereo.
_RANGES: Mapping[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "ac3": ((32_000, 640_000), (64_000, 640_000)),
    "eac3": ((32_000, 640_000), (64_000, 640_000)),
    "wma": ((64_000, 320_000), (64_000, 320_000)),
    "sbc": ((64_000, 256_000), (64_000, 420_000)),
}

# An AAC frame of 1024 samples holds 6144 bits per channel at most (ISO/IEC 14496-3, 4.5.3).
_AAC_BITS_PER_SAMPLE = 6144 / 1024

# Nominal bit/s of libvorbis 1.3.7 at the qualities 0, 0.1 .. 1, as its identification headers
# state them; between these points the encoder interpolates linearly too.
_VORBIS_NOMINAL: Mapping[tuple[int, int], tuple[int, ...]] = {
    (8000, 1): (14000, 16800, 19600, 22400, 25200, 28000, 30800, 33600, 36400, 39200, 41997),
    (8000, 2): (18000, 22600, 27200, 31800, 36400, 41000, 45600, 50200, 54800, 59400, 63995),
    (11025, 1): (20000, 23000, 26000, 29000, 32000, 35000, 38000, 41000, 44000, 47000, 49996),
    (11025, 2): (26000, 32200, 38400, 44600, 50800, 57000, 63200, 69400, 75600, 81800, 87993),
    (16000, 1): (24000, 32000, 40000, 48000, 56000, 64000, 71200, 78400, 85600, 92800, 99992),
    (16000, 2): (
        34666, 45333, 56000, 66666, 77333, 88000, 104800, 121600, 138400, 155200, 171983,
    ),
    (22050, 1): (24000, 30444, 35333, 40222, 45111, 50000, 58000, 66000, 74000, 82000, 89991),
    (22050, 2): (
        36666, 45333, 56000, 66666, 77333, 88000, 104800, 121600, 138400, 155200, 171983,
    ),
    (32000, 1): (
        42000, 52000, 64000, 72000, 78000, 86000, 92000, 110000, 120000, 140000, 189949,
    ),
    (32000, 2): (
        56000, 70000, 90000, 112000, 120000, 150000, 180000, 200000, 230000, 300000, 379919,
    ),
    (44100, 1): (
        48000, 60000, 70000, 80000, 86000, 96000, 110000, 120000, 140000, 160000, 239920,
    ),
    (44100, 2): (
        64000, 80000, 96000, 112000, 128000, 160000, 192000, 224000, 256000, 320000, 499821,
    ),
}  # fmt: skip
_VORBIS_FAMILY = {12000: 11025, 24000: 22050, 48000: 44100}


def effective_bitrate(codec: str, bitrate: int, sample_rate: int, channels: int) -> int:
    """Return the bit/s that `codec` is set to when `bitrate` is asked of it.

    The nearest that exists at that rate (Hz; the nearest the codec has) and channel count: mp2,
    mp3 and AC-3 have fixed steps, AAC an upper limit of 6 bits per sample, Opus 256 kb/s per
    channel, Vorbis the nominal range of its quality scale; AC-3, Enhanced AC-3 (in stereo both
    64 kb/s at least), WMA and SBC are kept within what their encoders can do. It is the encoder's
    setting: AAC, Opus and Vorbis spend fewer or more bits as the music asks. Raises `ConfigError`
    for `mp3vbr`, which has qualities.

    >>> effective_bitrate("aac", 700_000, 48000, 1), effective_bitrate("vorbis", 48_000, 48000, 2)
    (288000, 64000)
    """
    sample_rate = nearest(SAMPLE_RATES[codec], sample_rate)
    if codec in _RANGES:
        low, high = _RANGES[codec][channels - 1]
        bitrate = min(max(bitrate, low), high)
    if codec in ("mp2", "mp3", "ac3"):
        return 1000 * nearest(_steps(codec, sample_rate), bitrate / 1000)
    if codec in ("eac3", "wma", "sbc"):
        return bitrate
    if codec in ("aac", "aacfast"):
        return min(bitrate, int(_AAC_BITS_PER_SAMPLE * sample_rate) * channels)
    if codec == "opus":
        return min(bitrate, 256_000 * channels)
    if codec != "vorbis":
        raise ConfigError(f"{codec} has qualities, no bitrates")
    nominal = _vorbis_nominal(sample_rate, channels)
    return min(max(bitrate, nominal[0]), nominal[-1])


def vorbis_quality(bitrate: int, sample_rate: int, channels: int) -> float:
    """Return the quality (0..1) whose nominal bitrate is `bitrate` (bit/s, within the range)."""
    nominal = _vorbis_nominal(sample_rate, channels)
    return float(np.interp(bitrate, nominal, np.linspace(0.0, 1.0, len(nominal))))


def nearest(choices: Sequence[int], wanted: float) -> int:
    """Return the choice nearest to `wanted`, the higher of two equally near.

    >>> nearest((12000, 16000, 22050), 14000)
    16000
    """
    return min(choices, key=lambda choice: (abs(choice - wanted), -choice))


def _vorbis_nominal(sample_rate: int, channels: int) -> tuple[int, ...]:
    return _VORBIS_NOMINAL[_VORBIS_FAMILY.get(sample_rate, sample_rate), channels]


def _steps(codec: str, sample_rate: int) -> tuple[int, ...]:
    if codec == "ac3":
        return _AC_3
    if sample_rate >= 32000:
        return _LAYER_2 if codec == "mp2" else _LAYER_3
    if sample_rate < 16000:
        return tuple(step for step in _LAYERS_2_3_LOW if step <= 64)
    return _LAYERS_2_3_LOW
