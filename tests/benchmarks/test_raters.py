"""The tables of ratings are read as they are, and described by what is in them."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

import raters
from auricle.data.aes import CHALLENGE_DEV, CHALLENGE_TEST, CHALLENGE_TRAIN, PAM
from auricle.stats.reliability import noise_ceiling

FOLDERS = {
    "speech": ("EARS/p1", "LibriTTS/t", "cv-corpus-13.0-2023-03-09/en"),
    "music": ("MUSDB18/train", "musiccaps"),
    "sound": ("unbalanced_train_segments/audio",),
}


def write(path: Path, names: list[str], generator: np.random.Generator) -> None:
    """Write a table in which the truth of a clip and the noise of a rater both have variance 1."""
    rows = []
    for name in names:
        truth = generator.normal(5, 1)
        rows.append(
            {"data_path": name}
            | {
                axis.title(): np.clip(np.round(truth + generator.normal(0, 1, 10)), 0, 10).tolist()
                for axis in raters.AXES.values()
            }
        )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Small tables of the same kind as the real ones."""
    generator = np.random.default_rng(3)
    natural = []
    for domain, sources in FOLDERS.items():
        names = [f"/your_path/{source}/{n}.wav" for source in sources for n in range(20)]
        write(tmp_path / f"AES_natural_{domain}.jsonl", names, generator)
        natural += names
    pam = [
        f"/your_path/PAM/human_eval/{kind}/{name}/{n}.wav"
        for kind in ("audio", "music")
        for name in ("real", *"abcde")
        for n in range(9)
    ]
    write(tmp_path / PAM, pam, generator)
    systems = [f"audiomos2025-track2-sys{n:03}x-utt{k}y" for n in range(8) for k in range(9)]
    write(tmp_path / CHALLENGE_TEST, systems, generator)
    dev = natural[::5]
    for name, paths in ((CHALLENGE_DEV, dev), (CHALLENGE_TRAIN, sorted({*natural} - {*dev}))):
        write_list(tmp_path, name, paths)
    return tmp_path


def write_list(folder: Path, name: str, paths: list[str]) -> None:
    """Write a list of the challenge: clips of the tables with their mean scores."""
    tables = [path.read_text().splitlines() for path in folder.glob("AES_natural*")]
    rows = {row["data_path"]: row for lines in tables for row in map(json.loads, lines)}
    keys = [axis.title() for axis in raters.AXES.values()]
    with (folder / name).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sample_id", "data_path", *keys])
        writer.writerows(
            [f"clip {path}", path, *(np.mean(rows[path][key]) for key in keys)] for path in paths
        )


def run(folder: Path) -> int:
    """Run the command with few draws."""
    output = str(folder / "out")
    few = ["--splits", "2", "--resamples", "60"]
    return raters.main(["--data", str(folder), "--output", output, *few])


def test_groups_hold_what_their_names_say(folder: Path) -> None:
    groups = raters.read_groups(folder)
    assert {name: panel.scores.shape[0] for name, panel in groups.items()} == {
        "natural, speech": 60,
        "natural, music": 40,
        "natural, sound": 20,
        "EARS": 20,
        "LibriTTS": 20,
        "Common Voice": 20,
        "MUSDB18-HQ": 20,
        "MusicCaps": 20,
        "natural, all": 120,
        "natural, dev list": 24,
        "PAM, sound": 54,
        "PAM, music": 54,
        "PAM, all": 108,
        "AudioMOS test": 72,
    }
    assert len(set(groups["PAM, all"].systems)) == 12
    row = json.loads((folder / CHALLENGE_TEST).read_text().splitlines()[21])
    panel = groups["AudioMOS test"]
    assert panel.systems[21] == "sys002x"
    assert panel.of("CE")[21].tolist() == row["Content_Enjoyment"]
    means = np.mean([row[axis.title()] for axis in raters.AXES.values()], axis=0)
    assert panel.of("mean")[21].tolist() == pytest.approx(means.tolist())


def test_report_holds_what_the_functions_say(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder) == 0
    facts = json.loads((folder / "out" / "raters.json").read_text())
    text = (folder / "out" / "raters.md").read_text()
    assert capsys.readouterr().out == text
    panel = raters.read_groups(folder)["AudioMOS test"]
    expected = noise_ceiling(panel.of("PQ"), panel.systems, splits=2, resamples=60)
    found = facts["systems"]["AudioMOS test"]["PQ"]
    assert found["items"] == 8
    assert found["lcc"]["ceiling"]["value"] == expected.lcc.ceiling.value
    # Truth and noise have equal variance; the axes share their truth, so their mean has less noise.
    clips = facts["clips"]["natural, all"]
    assert clips["PC"]["classes"]["single"]["value"] == pytest.approx(0.5, abs=0.12)
    assert clips["PC"]["ceiling"]["lcc"]["ceiling"]["value"] == pytest.approx(0.95, abs=0.02)
    assert clips["mean"]["classes"]["spread"]["value"] == pytest.approx(0.5, abs=0.05)
    assert np.abs(np.array(facts["halo"]["natural, all"]) - np.eye(4)).max() < 0.1
    assert text.count("| AudioMOS test | 8 |") == 3
    assert text.count("| AudioMOS test | 72 |") == 8


def test_broken_tables_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (folder / PAM).read_text().splitlines()
    row = json.loads(lines[2]) | {"Content_Enjoyment": [1.0]}
    (folder / PAM).write_text("\n".join([*lines[:2], json.dumps(row), *lines[3:]]))
    assert run(folder) == 1
    assert "PAM, sound has no clips, or clips with unequal numbers" in capsys.readouterr().err
    (folder / PAM).unlink()
    assert run(folder) == 1
    assert "there is no AES_PAM.jsonl" in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_real_tables_are_complete() -> None:
    folder = Path(os.environ.get("AURICLE_DATA", "")) / "ratings_only" / "aes"
    if not (folder / CHALLENGE_TEST).is_file():
        pytest.skip("AURICLE_DATA names no folder with Meta's rating tables")
    groups = raters.read_groups(folder)
    sizes = {name: panel.scores.shape for name, panel in groups.items()}
    assert sizes["natural, all"] == (2950, 10, 4)
    assert sizes["natural, dev list"] == (250, 10, 4)
    assert sizes["PAM, all"] == (1000, 10, 4)
    assert sizes["AudioMOS test"] == (3060, 10, 4)
    assert [len(set(groups[name].systems)) for name in raters.OF_SYSTEMS] == [5, 5, 10, 36]
