"""`auricle compare` as a user meets it, and the function behind it."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import make_music

from auricle.api import Row, compare, to_row
from auricle.core.errors import ConfigError, UnknownMetricError
from auricle.reference.pairing import pair_folders

Write = Callable[..., Path]


def auricle(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "auricle", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rows(text: str) -> list[Row]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def folders(write: Write, tmp_path: Path) -> tuple[Path, Path]:
    """Two clips with a noisy copy each, and on either side one file without a partner."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    noise = np.random.default_rng(0).normal(0.0, 0.01, 48000).astype(np.float32)
    for number, name in enumerate(("a", "b")):
        write(f"ours/{name}.wav", make_music(1.0, number))
        write(f"theirs/{name}.flac", np.clip(make_music(1.0, number) + noise, -1.0, 1.0))
    write("ours/lone.wav", make_music(1.0))
    (tmp_path / "theirs" / "odd.wav").write_text("no audio")
    return tmp_path / "ours", tmp_path / "theirs"


def test_one_reference_and_several_files(folders: tuple[Path, Path]) -> None:
    ours, theirs = folders
    run = auricle(
        *("compare", ours / "a.wav", ours / "a.wav", theirs / "a.flac"),
        *("--format", "jsonl", "--metric", "log-spectral"),
    )
    assert (run.returncode, run.stderr) == (0, "")
    same, noisy = rows(run.stdout)
    assert same["score"] == 0.0 < noisy["score"]
    assert same["reference"] == noisy["reference"] == str(ours / "a.wav")
    assert noisy["path"] == str(theirs / "a.flac")
    assert noisy["metric"] == "log-spectral.v1"
    assert (noisy["interval"], noisy["worst"], noisy["error"]) == (None, None, None)
    assert noisy["duration"] == 1.0


def test_rows_are_those_of_score_and_the_reference(folders: tuple[Path, Path]) -> None:
    ours, _ = folders
    compared = auricle(
        *("compare", ours / "a.wav", ours / "a.wav"),
        *("--format", "jsonl", "--metric", "log-spectral"),
    )
    scored = auricle("score", ours / "a.wav", "--format", "jsonl")
    (row,), (other,) = rows(compared.stdout), rows(scored.stdout)
    assert set(row) == {*other, "reference", "distance"}
    assert row["distance"] is None


def test_two_folders_lose_nothing(folders: tuple[Path, Path], tmp_path: Path) -> None:
    ours, theirs = folders
    output = tmp_path / "out" / "compared.csv"
    run = auricle("compare", ours, theirs, "--metric", "log-spectral", "--output", output)
    assert (run.returncode, run.stdout, run.stderr) == (1, "", "")
    first, second, lone, odd = csv.DictReader(io.StringIO(output.read_text()))
    assert [Path(r["path"]).name for r in (first, second)] == ["a.flac", "b.flac"]
    assert float(first["score"]) > 0.0
    assert float(second["score"]) > 0.0
    assert (Path(lone["reference"]).name, lone["score"]) == ("lone.wav", "")
    assert "no degraded file is called" in lone["error_message"]
    assert (Path(odd["path"]).name, odd["error_kind"]) == ("odd.wav", "missing")
    assert "no reference is called" in odd["error_message"]


def test_the_embedded_network_is_the_default_and_jobs_change_nothing(
    folders: tuple[Path, Path],
) -> None:
    ours, theirs = folders
    one = auricle("compare", ours, theirs, "--format", "jsonl")
    two = auricle("compare", ours, theirs, "--format", "jsonl", "--jobs", 2)
    assert (one.returncode, two.returncode, two.stderr) == (1, 1, "")
    assert one.stdout == two.stdout
    assert rows(one.stdout)[0]["metric"] == "deepaq-fullband.v1"
    assert 0.0 < rows(one.stdout)[0]["score"] < 100.0


