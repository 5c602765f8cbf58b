"""`auricle benchmark` on a small folder of rated sets, from audio to the page, and once more."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import RATE, make_music
from typer.testing import CliRunner

from auricle.cli.main import app
from auricle.core.audio import Audio
from auricle.signal.io import write_audio

LEVELS = (0.0, 0.001, 0.01, 0.1)
METRICS = ("log-spectral", "codec-music")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six songs with more and more noise, rated so; one file is gone, one is silent."""
    folder = tmp_path_factory.mktemp("rated")
    rows = []
    for song in range(6):
        music = make_music(1.0, song)
        noise = np.random.default_rng(song).standard_normal(music.size).astype(np.float32)
        for level in LEVELS:
            name = f"{song}-{level}.wav"
            write_audio(folder / name, Audio.from_array(music + level * noise, RATE))
            for listener, taste in (("L1", 0.0), ("L2", 2.0), ("L3", 5.0)):
                score = 94.0 - 900.0 * level + taste + song / 6.0
                rows.append((f"{song}-0.0.wav", name, score, f"song{song}", f"n{level}", listener))
    write_audio(folder / "silent.wav", Audio.from_array(np.zeros(RATE), RATE))
    rows += [
        ("0-0.0.wav", name, 50.0, "song0", name, listener)
        for name in ("gone.wav", "silent.wav")
        for listener in ("L1", "L2", "L3")
    ]
    with (folder / "ratings.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        header = ("reference", "degraded", "score", "item", "system", "listener", "set", "scale")
        writer.writerow(header)
        writer.writerows((*row, "demo", "0-100") for row in rows)
    (folder / "sets.yaml").write_text("sets:\n  demo:\n    domain: speech\n")
    return folder


@pytest.fixture(scope="module")
def command(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    output = tmp_path_factory.mktemp("out") / "results"
    given = ["benchmark", str(folder), "--output", str(output)]
    given += [word for name in METRICS for word in ("--metric", name)]
    return [*given, "--describe", str(folder / "sets.yaml"), "--no-measure"]


@pytest.fixture(scope="module")
def output(command: list[str]) -> Path:
    """What the first run left, which does everything."""
    run = CliRunner().invoke(app, [word for word in command if word != "--no-measure"])
    # A file is gone.
    assert run.exit_code == 1, run.output
    folder = Path(command[3])
    (folder / "printed.txt").write_text(run.stdout)
    return folder


def test_from_audio_to_json(output: Path) -> None:
    report = json.loads((output / "report.json").read_text())
    distance, network = report["results"]
    assert (distance["metric"], network["metric"]) == METRICS
    assert (distance["test"], distance["clips"], distance["of"]) == ("demo/quality", 18, 20)
    assert distance["srcc"]["value"] > 0.9
    assert report["domains"] == {"demo": "speech"}
    assert report["ceilings"][0]["test"] == "demo/quality"
    first = report["metrics"][0]
    assert 0.0 < first["seconds_per_second"] < 5.0
    assert first["footprint"]["peak"] > first["footprint"]["start"] > 0
    everything = [one for one in report["ladders"]["results"] if one["ladder"] == "all"]
    assert [one["metric"] for one in everything] == list(METRICS)
    with (output / "clips.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    assert sum(row["log-spectral"] == "" for row in rows) == 2
    assert all(0.0 <= float(row["codec-music"]) <= 100.0 for row in rows[:18])


def test_failures_are_listed_with_reasons(output: Path) -> None:
    report = json.loads((output / "report.json").read_text())
    messages = [failure["message"] for failure in report["metrics"][0]["failures"]]
    assert "gone.wav is not there" in messages[0]
    assert "silent" in messages[1]
    printed = (output / "printed.txt").read_text()
    assert re.search(r"^log-spectral +1 +", printed.partition("\nFailures")[2], re.MULTILINE)
    assert "gone.wav is not there" in printed


def test_the_page_and_the_words(output: Path) -> None:
    printed, text = ((output / name).read_text() for name in ("printed.txt", "report.md"))
    leaderboard = text.partition("## Leaderboard")[2].partition("##")[0]
    assert printed.index("Leaderboard") < printed.index("Which metric to trust")
    assert "| log-spectral | yes |" in leaderboard
    # A metric of music on a set of speech, by the description.
    assert "°" in next(line for line in leaderboard.splitlines() if "codec-music" in line)
    assert "`log-spectral` orders clips most like listeners do" in printed
    assert "auricle benchmark" in text.partition("## Leaderboard")[0]
    assert "--describe" in text
    for title in ("demo/quality", "Reliability of the ratings", "Speed and memory", "Failures"):
        assert f"## {title}" in text
    pytest.importorskip("jinja2")
    page = (output / "report.html").read_text()
    assert page.index("Leaderboard") < page.index("Speed and memory")
    for word in ("log-spectral", "song3, n0.01", "Ladders: "):
        assert word in page


def test_what_is_known_is_not_computed_again(output: Path, command: list[str]) -> None:
    journals = [*(output / "scores").iterdir(), *(output / "ladders" / "scores").iterdir()]
    before = {path: path.read_bytes() for path in journals}
    report = json.loads((output / "report.json").read_text())
    run = CliRunner().invoke(app, command)
    assert run.exit_code == 1, run.output
    assert {path: path.read_bytes() for path in journals} == before
    again = json.loads((output / "report.json").read_text())
    assert again["results"] == report["results"]
    assert again["ladders"]["results"] == report["ladders"]["results"]


def test_an_interrupted_run_goes_on(output: Path, command: list[str]) -> None:
    report = json.loads((output / "report.json").read_text())
    for path in (output / "scores").iterdir():
        lines = path.read_text().splitlines(keepends=True)
        # As a killed run leaves it.
        path.write_text("".join(lines[:12]) + lines[12][:20])
    run = CliRunner().invoke(app, [*command, "--ladder-clips", "0", "--jobs", "2"])
    assert run.exit_code == 1, run.output
    again = json.loads((output / "report.json").read_text())
    assert again["results"] == report["results"]
    assert again["ladders"] is None


def test_what_could_not_be_judged_is_tried_again_when_asked(
    output: Path, command: list[str]
) -> None:
    path = next(iter((output / "scores").iterdir()))
    failed = [line for line in path.read_text().splitlines() if "silent" in line]
    assert len(failed) == 1
    run = CliRunner().invoke(app, [*command, "--ladder-clips", "0", "--retry"])
    assert run.exit_code == 1, run.output
    assert path.read_text().count(failed[0]) == 2


def write_ratings(folder: Path, names: tuple[str, ...]) -> list[str]:
    """Return the command for means of ratings of some files beside one reference."""
    for place, name in enumerate(names):
        if not (folder / name).exists():
            level = 0.0003 * 3**place
            noise = np.random.default_rng(place).standard_normal(RATE)
            clip = make_music(1.0, 0) + level * noise.astype(np.float32)
            write_audio(folder / name, Audio.from_array(clip, RATE))
    write_audio(folder / "reference.wav", Audio.from_array(make_music(1.0, 0), RATE))
    rows = [f"reference.wav,{name},{90 - 9 * place}" for place, name in enumerate(names)]
    path = folder / "means.csv"
    path.write_text("\n".join(["reference,degraded,score", *rows, ""]))
    given = ["benchmark", str(path), "--metric", "log-spectral", "--no-measure"]
    return [*given, "--ladder-clips", "0", "--output", str(folder / "out")]


def test_a_clip_that_a_metric_refuses_is_no_error(tmp_path: Path) -> None:
    write_audio(tmp_path / "silent.wav", Audio.from_array(np.zeros(RATE), RATE))
    command = write_ratings(tmp_path, ("a.wav", "b.wav", "c.wav", "d.wav", "silent.wav"))
    run = CliRunner().invoke(app, command)
    assert run.exit_code == 0, run.output
    assert "silent" in run.stdout.partition("\nFailures")[2]


def test_files_that_cannot_be_read_are_named_each_time(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_text("no audio")
    command = write_ratings(tmp_path, ("a.wav", "b.wav", "c.wav", "d.wav", "broken.wav"))
    for _ in range(2):
        run = CliRunner().invoke(app, command)
        assert run.exit_code == 1, run.output
        assert re.search(r"^log-spectral +1 +\S*broken.wav: ", run.stdout, re.MULTILINE)


def test_nothing_is_said_that_nobody_told(tmp_path: Path) -> None:
    command = write_ratings(tmp_path, ("a.wav", "b.wav", "c.wav", "d.wav"))
    run = CliRunner().invoke(app, command)
    assert run.exit_code == 0, run.output
    text = (tmp_path / "out" / "report.md").read_text()
    assert "4 clips of 1 item" in text
    for wrong in ("1 listeners", "1 systems", "1 items", "a perfect metric", "mean SRCC", "ICC"):
        assert wrong not in text + run.stdout
    assert "Single listeners are not known." in text
    assert "Errors are not known" in text
    assert "| RMSE |" not in text


def test_the_help_reads_well() -> None:
    run = CliRunner().invoke(app, ["benchmark", "--help"])
    assert run.exit_code == 0
    assert "Tell which metrics agree with listeners" in run.stdout
    assert "Exit codes: 0 done, 1 a file could not be read" in " ".join(run.stdout.split())
