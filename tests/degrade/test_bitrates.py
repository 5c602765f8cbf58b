"""Bitrates: what does not exist becomes the nearest that does, as the bitstreams confirm."""

from __future__ import annotations

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError
from auricle.degrade.bitrates import SAMPLE_RATES, effective_bitrate, nearest
from auricle.degrade.codecs import CODECS, encode


def noise(sample_rate: int, channels: int, seconds: float = 0.2) -> Audio:
    rng = np.random.default_rng(1)
    frames = round(seconds * sample_rate)
    return Audio.from_array(0.1 * rng.normal(size=(channels, frames)), sample_rate)


@pytest.mark.parametrize(
    ("codec", "asked", "sample_rate", "channels", "expected"),
    [
        ("mp2", 192_000, 48000, 1, 192_000),
        ("mp2", 100_000, 48000, 1, 96_000),
        ("mp2", 24_000, 48000, 2, 32_000),
        ("mp2", 320_000, 24000, 2, 160_000),
        ("mp3", 24_000, 48000, 1, 32_000),
        ("mp3", 24_000, 24000, 1, 24_000),
        ("mp3", 320_000, 8000, 1, 64_000),
        ("aac", 700_000, 48000, 1, 288_000),
        ("aac", 700_000, 48000, 2, 576_000),
        ("aac", 700_000, 44100, 2, 529_200),
        ("opus", 256_000, 48000, 1, 256_000),
        ("opus", 320_000, 44100, 1, 256_000),
        ("vorbis", 48_000, 48000, 1, 48_000),
        ("vorbis", 24_000, 48000, 1, 48_000),
        ("vorbis", 48_000, 48000, 2, 64_000),
        ("vorbis", 192_000, 16000, 1, 99_992),
        ("aacfast", 700_000, 48000, 1, 288_000),
        ("ac3", 100_000, 48000, 2, 96_000),
        ("ac3", 640_000, 8000, 1, 640_000),
        ("ac3", 32_000, 48000, 2, 64_000),
        ("eac3", 100_000, 44100, 1, 100_000),
        ("eac3", 24_000, 44100, 1, 32_000),
        ("wma", 32_000, 48000, 1, 64_000),
        ("wma", 500_000, 48000, 2, 320_000),
        ("sbc", 328_000, 44100, 2, 328_000),
        ("sbc", 328_000, 44100, 1, 256_000),
    ],
)
def test_effective_bitrate(
    codec: str, asked: int, sample_rate: int, channels: int, expected: int
) -> None:
    assert effective_bitrate(codec, asked, sample_rate, channels) == expected


@pytest.mark.parametrize("sample_rate", SAMPLE_RATES["vorbis"])
@pytest.mark.parametrize("channels", [1, 2])
def test_vorbis_headers_state_the_effective_bitrate(sample_rate: int, channels: int) -> None:
    """Identification header, Vorbis I specification 4.2.2: nominal bitrate after the maximum."""
    for asked in (14_000, 48_000, 70_000, 96_000, 192_000, 499_000):
        data = encode(noise(sample_rate, channels, 0.01), "vorbis", asked)
        fields = data[data.index(b"\x01vorbis") + 7 :]
        assert int.from_bytes(fields[5:9], "little") == sample_rate
        nominal = int.from_bytes(fields[13:17], "little")
        expected = effective_bitrate("vorbis", asked, sample_rate, channels)
        assert nominal == pytest.approx(expected, rel=1e-3), asked


@pytest.mark.parametrize("codec", ["mp2", "mp3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_mpeg_layers_run_at_the_effective_bitrate(codec: str, channels: int) -> None:
    for sample_rate in SAMPLE_RATES[codec]:
        for asked in (20_000, 150_000):
            # The difference of two lengths leaves out headers and the frames that flush.
            long, short = (
                len(encode(noise(sample_rate, channels, seconds), codec, asked))
                for seconds in (2.0, 1.0)
            )
            expected = effective_bitrate(codec, asked, sample_rate, channels)
            assert 8 * (long - short) == pytest.approx(expected, rel=0.09), (sample_rate, asked)


def test_aac_bitrates_above_the_limit_make_the_same_stream() -> None:
    audio = noise(48000, 1)
    assert encode(audio, "aac", 700_000) == encode(audio, "aac", 288_000)


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "mp3vbr"])
def test_the_effective_bitrate_never_falls_when_more_is_asked(codec: str) -> None:
    for sample_rate in (8000, 22050, 48000, 96000):
        for channels in (1, 2):
            rates = [
                effective_bitrate(codec, asked, sample_rate, channels)
                for asked in range(12_000, 700_000, 1_000)
            ]
            assert rates == sorted(rates)


def test_qualities_are_no_bitrates() -> None:
    with pytest.raises(ConfigError, match="mp3vbr has qualities"):
        effective_bitrate("mp3vbr", 64_000, 48000, 1)


def test_nearest_prefers_the_higher_of_two() -> None:
    assert nearest((12000, 16000), 14000) == 16000