def test_a_table_names_pairs(folders: tuple[Path, Path], tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("reference,degraded\nours/a.wav,theirs/a.flac\nours/none.wav,theirs/b.flac\n")
    asked = ("compare", "--pairs", table, "--metric", "log-spectral")
    run = auricle(*asked, "--format", "jsonl")
    good, bad = rows(run.stdout)
    assert (run.returncode, good["score"] > 0.0, bad["score"]) == (1, True, None)
    assert bad["error"] == {"kind": "missing", "message": "the reference: there is no such file"}
    shown = " ".join(auricle(*asked).stdout.split())
    assert "not compared: the" in shown
    assert f" {good['score']:.3f}" in shown
    before = table.read_text()
    kept = auricle("compare", "--pairs", table, "--output", table, "--format", "csv")
    assert (kept.returncode, table.read_text()) == (2, before)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["examples/lossless.flac"], "say what to compare"),
        (["examples", "examples", "examples"], "not with several"),
        (["examples", "examples/mp3-64k.mp3"], "is no folder"),
        (["examples/lossless.flac", "--pairs", "x.csv"], "leave the arguments out"),
        (["a.wav", "b.wav", "--metric", "codec-music"], "auricle score"),
        (["a.wav", "b.wav", "--metric", "pesk"], "did you mean 'pesq'?"),
        (["a.wav", "b.wav", "--output", "b.wav", "--format", "csv"], "would overwrite"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], words: str) -> None:
    run = auricle("compare", *arguments)
    assert (run.returncode, words in run.stderr, "Traceback" in run.stderr) == (2, True, False)


def test_without_its_package_a_metric_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['pystoi'] = None\n"
        "sys.argv = ['auricle', 'compare', 'a.wav', 'b.wav', '--metric', 'stoi']\n"
        "from auricle.cli.main import run; run()"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, "pip install 'auricle[reference]'" in run.stderr) == (4, True)


def test_score_points_to_compare() -> None:
    run = auricle("score", "examples/lossless.flac", "--metric", "pesq")
    assert run.returncode == 2
    assert "auricle compare REFERENCE DEGRADED --metric pesq" in run.stderr


def test_metrics_with_a_reference_are_listed() -> None:
    listed = auricle("metrics").stdout.splitlines()
    needed = [line.split()[0] for line in listed if " needed " in line]
    assert needed == [
        *("deepaq-fullband.v1", "deepaq-codec.v1"),
        *("visqol.v3", "pesq.wb", "stoi.v1", "estoi.v1", "log-spectral.v1", "zimtohrli.v0.2"),
        *("haaqi.v1", "peaq.basic"),
    ]
    shown = auricle("metrics", "show", "pesq")
    assert (shown.returncode, "ITU-T P.862.2" in shown.stdout) == (0, True)


def test_in_python(folders: tuple[Path, Path], write: Write) -> None:
    ours, theirs = folders
    silent = write("silent.wav", np.zeros(48000))
    report = compare([(ours / "a.wav", theirs / "a.flac"), (silent, silent)], "log-spectral")
    good, bad = report
    assert (good.reference, good.path) == (str(ours / "a.wav"), str(theirs / "a.flac"))
    assert "reference" in to_row(good)
    assert (bad.error.kind, "the reference is silent" in str(bad.error)) == ("signal", True)
    assert len(compare(pair_folders(str(ours), str(theirs)), "log-spectral").failures) == 2
    assert len(compare([], "log-spectral")) == 0
    with pytest.raises(ConfigError, match="at least one job"):
        compare([(silent, silent)], "log-spectral", jobs=0)
    with pytest.raises(UnknownMetricError):
        compare([], "nothing")


def test_what_was_noticed_in_the_reference_is_told(folders: tuple[Path, Path]) -> None:
    ours, theirs = folders
    cut = ours / "a.wav"
    content = cut.read_bytes()
    cut.write_bytes(content[: len(content) - 60000])
    (result,) = compare([(cut, theirs / "a.flac")], "log-spectral")
    (notice,) = result.score.warnings
    assert (notice.kind, notice.message.startswith("the reference: ")) == ("truncated", True)
