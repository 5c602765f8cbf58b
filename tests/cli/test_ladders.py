"""`auricle ladders` as a user meets it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import make_music

LADDER = "mine=opus:64k,lowpass:3000"


def ladders(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "auricle", "ladders", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def clip(write: Callable[..., Path]) -> Path:
    return write("music.wav", make_music(1.0))


def test_tables_go_to_the_terminal_and_a_report_to_the_folder(clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    output = tmp_path / "out"
    run = ladders(
        clip, "--metric", "log-spectral", "--ladder", LADDER, "--output", output, "--jobs", 2
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "Pairs in order" in run.stdout
    assert "Mean scores\n" not in run.stdout
    assert "## Mean scores" in (output / "report.md").read_text()
    (mine, _) = json.loads((output / "report.json").read_text())["results"]
    assert (mine["ladder"], mine["every"]["pairs"]) == ("mine", 3)


def test_what_cannot_be_read_makes_the_exit_code(clip: Path, tmp_path: Path) -> None:
    run = ladders(
        clip, tmp_path / "none.wav", "--metric", "log-spectral", "--ladder", LADDER
    )  # fmt: skip
    assert run.returncode == 1
    assert "log-spectral  100  100" in run.stdout
    assert "none.wav  (the clip itself)  3 " in run.stdout


def test_a_typo_is_told_before_anything_is_scored(clip: Path) -> None:
    run = ladders(clip, "--ladder", "bitrate-opsu")
    assert run.returncode == 2
    assert "did you mean 'bitrate-opus'" in run.stderr


def test_where_nothing_was_scored_the_reason_is_told(tmp_path: Path) -> None:
    run = ladders(tmp_path / "none.wav", "--metric", "log-spectral", "--ladder", LADDER)
    assert (run.returncode, run.stdout) == (1, "")
    assert "auricle: nothing was scored: " in run.stderr
    assert "none.wav" in run.stderr
