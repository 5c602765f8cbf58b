"""Ladders by name and by description."""

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError
from auricle.degrade.base import apply_cascade, parse_cascade
from auricle.evaluation.ladder_table import LADDERS, Ladder, find_ladders


def test_there_is_a_ladder_of_every_kind_and_all_are_the_default() -> None:
    kinds = {rung.partition(":")[0] for ladder in LADDERS.values() for rung in ladder.rungs}
    assert kinds == set("mp3 aac opus vorbis lowpass noise pink clip quantise loss".split())
    assert find_ladders() == tuple(LADDERS.values())
    assert all(name == ladder.name for name, ladder in LADDERS.items())


@pytest.mark.parametrize("name", LADDERS)
def test_rungs_go_from_mild_to_severe(name: str, music: Audio) -> None:
    part = Audio.from_array(music.samples[:, :96000], music.sample_rate)
    power = []
    for rung in LADDERS[name].rungs:
        degraded = apply_cascade(part, parse_cascade(rung))
        spectra = [np.abs(np.fft.rfft(one.samples[0])) for one in (part, degraded)]
        power.append(float(np.square(spectra[0] - spectra[1]).mean()))
    assert power == sorted(power)


def test_own_ladders_are_read_in_their_canonical_form() -> None:
    own, known = find_ladders(["tandem=opus:64000, opus:64k + mp3:64k", "low-pass"])
    assert own == Ladder("tandem", ("opus:64k", "opus:64k+mp3:64k"))
    assert known == LADDERS["low-pass"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lowpas", "did you mean 'low-pass'"),
        ("x", "bitrate-mp3, .*or NAME=opus:96k"),
        ("=opus:96k,opus:48k", "no ladder is called"),
        ("one=opus:96k", "at least two rungs"),
        ("twice=opus:96k,opus:96000", "at least two rungs"),
        ("clean=opus:96k,,opus:48k", "empty rung"),
        ("typo=ops:96k,opus:48k", "opus"),
        ("all=opus:96k,opus:48k", "cannot be called 'all'"),
        ("street=snr:20,snr:10", "recording of noise"),
    ],
)
def test_what_is_no_ladder_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_ladders([text])


def test_a_name_stands_for_one_ladder() -> None:
    with pytest.raises(ConfigError, match="'low-pass' is there twice"):
        find_ladders(["low-pass", "low-pass=lowpass:9000,lowpass:5000"])
