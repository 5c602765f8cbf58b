"""Processes as text and values, and their application."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.cli.degrade import degrade
from auricle.core.audio import Audio
from auricle.core.errors import ConfigError
from auricle.degrade.base import (
    Process,
    apply_cascade,
    apply_process,
    format_cascade,
    parse_cascade,
    parse_process,
)
from auricle.degrade.codecs import CODECS

CODEC_PROCESSES = st.builds(
    Process,
    st.sampled_from([codec for codec in CODECS if codec != "mp3vbr"]),
    st.integers(64_000, 320_000),
) | st.builds(
    Process,
    st.sampled_from(["mp2", "mp3", "aac", "aacfast", "opus", "vorbis"]),
    st.integers(16_000, 64_000),
)
PROCESSES = (
    CODEC_PROCESSES
    | st.builds(Process, st.just("lowpass"), st.integers(200, 3_400))
    | st.builds(Process, st.just("mp3vbr"), st.integers(0, 9))
    | st.builds(Process, st.just("noise"), st.integers(0, 96))
    | st.builds(Process, st.just("clip"), st.integers(1, 50))
    | st.builds(Process, st.sampled_from(["resample", "alaw", "adpcm"]), st.integers(4_000, 48_000))
    | st.builds(Process, st.just("highpass"), st.integers(20, 3_400))
    | st.builds(
        Process,
        st.sampled_from(["pink", "musical", "mask", "suppress", "erode"]),
        st.integers(1, 40),
    )
    | st.builds(Process, st.sampled_from(["babble", "mnru", "saturate"]), st.integers(1, 40))
    | st.builds(Process, st.sampled_from(["holes", "loss", "jitter", "narrow"]), st.integers(1, 60))
    | st.builds(Process, st.just("quantise"), st.integers(2, 16))
    | st.builds(Process, st.just("vocode"), st.integers(16, 256))
    | st.builds(Process, st.just("reverb"), st.integers(50, 4_000))
)
SUPPORTED_RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000)


@st.composite
def audios(draw: st.DrawFn) -> Audio:
    """Noise, tones or both, mono or stereo, some too loud, some silent."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sample_rate = draw(st.sampled_from(SUPPORTED_RATES))
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 6000)))
    time = np.arange(shape[1]) / sample_rate
    noise = rng.normal(size=shape) * draw(st.sampled_from((0.0, 0.001, 0.1, 2.0)))
    tone = np.sin(2 * np.pi * draw(st.floats(20.0, 3900.0)) * time)
    return Audio.from_array(noise + draw(st.sampled_from((0.0, 0.5, 1.0))) * tone, sample_rate)


@settings(max_examples=80, deadline=None)
@given(audio=audios(), process=PROCESSES)
def test_any_process_keeps_the_shape_and_repeats(audio: Audio, process: Process) -> None:
    before = audio.samples.copy()
    degraded = apply_process(audio, process)
    assert degraded.samples.shape == audio.samples.shape
    assert degraded.sample_rate == audio.sample_rate
    assert np.isfinite(degraded.samples).all()
    assert np.array_equal(degraded.samples, apply_process(audio, process).samples)
    assert np.array_equal(before, audio.samples)


@given(st.lists(PROCESSES, max_size=4))
def test_text_reads_back(processes: list[Process]) -> None:
    assert parse_cascade(format_cascade(processes)) == tuple(processes)


@given(st.text(max_size=20))
def test_no_text_breaks_the_parser(text: str) -> None:
    with suppress(ConfigError):
        processes = parse_cascade(text)
        assert parse_cascade(format_cascade(processes)) == processes


@pytest.mark.parametrize(
    "text",
    [
        "mp3:64k", "aac:700k", "vorbis:96k", "opus:32k", "mp2:192k", "lowpass:7500",
        "anchor:3500", "anchor:7000", "mp3:44100", "mp3vbr:4", "aacfast:64k", "ac3:128k",
        "eac3:96k", "wma:96k", "sbc:229k", "alaw:8000", "adpcm:22050", "resample:16000", "noise:30",
        "clip:5", "highpass:300", "quantise:8", "saturate:12", "pink:30", "mnru:20", "musical:15",
        "babble:20", "mask:-5", "mask:10", "holes:30", "vocode:80", "loss:5", "jitter:20",
        "reverb:500", "narrow:50",
    ],
)  # fmt: skip
def test_canonical_text(text: str) -> None:
    assert str(parse_process(text)) == text


def test_equal_processes_have_one_text() -> None:
    assert str(parse_process("mp3:64000")) == str(parse_process(" mp3:64k ")) == "mp3:64k"
    assert str(parse_process("lowpass:9k")) == "lowpass:9000"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mp4:64k", "did you mean 'mp"),
        ("opsu:32k", "did you mean 'opus'"),
        ("MP3:64k", "did you mean 'mp3'"),
        ("ogg:64k", "did you mean 'vorbis'"),
        ("adts:64k", "did you mean 'aac'"),
        ("xyzzy:1", "there are mp2:192k, mp3:64k"),
        ("", "no process is called ''"),
        ("mp3", "as in 'mp3:64k'"),
        ("mp3:fast", "as in 'mp3:64k'"),
        ("mp3:-64k", "as in 'mp3:64k'"),
        ("mp3:64 k", "as in 'mp3:64k'"),
        ("mp3:٦٤k", "as in 'mp3:64k'"),
        ("mp3:64", "8000 to 320000 bit/s, not 64"),
        ("opus:6k", "12000 to 512000 bit/s"),
        ("mp3vbr:12", "0 to 9 (LAME's quality), not 12"),
        ("mp3vbr", "as in 'mp3vbr:4'"),
        ("noise:100", "0 to 96 dB, not 100"),
        ("noise:-6", "as in 'noise:30'"),
        ("clip:80", "1 to 50 %, not 80"),
        ("mask:-6", "-5 to 40 dB, not -6"),
        ("vocode:8", "16 to 256 bands, not 8"),
        ("quantize:8", "did you mean 'quantise'"),
        ("wma:48k", "64000 to 320000 bit/s"),
        ("ec3:96k", "did you mean 'eac3'"),
        ("lowpass:0", "20 to 192000 Hz"),
        ("anchor:5000", "3500 or 7000 Hz"),
    ],
)
def test_typos_are_explained(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_process(text)
    assert message in str(caught.value)


def test_help_and_documentation_list_every_kind() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_process("xyzzy:1")
    kinds = re.findall(r"([a-z0-9]+):", str(caught.value).partition("there are ")[2])
    documentation = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    assert len(kinds) > 30
    assert {kind for kind in kinds if f"`{kind}`" not in documentation} == set()
    assert {kind for kind in kinds if not re.search(rf"\b{kind}\b", degrade.__doc__ or "")} == set()


def test_an_empty_part_of_a_cascade_is_a_typo() -> None:
    with pytest.raises(ConfigError):
        parse_cascade("opus:32k+")


def test_the_empty_cascade_is_the_identity() -> None:
    audio = Audio.from_array([0.1, 0.2], 48000)
    assert parse_cascade("") == ()
    assert apply_cascade(audio, ()) is audio


def test_a_cascade_is_its_processes_in_turn() -> None:
    rng = np.random.default_rng(5)
    audio = Audio.from_array(0.1 * rng.normal(size=(2, 9600)), 48000)
    first, second = parse_cascade("opus:64k+lowpass:3500")
    both = apply_cascade(audio, (first, second))
    assert np.array_equal(both.samples, apply_process(apply_process(audio, first), second).samples)
    assert not np.array_equal(both.samples, apply_cascade(audio, (second, first)).samples)
