"""`auricle sweep` as a user meets it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import make_music
from typer.testing import CliRunner, Result

from auricle.cli.main import app
from auricle.core.errors import ConfigError, InputError

Write = Callable[..., Path]
QUICK = ("--codecs", "opus,mp3", "--bitrates", "32,64", "--metric", "log-spectral", "--quiet")


def sweep(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["sweep", *map(str, arguments)])


@pytest.fixture
def clips(write: Write, tmp_path: Path) -> Path:
    folder = tmp_path / "clips of été"
    folder.mkdir()
    for seed in (0, 1):
        samples = np.stack([make_music(1.0, seed), make_music(1.0, seed + 2)])
        write(f"{folder.name}/{seed} ä.wav", samples)
    return folder


def test_a_folder_of_clips(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out put"
    command = [sys.executable, "-W", "error", "-m", "auricle", "sweep", clips, *QUICK]
    command += ["--metric", "codec-music", "--target", "80", "--output", out, "--anchor", "mp3"]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    for text in ("Quality by bitrate: codec-music", "opus against mp3", "Bitrate for a wanted"):
        assert text in run.stdout
    assert {path.name for path in out.iterdir()} == {
        *("report.html", "report.json", "report.md", "points.csv", "scores"),
    }
    report = json.loads((out / "report.json").read_text())
    assert len(report["points"]) == 2 * 5 * 2
    assert report["metrics"][0]["scale"] == [0.0, None]
    # Nobody reads the terminal's output: the report is there nevertheless.
    (out / "report.md").unlink()
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE) as closed:
        assert closed.stdout is not None
        closed.stdout.close()
    assert (out / "report.md").exists()
    # Equal to itself; the baseline is the file that this run overwrites.
    baseline = ("--fail-if-worse-than", out / "report.json")
    again = sweep(clips, *QUICK, "--output", out, *baseline)
    assert again.exit_code == 0
    assert "Against the baseline" in again.stdout
    # A metric that this sweep has not passes, but not unseen.
    assert [line.partition(":")[2].strip() for line in again.stderr.splitlines()] == [
        f"warning: {codec} by codec-music.v3: 4 of the baseline's 4 points are not in this sweep"
        for codec in ("opus", "mp3")
    ]


def test_a_worse_codec_of_ones_own_fails(clips: Path, tmp_path: Path) -> None:
    script = tmp_path / "coder $(touch oh) 'é.py"
    script.write_text(
        "import sys, numpy as np, soundfile as s\n"
        "x, r = s.read(sys.argv[1])\n"
        "bits = int(sys.argv[3])\n"
        "s.write(sys.argv[2], np.round(x * 2**bits) / 2**bits, r)\n"
    )

    def code(bits: int, *more: object) -> Result:
        mine = f'mine={sys.executable} "{script}" {{in}} {{out}}.flac {bits}'
        plain = ("--codecs", "", "--bitrates", "64", "--metric", "log-spectral", "--quiet")
        return sweep(clips, *plain, "--codec-command", mine, *more)

    out = tmp_path / "out"
    first = code(10, "--output", out)
    assert first.exit_code == 0
    assert f"The whole report: {out / 'report.html'}" in first.stdout
    worse = code(6, "--fail-if-worse-than", out / "report.json")
    assert worse.exit_code == 3
    assert "mine is worse by log-spectral" in worse.stderr
    better = code(12, "--fail-if-worse-than", out / "report.json")
    assert (better.exit_code, better.stderr) == (0, "")
    # What is not in this sweep passes, but not unseen; a failure of a clip comes first.
    other = code(12, "--codecs", "opus", "--output", tmp_path / "two")
    assert other.exit_code == 0
    lacks = code(12, "--fail-if-worse-than", tmp_path / "two" / "report.json")
    assert lacks.exit_code == 0
    assert "warning: opus by log-spectral" in lacks.stderr
    assert "2 of the baseline's 2 points" in lacks.stderr
    both = code(6, "--fail-if-worse-than", out / "report.json", tmp_path / "none.wav")
    assert both.exit_code == 1
    assert "mine is worse by log-spectral" in both.stderr


def test_without_a_usable_clip_there_is_one_line(write: Write, tmp_path: Path) -> None:
    silent = write("silent.wav", np.zeros((2, 4800)))
    run = sweep(silent, tmp_path / "none.wav", *QUICK)
    assert (type(run.exception), run.stdout) == (InputError, "")
    assert "nothing could be encoded" in str(run.exception)
    assert "silent.wav: it is silent; " in str(run.exception)


@pytest.mark.parametrize("kept", [True, False])
def test_an_interrupt_is_told(clips: Path, tmp_path: Path, kept: bool) -> None:
    # What is started in the background, as tests may be, ignores interrupts.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from auricle.cli.main import run; run()"
    )
    command = [sys.executable, "-c", code, "sweep", clips, "--quiet"]
    command += ["--codecs", "", "--bitrates", "64", "--metric", "log-spectral"]
    ready = tmp_path / "ready"
    script = tmp_path / "slow.py"
    script.write_text(f"import time, pathlib; pathlib.Path({str(ready)!r}).touch(); time.sleep(60)")
    command += ["--codec-command", f"slow={sys.executable} {script} {{in}} {{out}}"]
    command += ["--output", tmp_path / "out"] if kept else []
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as run:
        while not ready.exists() and run.poll() is None:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate()
    assert run.returncode == 130
    more = "; the same command goes on where it ended" if kept else "; with --output DIR"
    assert f"auricle: interrupted{more}" in said


def test_failures_are_told_and_make_the_exit_code(clips: Path, write: Write) -> None:
    write(f"{clips.name}/surround.wav", np.zeros((6, 4800)))
    run = sweep(clips, *QUICK)
    assert run.exit_code == 1
    assert "6 channels" in run.stdout
    assert "mp3 against opus" in run.stdout


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--codecs", "opsu"), "did you mean 'opus'"),
        (("--anchor", "wma"), "not swept"),
        (("--fail-if-worse-than", "no.json"), "cannot be read"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_encoded(
    wrong: tuple[str, str], message: str
) -> None:
    run = sweep("nowhere.wav", *QUICK, *wrong)
    assert isinstance(run.exception, ConfigError)
    assert message in str(run.exception)
