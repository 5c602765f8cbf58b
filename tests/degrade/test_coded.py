"""The bitrate that a codec really took."""

import numpy as np
import pytest
from tests.conftest import make_music

from auricle.core.audio import Audio
from auricle.degrade.bitrates import effective_bitrate
from auricle.degrade.codecs import code, encode, transcode

STEREO = Audio.from_array(np.stack([make_music(2.0, 0), make_music(2.0, 1)]), 44100)


@pytest.mark.parametrize("codec", ["mp2", "mp3", "ac3", "eac3"])
def test_constant_bitrates_are_found_exactly(codec: str) -> None:
    assert code(STEREO, codec, 96_000).bitrate == pytest.approx(96_000, rel=0.002)


@pytest.mark.parametrize("codec", ["opus", "aac", "aacfast", "vorbis", "wma", "sbc"])
def test_others_are_near_what_was_asked_for(codec: str) -> None:
    coded = code(STEREO, codec, 96_000)
    asked = effective_bitrate(codec, 96_000, 44100, 2)
    assert coded.bitrate == pytest.approx(asked, rel=0.35)
    # Containers are not counted.
    assert coded.bitrate < 8 * len(encode(STEREO, codec, 96_000)) / STEREO.duration


@pytest.mark.parametrize("codec", ["opus", "mp3", "vorbis"])
def test_the_audio_is_that_of_transcode(codec: str) -> None:
    coded = code(STEREO, codec, 64_000)
    assert np.array_equal(coded.audio.samples, transcode(STEREO, codec, 64_000).samples)
