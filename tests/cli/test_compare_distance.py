"""`auricle compare` and `auricle bank` with a metric that judges by distance."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import make_music

import auricle
from auricle.api import Row
from auricle.catalog import load, load_distance_metric, load_reference_metric
from auricle.core.errors import ConfigError, InputError, UnknownMetricError
from auricle.systems.bundle import DistanceBundle
from auricle.systems.distance_bank import read_bank, save_bank

Write = Callable[..., Path]


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "auricle", *map(str, arguments)]
    env = os.environ | environment
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


def rows(text: str) -> list[Row]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def metric(distance_bundle: DistanceBundle) -> str:
    return str(distance_bundle.folder)


@pytest.fixture
def files(write: Write) -> tuple[Path, Path, Path]:
    """A clip, with a little noise, and with more of it in its last second."""
    clean = make_music(3.0)
    noise = np.random.default_rng(0).normal(0.0, 0.002, clean.size)
    late = noise.copy()
    late[96000:] *= 10.0
    return write("clean.wav", clean), write("a.wav", clean + noise), write("b.wav", clean + late)


def test_a_folder_is_a_metric(files: tuple[Path, Path, Path], metric: str) -> None:
    clean, a, b = files
    asked = ("compare", clean, clean, a, b, "--metric", metric)
    found = run(*asked, "--track", "--format", "jsonl")
    assert (found.returncode, found.stderr) == (0, "")
    same, noisy, worse = rows(found.stdout)
    assert (same["score"], same["distance"]) == (100.0, 0.0)
    assert 0.0 < noisy["distance"] < worse["distance"]
    assert worse["score"] < noisy["score"] < 100.0
    assert noisy["interval"][0] < noisy["score"] < noisy["interval"][1]
    assert worse["worst"]["start"] == 2.0
    assert len(worse["track"]) == 3
    assert noisy["metric"] == "tiny-distance.v1"
    assert noisy["model_sha256"] == load_reference_metric(metric).model_sha256
    plain = rows(run(*asked, "--format", "jsonl", "--jobs", 2).stdout)
    assert plain == [{k: v for k, v in row.items() if k != "track"} for row in (same, noisy, worse)]
    table = run(*asked, "--track").stdout
    assert "90% interval" in table
    assert " at 0:02" in table
    (_, line, _) = csv.DictReader(io.StringIO(run(*asked, "--format", "csv").stdout))
    assert float(line["distance"]) == noisy["distance"]


def test_minimum_and_going_on(files: tuple[Path, Path, Path], metric: str, tmp_path: Path) -> None:
    clean, a, b = files
    output = tmp_path / "scores.jsonl"
    asked = ("compare", clean, a, b, "--metric", metric, "--output", output)
    assert run(*asked, "--min-score", 100).returncode == 3
    whole = output.read_bytes()
    output.write_bytes(whole[: whole.index(b"\n") + 9])
    assert run(*asked, "--resume").returncode == 0
    assert output.read_bytes() == whole
    other = run("compare", a, a, b, "--metric", metric, "--output", output, "--resume")
    assert (other.returncode, "it was compared with" in other.stderr) == (2, True)
    assert output.read_bytes() == whole
    classical = run(*asked[:-1], tmp_path / "n.jsonl", "--metric", "log-spectral", "--track")
    assert (classical.returncode, "no score over time" in classical.stderr) == (2, True)
    less = run("compare", clean, a, "--metric", "log-spectral", "--min-score", 3)
    assert (less.returncode, "less is better" in less.stderr) == (2, True)


def test_own_bundles_have_names(
    files: tuple[Path, Path, Path], distance_bundle: DistanceBundle
) -> None:
    clean, a, _ = files
    here = {"AURICLE_MODELS": str(distance_bundle.folder.parent)}
    found = run("compare", clean, a, "--metric", "tiny-distance", "--format", "jsonl", **here)
    assert rows(found.stdout)[0]["metric"] == "tiny-distance.v1"
    listed = run("metrics", **here).stdout
    (line,) = [line for line in listed.splitlines() if line.startswith("tiny-distance.v1")]
    assert " needed " in line
    assert distance_bundle.model_sha256[:12] in line
    assert "# A test" in run("metrics", "show", "tiny-distance", **here).stdout
    scored = run("score", a, "--metric", "tiny-distance", **here)
    assert scored.returncode == 2
    assert "auricle compare REFERENCE DEGRADED --metric tiny-distance" in scored.stderr


def test_a_bank_instead_of_a_reference(
    files: tuple[Path, Path, Path], metric: str, write: Write, tmp_path: Path
) -> None:
    clean, a, _ = files
    (tmp_path / "clean").mkdir()
    for seed in range(3):
        write(f"clean/{seed}.flac", make_music(2.0, seed + 5))
    bank = tmp_path / "made" / "bank.safetensors"
    built = run("bank", "build", tmp_path / "clean", "--output", bank, "--metric", metric)
    assert (built.returncode, built.stderr) == (0, "")
    assert "3 recordings" in built.stdout
    assert len(read_bank(bank).names) == 3
    recording = tmp_path / "clean" / "0.flac"
    spared = run("bank", "build", tmp_path / "clean", "--output", recording, "--metric", metric)
    assert (spared.returncode, "--output would overwrite" in spared.stderr) == (2, True)
    asked = ("compare", "--bank", bank, clean, a, tmp_path / "none.wav", "--format", "jsonl")
    found = run(*asked, "--metric", metric)
    good, noisy, missing = rows(found.stdout)
    assert (found.returncode, missing["error"]["kind"]) == (1, "missing")
    assert {row["reference"] for row in (good, noisy, missing)} == {str(bank)}
    assert good["distance"] > 0.0
    assert good["interval"][0] <= good["score"] <= good["interval"][1]
    assert (good["worst"], missing["distance"]) == (None, None)
    # The bank knows by which metric it was made.
    models = {"AURICLE_MODELS": str(Path(metric).parent)}
    assert rows(run(*asked, **models).stdout) == [good, noisy, missing]
    refused = run(*asked, "--metric", metric, "--track")
    assert (refused.returncode, "no score over time" in refused.stderr) == (2, True)
    again = run(*asked[:-2], "--metric", metric, "--output", tmp_path / "x.jsonl", "--resume")
    assert (again.returncode, "--resume does not go with --bank" in again.stderr) == (2, True)
    table = run("compare", "--bank", bank, clean, "--metric", "log-spectral")
    assert (table.returncode, "no embeddings for a bank" in table.stderr) == (2, True)
    nothing = run("compare", "--bank", bank, "--metric", metric)
    assert (nothing.returncode, "--bank FILE DEGRADED" in nothing.stderr) == (2, True)


def test_in_python(files: tuple[Path, Path, Path], metric: str, tmp_path: Path) -> None:
    clean, a, b = files
    (result,) = auricle.compare([(clean, a)], metric)
    assert result.score is not None
    assert result.score.distance is not None
    bank = tmp_path / "bank.safetensors"
    told: list[tuple[int, int]] = []
    save_bank(
        bank, auricle.build_bank([clean, a], metric, progress=lambda *done: told.append(done))
    )
    assert told == [(1, 2), (2, 2)]
    (found,) = auricle.compare_with_bank(b, bank, metric)
    assert (found.reference, found.score is not None) == (str(bank), True)
    with pytest.raises(UnknownMetricError, match="tiny-distance"):
        auricle.compare_with_bank(b, bank)
    with pytest.raises(InputError, match=r"none\.wav: there is no such file"):
        auricle.build_bank([clean, tmp_path / "none.wav"], metric)
    with pytest.raises(ConfigError, match="2 clean recordings or more"):
        auricle.build_bank(clean, metric)
    with pytest.raises(ConfigError, match="2 clean recordings or more"):
        auricle.build_bank([], metric)
    with pytest.raises(UnknownMetricError, match="needs a reference"):
        load(metric)
    with pytest.raises(UnknownMetricError, match="no embeddings"):
        load_distance_metric("log-spectral")


def test_comparing_needs_no_torch(files: tuple[Path, Path, Path], metric: str) -> None:
    clean, a, _ = files
    code = (
        "import sys; sys.modules['torch'] = None\n"
        f"sys.argv = ['auricle', 'compare', {str(clean)!r}, {str(a)!r}, '--metric', {metric!r}]\n"
        "from auricle.cli.main import run; run()"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
