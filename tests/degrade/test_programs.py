"""Codecs that are programs: real ones, run without a shell."""

import sys
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import make_music

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, DecodeError, InputError
from auricle.degrade.codecs import transcode
from auricle.degrade.programs import parse_program, run_program

# An encoder and decoder in one: it keeps 8 bits per sample and comes 100 samples late.
CODER = """
import sys
import numpy as np, soundfile
mode, source, target = sys.argv[1:4]
if mode == "encode":
    samples, rate = soundfile.read(source)
    late = np.pad(samples, [(100, 0)] + [(0, 0)] * (samples.ndim - 1))
    np.savez(target, rate=rate, samples=np.round(late * 127).astype(np.int8))
else:
    held = np.load(source)
    soundfile.write(target, held["samples"] / 127, int(held["rate"]), format="WAV", subtype="FLOAT")
"""


@pytest.fixture
def coder(tmp_path: Path) -> Path:
    path = tmp_path / "my coder.py"
    path.write_text(CODER)
    return path


@pytest.fixture
def stereo() -> Audio:
    return Audio.from_array(np.stack([make_music(1.0, 0), make_music(1.0, 1)]), 48000)


def test_an_encoder_with_its_decoder_is_aligned_and_measured(coder: Path, stereo: Audio) -> None:
    program = parse_program(
        f"mine={sys.executable} '{coder}' encode {{in}} {{coded}}.npz"
        f" && {sys.executable} '{coder}' decode {{coded}}.npz {{out}}.wav"
    )
    coded = run_program(stereo, program, 64_000)
    assert coded.audio.samples.shape == stereo.samples.shape
    error = np.abs(coded.audio.samples - stereo.samples)[:, :-100]
    assert error.max() < 0.5 / 127 + 1e-4
    # Two channels of 8 bits, and the head of the file.
    assert 2 * 8 * 48_000 < coded.bitrate < 1.05 * 2 * 8 * 48_000


def test_a_file_that_ffmpeg_decodes(ffmpeg: str, stereo: Audio) -> None:
    program = parse_program(f"lame={ffmpeg} -v error -i {{in}} -b:a {{bitrate}} {{out}}.mp3")
    coded = run_program(stereo, program, 128_000)
    assert coded.bitrate == pytest.approx(128_000, rel=0.1)
    ours = transcode(stereo, "mp3", 128_000)
    # Encoders of two versions are not bit-exact, but they are aligned.
    difference = coded.audio.samples - ours.samples
    assert np.std(difference) < 0.1 * np.std(stereo.samples)


def test_the_bitrate_is_passed_in_both_units(tmp_path: Path, stereo: Audio) -> None:
    log = tmp_path / "log"
    script = "import sys, shutil; open(sys.argv[1], 'w').write(' '.join(sys.argv[4:])); "
    script += "shutil.copy(sys.argv[2], sys.argv[3])"
    command = f'c={sys.executable} -c "{script}" {log} {{in}} {{out}} {{bitrate}} {{kbps}}'
    run_program(stereo, parse_program(command), 12_200)
    assert log.read_text() == "12200 12.2"


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("import sys; sys.exit('no licence')", InputError, "failed .1.: no licence"),
        ("pass", InputError, "wrote no file"),
        ("import sys; open(sys.argv[2], 'w').write('text')", DecodeError, "what odd wrote"),
        (
            "import sys, soundfile as s; x, r = s.read(sys.argv[1]);"
            " s.write(sys.argv[2], x[:, 0], r, format='WAV')",
            InputError,
            "channels from 2 to 1",
        ),
        ("import os; os.kill(os.getpid(), 9)", InputError, "failed .-9.: no message"),
    ],
)
def test_what_goes_wrong_is_told(
    script: str, error: type[InputError], message: str, stereo: Audio
) -> None:
    program = parse_program(f'odd={sys.executable} -c "{script}" {{in}} {{out}}')
    with pytest.raises(error, match=message):
        run_program(stereo, program, 64_000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cp {in} {out}", "names no codec"),
        ("a b=cp {in} {out}", "names are of the letters"),
        ("a/b=cp {in} {out}", "'a/b'.*names are of the letters"),
        ("copy=cp {in} {out} -b {rate}", r"\{rate\}.*\{in\}, \{coded\}, .*\{kbps\}"),
        ("copy=cat {in} | cp - {out}", r"no shell reads it, so '\|'"),
        ("copy=cat {in} > {out}", "no shell reads it, so '>'"),
        ("copy=cat {in} 2>{out}", "no shell reads it, so '2>{out}'"),
        ("copy=cp {in} {out}; ls", "no shell reads it, so '{out};'"),
        ("copy=cp {in} {out} ; ls", "no shell reads it, so ';'"),
        ("copy=cp {in}", "lacks"),
        ("copy=cp {in} {out} && ", "lacks"),
        ("copy=cp {in} {coded} {out}", "between an encoder and a decoder"),
        ("copy=cp {in} {out} && cp {out} {out}", "between an encoder and a decoder"),
        ("copy=cp '{in} {out}", "cannot be read"),
        ("copy=no-such-program {in} {out}", "is not there"),
    ],
)
def test_commands_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_program(text)


def test_no_shell_is_involved(tmp_path: Path, stereo: Audio) -> None:
    victim = tmp_path / "victim"
    program = parse_program(f"copy=cp {{in}} {{out}} $(touch {victim})")
    with pytest.raises(InputError):
        run_program(stereo, program, 64_000)
    assert not victim.exists()
