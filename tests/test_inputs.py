"""The table of docs/inputs.md, row by row."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import RATE, make_music

import auricle
from auricle.core.errors import SignalError

Write = Callable[..., Path]
MUSIC = make_music(3.0)


def verdict(path: Path | str) -> tuple[str | None, set[str]]:
    """The error's kind, or the warnings' kinds; a score lies on the scale."""
    (result,) = auricle.assess(path)
    if result.error is not None:
        assert str(result.error)
        return result.error.kind, set()
    assert result.score is not None
    assert 0.0 <= result.score.value <= 100.0
    return None, {notice.kind for notice in result.score.warnings}


def encode(ffmpeg: str, source: Path, name: str, *options: str) -> Path:
    target = source.parent / name
    command = [ffmpeg, "-loglevel", "error", "-i", source, *options, target]
    subprocess.run(command, check=True)
    return target


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    target = path.with_name(f"cut{path.suffix}")
    target.write_bytes(content[: int(share * len(content))])
    return target


@contextmanager
def another_user(folder: Path) -> Iterator[None]:
    """As root, who reads everything, be somebody else who comes as far as `folder`."""
    if os.geteuid() != 0:
        yield
        return
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    auricle.load("codec-music")
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_corrupt(write: Write, tmp_path: Path) -> None:
    content = bytearray(write("a.flac", MUSIC).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40000] = np.random.default_rng(0).bytes(40000)
    (tmp_path / "b.flac").write_bytes(content)
    error, warnings = verdict(tmp_path / "b.flac")
    assert error is None
    assert warnings & {"damaged", "truncated"}


@pytest.mark.parametrize("suffix", ["flac", "wav"])
def test_truncated(write: Write, suffix: str) -> None:
    error, warnings = verdict(cut(write(f"a.{suffix}", MUSIC), 0.6))
    assert error is None
    assert "truncated" in warnings


def test_truncated_mp3(write: Write, ffmpeg: str) -> None:
    error, warnings = verdict(cut(encode(ffmpeg, write("a.wav", MUSIC), "a.mp3"), 0.6))
    assert error is None
    assert "truncated" in warnings


@pytest.mark.parametrize("suffix", ["ogg", "opus"])
def test_truncated_ogg(write: Write, ffmpeg: str, suffix: str) -> None:
    whole = encode(ffmpeg, write("a.wav", MUSIC), f"a.{suffix}")
    assert "truncated" not in verdict(whole)[1]
    error, warnings = verdict(cut(whole, 0.6))
    assert error is None
    assert "truncated" in warnings


def test_a_rate_that_changes_in_the_middle(write: Write, ffmpeg: str, tmp_path: Path) -> None:
    one = encode(ffmpeg, write("a.wav", MUSIC), "a.mp3")
    two = encode(ffmpeg, write("b.wav", MUSIC), "b.mp3", "-ar", "22050")
    (tmp_path / "c.mp3").write_bytes(one.read_bytes() + two.read_bytes())
    assert verdict(tmp_path / "c.mp3")[0] == "decode"


def test_longer_video_than_audio(write: Write, ffmpeg: str) -> None:
    picture = ["-f", "lavfi", "-i", "testsrc=duration=5:size=64x64:rate=10"]
    video = encode(ffmpeg, write("a.wav", MUSIC), "sound.mkv", *picture)
    assert verdict(video) == (None, set())


def test_a_click_after_silence(write: Write) -> None:
    samples = np.zeros(10 * RATE + 240)
    samples[-100:] = make_music(1.0)[:100]
    assert verdict(write("a.wav", samples))[0] is None


def test_truncated_mp4_without_its_index(write: Write, ffmpeg: str) -> None:
    assert verdict(cut(encode(ffmpeg, write("a.wav", MUSIC), "a.m4a"), 0.6))[0] == "decode"


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    assert verdict(tmp_path / "a.wav")[0] == "decode"


@pytest.mark.parametrize("suffix", ["wav", "mp3", "flac", "ogg", "m4a"])
def test_text_renamed(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_text("This is a letter, not a recording.\n" * 300)
    assert verdict(path)[0] == "decode"


def test_video_without_and_with_audio(write: Write, ffmpeg: str, tmp_path: Path) -> None:
    picture = ["-f", "lavfi", "-i", "testsrc=duration=3:size=64x64:rate=10"]
    silent = tmp_path / "silent.mp4"
    subprocess.run([ffmpeg, "-loglevel", "error", *picture, silent], check=True)
    assert verdict(silent)[0] == "decode"
    sound = encode(ffmpeg, write("a.wav", MUSIC), "sound.mp4", *picture)
    assert verdict(sound)[0] is None


@pytest.mark.parametrize("rate", [8000, 44100, RATE, 96000])
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_silence_and_offset(write: Write, level: float, rate: int) -> None:
    assert verdict(write("a.wav", np.full(2 * rate, level), rate))[0] == "signal"


def test_an_offset_before_the_music_is_left_out(write: Write) -> None:
    offset = np.full(10 * 44100, 0.1, dtype=np.float32)
    music = make_music(10.0, rate=44100) + np.float32(0.1)
    error, warnings = verdict(write("a.wav", np.concatenate([offset, music]), 44100))
    assert error is None
    assert "partly_silent" in warnings


@pytest.mark.parametrize("samples", [1e30 * MUSIC, 32767.0 * MUSIC])
def test_beyond_any_full_scale(write: Write, samples: np.ndarray) -> None:
    assert verdict(write("a.wav", samples))[0] == "signal"
    with pytest.raises(SignalError, match="above full scale"):
        auricle.load("codec-music")(samples, RATE)
    with pytest.raises(SignalError, match="finite"):
        auricle.load("codec-music")(samples.astype(np.float64) * 1e200, RATE)


@pytest.mark.parametrize("rate", [1, 5, 50, 4000, 5999])
def test_rates_too_low_for_a_score(write: Write, rate: int) -> None:
    assert verdict(write("a.wav", MUSIC, rate))[0] == "signal"


@pytest.mark.parametrize("rate", [768_000, 10_000_000, 2**31 - 1])
def test_absurdly_high_rates(write: Write, rate: int) -> None:
    error, _ = verdict(write("a.wav", np.tile(MUSIC, 10), rate))
    assert error == (None if rate == 768_000 else "signal")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite(write: Write, value: float) -> None:
    broken = MUSIC.copy()
    broken[1000] = value
    assert verdict(write("a.wav", broken))[0] == "signal"


@pytest.mark.parametrize("samples", [1, RATE // 4])
def test_too_short(write: Write, samples: int) -> None:
    assert verdict(write("a.wav", MUSIC[:samples]))[0] == "signal"


def test_eight_channels(write: Write) -> None:
    error, warnings = verdict(write("a.wav", np.stack([MUSIC] * 8)))
    assert error is None
    assert "downmixed" in warnings


def test_cancelling_channels(write: Write) -> None:
    assert verdict(write("a.wav", np.stack([MUSIC, -MUSIC])))[0] == "signal"
    rest = 0.02 * make_music(3.0, seed=9)
    error, warnings = verdict(write("b.wav", np.stack([MUSIC, rest - MUSIC])))
    assert error is None
    assert "cancelled" in warnings


@pytest.mark.parametrize(("rate", "expected"), [
    (6000, {"low_sample_rate"}), (8000, {"low_sample_rate"}), (192000, set()),
])  # fmt: skip
def test_rates(write: Write, rate: int, expected: set[str]) -> None:
    error, warnings = verdict(write("a.wav", make_music(3.0, rate=rate), rate))
    assert error is None
    assert expected <= warnings


def test_partly_silent(write: Write) -> None:
    music = make_music(10.0)
    error, warnings = verdict(write("a.wav", np.concatenate([music, np.zeros(12 * RATE)])))
    assert error is None
    assert "partly_silent" in warnings


def test_unreadable(write: Write, tmp_path: Path) -> None:
    path = write("a.wav", MUSIC)
    path.chmod(0)
    with another_user(tmp_path):
        kind = verdict(path)[0]
    assert kind == "unreadable"


def test_unreadable_folders_have_their_row(write: Write, tmp_path: Path) -> None:
    for name in ("open", "closed", "listed"):
        (tmp_path / name).mkdir(mode=0o755)
        write(f"{name}/a.wav", make_music(0.6)).chmod(0o644)
    (tmp_path / "closed").chmod(0)
    (tmp_path / "listed").chmod(0o444)
    with another_user(tmp_path):
        whole = auricle.assess(tmp_path)
        (alone,) = auricle.assess(tmp_path / "closed")
        (matched,) = auricle.assess(tmp_path / "clo*")
    for name in ("closed", "listed"):
        (tmp_path / name).chmod(0o755)
    kinds = {
        Path(result.path).relative_to(tmp_path).as_posix(): getattr(result.error, "kind", None)
        for result in whole
    }
    assert kinds == {"closed": "unreadable", "listed/a.wav": "unreadable", "open/a.wav": None}
    for result in (alone, matched):
        assert result.path == str(tmp_path / "closed")
        assert "permission denied" in str(result.error)


def test_links_that_lead_nowhere_have_their_row(write: Write, tmp_path: Path) -> None:
    write("a.wav", make_music(0.6))
    (tmp_path / "b.wav").symlink_to(tmp_path / "nowhere.wav")
    good, bad = auricle.assess(tmp_path)
    assert good.error is None
    assert (Path(bad.path).name, str(bad.error)) == ("b.wav", "the link leads nowhere")


def test_missing(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.wav", tmp_path, f"{tmp_path}/*.flac"):
        assert verdict(path)[0] == "missing"
