"""`auricle sweep` as a user meets it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import make_music

Write = Callable[..., Path]
QUICK = ("--codecs", "opus,mp3", "--bitrates", "32,64", "--metric", "log-spectral")


def auricle(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "auricle", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def clips(write: Write, tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    for seed in (0, 1):
        write(f"clips/{seed}.wav", np.stack([make_music(1.0, seed), make_music(1.0, seed + 2)]))
    return tmp_path / "clips"


def test_a_folder_of_clips(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    metrics = ("--metric", "codec-music", "--target", "80")
    run = auricle("sweep", clips, *QUICK, *metrics, "--output", out, "--anchor", "mp3")
    assert (run.returncode, run.stderr) == (0, "")
    for text in ("Quality by bitrate: codec-music", "opus against mp3", "Bitrate for a wanted"):
        assert text in run.stdout
    assert {path.name for path in out.iterdir()} == {
        *("report.html", "report.json", "report.md", "points.csv", "scores"),
    }
    report = json.loads((out / "report.json").read_text())
    assert len(report["points"]) == 2 * 5 * 2
    # Equal to itself; the baseline is the file that this run overwrites.
    again = auricle("sweep", clips, *QUICK, *metrics[:2], "--output", out,
                    "--fail-if-worse-than", out / "report.json")  # fmt: skip
    assert (again.returncode, again.stderr) == (0, "")
    assert "Against the baseline" in again.stdout


def test_a_worse_codec_of_ones_own_fails(clips: Path, tmp_path: Path) -> None:
    script = tmp_path / "coder.py"
    script.write_text(
        "import sys, numpy as np, soundfile as s\n"
        "x, r = s.read(sys.argv[1])\n"
        "bits = int(sys.argv[3])\n"
        "s.write(sys.argv[2], np.round(x * 2**bits) / 2**bits, r)\n"
    )

    def sweep(bits: int, *more: object) -> subprocess.CompletedProcess[str]:
        mine = f"mine={sys.executable} {script} {{in}} {{out}}.flac {bits}"
        plain = ("--codecs", "", "--bitrates", "64", "--metric", "log-spectral")
        return auricle("sweep", clips, *plain, "--codec-command", mine, *more)

    out = tmp_path / "out"
    assert sweep(10, "--output", out).returncode == 0
    worse = sweep(6, "--fail-if-worse-than", out / "report.json")
    assert worse.returncode == 3
    assert "mine is worse by log-spectral" in worse.stderr
    better = sweep(12, "--fail-if-worse-than", out / "report.json")
    assert (better.returncode, better.stderr) == (0, "")


def test_failures_and_wrong_usage(clips: Path, write: Write) -> None:
    write("clips/surround.wav", np.zeros((6, 4800)))
    run = auricle("sweep", clips, *QUICK)
    assert run.returncode == 1
    assert "6 channels" in run.stdout
    assert "opus" in run.stdout
    for wrong, message in (
        (("--codecs", "opsu"), "did you mean 'opus'"),
        (("--anchor", "wma"), "not swept"),
        (("--fail-if-worse-than", "no.json"), "cannot be read"),
    ):
        run = auricle("sweep", clips, *QUICK, *wrong)
        assert (run.returncode, message in run.stderr) == (2, True), run.stderr
