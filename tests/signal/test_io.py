import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import RATE, make_music

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, DecodeError, MissingFileError, UnreadableFileError
from auricle.signal.io import (
    AudioStream,
    list_audio,
    read_audio,
    read_with_notices,
    search_audio,
    write_audio,
)

STEREO = np.stack([make_music(3.0, seed=1), make_music(3.0, seed=2)])


@pytest.mark.parametrize(("name", "error"), [("a.wav", 0.0), ("a.flac", 2.0**-23)])
def test_what_is_written_is_read_back(tmp_path: Path, name: str, error: float) -> None:
    write_audio(tmp_path / name, Audio.from_array(STEREO, 44100))
    audio = read_audio(tmp_path / name)
    assert audio.sample_rate == 44100
    assert np.abs(audio.samples - STEREO).max() <= error


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "opus", "m4a", "flac", "wav", "mka", "mp4"])
def test_decoding_agrees_with_the_ffmpeg_command(tmp_path: Path, ffmpeg: str, suffix: str) -> None:
    # The command is Debian's build, the library PyAV's own: two decoders, one result.
    source, coded, raw = tmp_path / "s.wav", tmp_path / f"c.{suffix}", tmp_path / "raw.f32"
    write_audio(source, Audio.from_array(STEREO, RATE))
    quiet = [ffmpeg, "-loglevel", "error", "-y"]
    subprocess.run([*quiet, "-i", source, coded], check=True)
    subprocess.run([*quiet, "-i", coded, "-f", "f32le", raw], check=True)
    expected = np.fromfile(raw, dtype=np.float32).reshape(-1, 2).T
    decoded = read_audio(coded).samples
    # Players keep the padding after the end of an MP4's edit list; here it is cut.
    assert abs(decoded.shape[1] - STEREO.shape[1]) <= (512 if suffix == "mka" else 0)
    assert np.abs(decoded - expected[:, : decoded.shape[1]]).max() < 1e-4


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "opus", "m4a"])
def test_encoder_delay_is_taken_off(tmp_path: Path, ffmpeg: str, suffix: str) -> None:
    source, coded = tmp_path / "s.wav", tmp_path / f"c.{suffix}"
    write_audio(source, Audio.from_array(STEREO[:1], RATE))
    command = [ffmpeg, "-loglevel", "error", "-i", source, "-b:a", "128k", coded]
    subprocess.run(command, check=True)
    decoded = read_audio(coded, sample_rate=RATE).samples[0]
    size = 2**19
    spectrum = np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(STEREO[0], size))
    assert int(np.argmax(np.fft.irfft(spectrum))) == 0


def test_the_sound_of_a_video_is_read(tmp_path: Path, ffmpeg: str) -> None:
    source, video = tmp_path / "s.wav", tmp_path / "v.mkv"
    write_audio(source, Audio.from_array(STEREO, RATE))
    picture = ["-f", "lavfi", "-i", "testsrc=duration=3:size=64x64:rate=10"]
    command = [ffmpeg, "-loglevel", "error", *picture, "-i", source, "-c:a", "flac", video]
    subprocess.run(command, check=True)
    assert read_audio(video).frames == STEREO.shape[1]


def test_blocks_are_the_whole_file(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", Audio.from_array(STEREO, RATE))
    with AudioStream(tmp_path / "a.wav") as stream:
        blocks = list(stream.blocks())
        assert stream.notices() == ()
    assert len(blocks) > 1
    assert np.array_equal(np.concatenate(blocks, axis=1), STEREO)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_half_a_file_is_called_truncated(tmp_path: Path, ffmpeg: str, suffix: str) -> None:
    write_audio(tmp_path / "s.wav", Audio.from_array(STEREO, RATE))
    coded = tmp_path / f"c.{suffix}"
    if suffix != "wav":
        command = [ffmpeg, "-loglevel", "error", "-i", tmp_path / "s.wav", coded]
        subprocess.run(command, check=True)
    content = (coded if suffix != "wav" else tmp_path / "s.wav").read_bytes()
    (tmp_path / f"half.{suffix}").write_bytes(content[: len(content) // 2])
    with AudioStream(tmp_path / f"half.{suffix}") as stream:
        frames = sum(block.shape[1] for block in stream.blocks())
        kinds = [notice.kind for notice in stream.notices()]
    assert 0.4 < frames / STEREO.shape[1] < 0.6
    assert "truncated" in kinds


def test_errors_say_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.mp3").write_text("not audio\n" * 500)
    with pytest.raises(MissingFileError, match="no such file"):
        read_audio(tmp_path / "nowhere.wav")
    with pytest.raises(MissingFileError, match="empty"):
        read_audio("")
    (tmp_path / "link.wav").symlink_to(tmp_path / "nowhere.wav")
    with pytest.raises(MissingFileError, match="link leads nowhere"):
        read_audio(tmp_path / "link.wav")
    with pytest.raises(UnreadableFileError, match="folder"):
        read_audio(tmp_path)
    with pytest.raises(DecodeError, match="empty"):
        read_audio(tmp_path / "empty.wav")
    with pytest.raises(DecodeError, match="recognise"):
        read_audio(tmp_path / "text.mp3")
    with pytest.raises(ConfigError, match=r"\.mp3"):
        write_audio(tmp_path / "a.mp3", Audio.from_array(STEREO, RATE))


def test_a_rate_can_be_asked_for(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", Audio.from_array(STEREO, 44100))
    audio = read_audio(tmp_path / "a.wav", sample_rate=48000)
    assert (audio.sample_rate, audio.frames) == (48000, round(STEREO.shape[1] * 48000 / 44100))


@pytest.mark.parametrize("name", ["a:b.wav", "http:c.flac", "-.wav", "per%20cent.wav"])
def test_names_are_never_protocols(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_audio(tmp_path / name, Audio.from_array(STEREO, RATE))
    monkeypatch.chdir(tmp_path)
    assert read_audio(name).frames == STEREO.shape[1]


def test_what_decoding_notices_comes_with_the_samples(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", Audio.from_array(STEREO, RATE))
    content = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "b.wav").write_bytes(content[: len(content) // 2])
    assert read_with_notices(tmp_path / "a.wav")[1] == ()
    audio, (notice,) = read_with_notices(tmp_path / "b.wav")
    assert notice.kind == "truncated"
    assert 0 < audio.frames < STEREO.shape[1]


def test_folders_are_searched_for_names_of_audio(tmp_path: Path) -> None:
    (tmp_path / "sub" / ".hidden").mkdir(parents=True)
    for name in ("b.WAV", "sub/a.mp3", "sub/notes.txt", ".c.wav", "sub/.hidden/d.wav"):
        (tmp_path / name).touch()
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    files = [str(tmp_path / "b.WAV"), str(tmp_path / "sub" / "a.mp3")]
    assert list_audio(tmp_path) == search_audio(tmp_path) == files
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere")
    assert list_audio(tmp_path) == files
    assert search_audio(tmp_path) == [files[0], str(tmp_path / "gone.wav"), files[1]]
