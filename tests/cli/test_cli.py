"""The command line as a user meets it: a process, its output, its exit code."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import RATE, make_music

from auricle.catalog import find_bundle
from auricle.data.manifest import Clip, write_manifest
from auricle.signal.io import read_audio

Write = Callable[..., Path]


def auricle(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "auricle", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    for number in range(3):
        write(f"clips/{number}.wav", make_music(1.0, number))
    (tmp_path / "clips" / "1.wav").write_text("no audio")
    return tmp_path / "clips"


def rows(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_one_failure_is_one_row_and_the_exit_code_tells(folder: Path) -> None:
    run = auricle("score", folder, "--format", "jsonl")
    assert run.returncode == 1
    assert [Path(row["path"]).name for row in rows(run.stdout)] == ["0.wav", "1.wav", "2.wav"]
    assert [bool(row["error"]) for row in rows(run.stdout)] == [False, True, False]
    assert run.stderr == ""


def test_the_table_names_files_scores_and_reasons(folder: Path) -> None:
    run = auricle("score", folder, "--track")
    assert "0.wav" in run.stdout
    assert "not scored: FFmpeg does not recognise it" in run.stdout
    assert "90% interval" in run.stdout


def test_json_and_csv_hold_the_same_scores(folder: Path, tmp_path: Path) -> None:
    auricle("score", folder, "--output", tmp_path / "s.json")
    auricle("score", folder, "--output", tmp_path / "s.csv", "--jobs", 2)
    structured = json.loads((tmp_path / "s.json").read_text())
    flat = list(csv.DictReader(io.StringIO((tmp_path / "s.csv").read_text())))
    assert [row["score"] for row in structured] == [
        float(row["score"]) if row["score"] else None for row in flat
    ]
    assert flat[1]["error_kind"] == "decode"


def test_resuming_gives_what_one_run_gives(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.jsonl"
    auricle("score", folder, "--output", output)
    whole = output.read_text()
    # As a kill leaves it: one row done, the next cut off.
    output.write_text(whole[: whole.index("\n") + 40])
    run = auricle("score", folder, "--output", output, "--resume")
    assert run.returncode == 1
    assert output.read_text() == whole
    other = (folder / "0.wav", folder / "0.wav", folder / "2.wav")
    for files, option in ((other, "--quiet"), ((folder,), "--track")):
        refused = auricle("score", *files, "--output", output, "--resume", option)
        assert (refused.returncode, "row" in refused.stderr) == (2, True)
        assert output.read_text() == whole


def test_resuming_never_touches_what_is_not_its_own(folder: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.jsonl"
    notes.write_text('{"mine": 1}\nimportant\n')
    run = auricle("score", folder, "--output", notes, "--resume")
    assert (run.returncode, "row 1" in run.stderr) == (2, True)
    assert notes.read_text() == '{"mine": 1}\nimportant\n'


def test_an_interrupt_has_its_own_exit_code(folder: Path, write: Write, tmp_path: Path) -> None:
    long, output = write("long.wav", np.tile(make_music(10.0), 60)), tmp_path / "scores.jsonl"
    command = [sys.executable, "-m", "auricle", "score", str(folder / "0.wav"), *[str(long)] * 50]
    process = subprocess.Popen(
        [*command, "--output", str(output)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever runs the tests in the background has them ignore interrupts, and all below them.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    # When the first row is there the imports are done and the next file is under way.
    deadline = time.monotonic() + 60.0
    while not (output.exists() and output.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_an_output_that_cannot_be_written(folder: Path) -> None:
    run = auricle("score", folder / "0.wav", "--output", "/proc/nowhere/scores.jsonl")
    assert (run.returncode, "Traceback" in run.stderr) == (6, False)
    assert "/proc/nowhere cannot be written: " in run.stderr
    assert "Errno" not in run.stderr
    below = auricle("score", folder / "0.wav", "--output", folder / "0.wav" / "s.jsonl")
    assert (below.returncode, "a file" in below.stderr) == (6, True)


def test_an_empty_name(folder: Path) -> None:
    (row,) = rows(auricle("score", "", "--format", "jsonl").stdout)
    assert (row["error"]["kind"], row["error"]["message"]) == (
        "missing",
        "the file name is empty",
    )


def test_huge_samples_give_a_row_of_valid_json(write: Write) -> None:
    run = auricle("score", write("a.wav", 1e30 * make_music(1.0)), "--format", "json")
    assert run.returncode == 1
    (row,) = json.loads(run.stdout, parse_constant=pytest.fail)
    assert (row["score"], row["error"]["kind"]) == (None, "signal")


def test_odd_file_names(folder: Path, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.wav")
    odd.write_bytes((folder / "0.wav").read_bytes())
    for name in ("s.jsonl", "s.csv", "s.txt"):
        assert auricle("score", odd, "--output", tmp_path / name).returncode == 0
    too_long = auricle("score", "x" * 300 + ".wav", "--format", "jsonl")
    assert (too_long.returncode, rows(too_long.stdout)[0]["error"]["kind"]) == (1, "unreadable")


def test_a_gate_for_ci(folder: Path) -> None:
    coded = "examples/mp3-64k.mp3"
    assert auricle("score", coded, "--min-score", 20).returncode == 0
    assert auricle("score", coded, "--min-score", 80).returncode == 3
    for useless in ("nan", "200"):
        assert auricle("score", coded, "--min-score", useless).returncode == 2


def test_nothing_overwrites_what_it_reads(folder: Path) -> None:
    file = folder / "0.wav"
    before = file.read_bytes()
    assert auricle("score", folder, "--output", file, "--format", "json").returncode == 2
    assert auricle("degrade", file, file, "--process", "mp3:64k").returncode == 2
    assert file.read_bytes() == before


def test_usage_errors_say_what_to_do(folder: Path) -> None:
    cases = [
        (("score", folder, "--metric", "codec-musik"), 2, "codec-music"),
        (("score", folder, "--metric", folder), 2, "holds no bundle"),
        (("score", folder, "--resume"), 2, "--output"),
        (("score", folder, "--output", "x.doc"), 2, "--format"),
        (("degrade", folder / "0.wav", "o.wav", "--process", "opuss:32k"), 2, "opus"),
        (("degrade", "nowhere.wav", "o.wav", "--process", "opus:32k"), 1, "nowhere.wav: there is"),
        (("degrade", folder / "0.wav", "o.wav", "--process", ""), 2, "empty"),
        (("data", "inspect", "nowhere.csv"), 5, "no manifest"),
        (("data", "corpus", folder, "--output", folder / "c"), 2, "--layout"),
        (("data", "corpus", folder, "--output", folder / "c", "--layout", "fma"), 5, "fma_large"),
        (("evaluate", "codec-music", "--manifest", "nowhere.csv"), 5, "no manifest"),
        (("train", "no-recipe", "--features", ".", "--output", "."), 2, "codec-music"),
    ]
    for arguments, code, hint in cases:
        run = auricle(*arguments)
        assert (run.returncode, hint in run.stderr) == (code, True), (arguments, run.stderr)
        assert "Traceback" not in run.stderr


def test_features_never_mix_splits(tmp_path: Path) -> None:
    clip = Clip("a-00", "song", "s", "a.flac", "train", "", "a-00.flac", 4.0)
    write_manifest([clip], tmp_path / "a.csv")
    write_manifest([replace(clip, split="test")], tmp_path / "b.csv")
    options = ("--recipe", "codec-music", "--output", tmp_path / "features")
    run = auricle("data", "features", tmp_path / "a.csv", tmp_path / "b.csv", *options)
    assert (run.returncode, "'song'" in run.stderr, "--leave-out" in run.stderr) == (5, True, True)


def test_degrading_keeps_length_rate_and_channels(write: Write, tmp_path: Path) -> None:
    source = write("a.flac", np.stack([make_music(1.0, 1), make_music(1.0, 2)]))
    target = tmp_path / "b.flac"
    process = ("--process", "opus:32k", "--process", "lowpass:7500")
    assert auricle("degrade", source, target, *process).returncode == 0
    before, after = read_audio(source), read_audio(target)
    assert after.samples.shape == before.samples.shape
    assert after.sample_rate == RATE
    power = np.abs(np.fft.rfft(after.samples[0])) ** 2
    assert power[16000:].sum() < 1e-3 * power.sum()


def test_degrading_tells_what_is_wrong_with_it(write: Write, tmp_path: Path) -> None:
    source, target = write("a.wav", make_music(1.0)), tmp_path / "b.flac"
    assert auricle("degrade", source, target, "--process", "mp3:128k").stderr == ""
    loud = write("loud.wav", 3.0 * make_music(1.0))
    run = auricle("degrade", loud, target, "--process", "lowpass:7500")
    assert (run.returncode, "warning" in run.stderr, "% of the samples" in run.stderr) == (0, 1, 1)
    kept = auricle("degrade", loud, tmp_path / "c.wav", "--process", "lowpass:7500")
    assert (kept.returncode, kept.stderr) == (0, "")
    assert np.abs(read_audio(tmp_path / "c.wav").samples).max() > 1.0
    content = source.read_bytes()
    source.write_bytes(content[: len(content) // 2])
    run = auricle("degrade", source, target, "--process", "lowpass:7500")
    assert (run.returncode, "warning: " in run.stderr, "truncated" in run.stderr) == (0, 1, 1)


def test_metrics_and_cards() -> None:
    listed = auricle("metrics").stdout
    # Piped, a row stays a row.
    (row,) = (line for line in listed.splitlines() if "codec-music.v3" in line)
    assert find_bundle("codec-music").model_sha256[:12] in row
    assert "48 kHz" in row
    card = auricle("metrics", "show", "codec-music")
    assert "# codec-music" in card.stdout
    assert auricle("metrics", "show", "nothing").returncode == 2


def test_help_and_scores_never_import_torch(write: Write) -> None:
    path = write("a.wav", make_music(1.0))
    code = (
        "import sys; sys.argv = ['auricle', *sys.argv[1:]]\n"
        "from auricle.cli.main import run\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "assert not {'torch', 'numba', 'scipy.signal'} & sys.modules.keys()"
    )
    for arguments in (["--help"], ["score", str(path)], ["metrics"]):
        command = [sys.executable, "-c", code, *arguments]
        subprocess.run(command, check=True, capture_output=True)


def test_a_closed_pipe_is_no_crash(folder: Path) -> None:
    command = f"{sys.executable} -m auricle score {folder} --format jsonl | head -c 1"
    run = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in run.stderr


def test_version() -> None:
    assert auricle("--version").stdout.strip() == version("auricle")
