"""Bitrates, codecs and clips of a sweep."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import make_music

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, InputError, MissingFileError, SignalError
from auricle.evaluation.rated_metrics import find_contenders
from auricle.evaluation.sweep_plan import (
    SWEPT,
    Clip,
    SweepPlan,
    cut_loudest,
    find_clip,
    parse_bitrates,
    parse_codecs,
    setting_of,
)


def test_bitrates_in_three_forms() -> None:
    usual = (16, 24, 32, 48, 64, 96, 128, 160)
    assert parse_bitrates("16:160") == tuple(1000 * one for one in usual)
    six = (16, 25, 40, 64, 101, 160)
    assert parse_bitrates("16:160:6") == tuple(1000 * one for one in six)
    assert parse_bitrates("32, 16,16,12.2") == (12_200, 16_000, 32_000)
    assert parse_bitrates("64") == (64_000,)
    # 48 and 64 lie too near to the ends to tell anything else.
    assert parse_bitrates("46:66") == (46_000, 66_000)


@given(st.integers(1, 500), st.integers(1, 500), st.integers(2, 20))
def test_ranges_keep_their_ends(low: int, more: int, steps: int) -> None:
    for text in (f"{low}:{low + more}", f"{low}:{low + more}:{steps}"):
        found = parse_bitrates(text)
        assert (found[0], found[-1]) == (1000 * low, 1000 * (low + more))
        assert list(found) == sorted(set(found))


ODD = ("", "a", "inf", "16:", "16:x", "160:16", "0:16", "-3", "0", "nan", "1:inf", "1:2:3:4")


@pytest.mark.parametrize("text", [*ODD, "16:64:1", "16:64:1000", "16:64:2.5"])
def test_no_bitrates(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_bitrates(text)


def test_codecs() -> None:
    assert parse_codecs("opus, aac,opus") == ("opus", "aac")
    assert parse_codecs("") == ()
    assert "mp3vbr" not in SWEPT
    with pytest.raises(ConfigError, match="did you mean 'opus'"):
        parse_codecs("opsu")


@given(st.sampled_from(SWEPT), st.integers(1_000, 2_000_000), st.sampled_from((8000, 44100)))
def test_every_codec_has_a_setting_for_every_bitrate(codec: str, bitrate: int, rate: int) -> None:
    clip = Clip("a.wav", "", rate, 2, 1.0)
    setting = setting_of(codec, bitrate, clip)
    assert setting_of(codec, setting, clip) == setting


def test_plans_that_cannot_be() -> None:
    metrics = tuple(find_contenders(["log-spectral"])[0])
    with pytest.raises(ConfigError, match="at least one"):
        SweepPlan((), (16_000,), metrics)
    with pytest.raises(ConfigError, match="excerpt"):
        SweepPlan(("opus",), (16_000,), metrics, excerpt=0.0)
    plan = SweepPlan(("opus",), (16_000,), metrics)
    with pytest.raises(ConfigError, match="'mp3' is not swept"):
        plan.check("mp3", ())
    with pytest.raises(ConfigError, match="no metric's scale"):
        plan.check(None, [-1.0])


def test_clips_that_cannot_be_swept(write: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="6 channels"):
        find_clip(str(write("six.wav", np.zeros((6, 4800)))), 30.0)
    with pytest.raises(SignalError, match="silent"):
        find_clip(str(write("silent.wav", np.zeros(48000))), 30.0)
    with pytest.raises(MissingFileError):
        find_clip(str(tmp_path / "nowhere.wav"), 30.0)
    with pytest.raises(InputError):
        find_clip(str(tmp_path), 30.0)


def test_the_loudest_part_of_a_long_clip_is_taken(write: Callable[..., Path]) -> None:
    quiet, loud = 0.01 * make_music(2.0), make_music(1.0, 1)
    path = write("long.wav", np.concatenate([quiet, loud, quiet]))
    assert find_clip(str(path), 1.0).duration == 1.0
    audio = Audio.from_array(np.concatenate([quiet, loud, quiet]), 48000)
    assert np.array_equal(cut_loudest(audio, 1.0).samples[0], loud)
    assert cut_loudest(audio, 10.0) is audio
