"""The benchmark that leaves sources or codecs out of training."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from tests.training.conftest import TINY

import leave_out

PROCESSES = ("mp2:64k", "mp3:64k", "aac:64k", "vorbis:64k", "opus:64k", "mp3:32k+opus:32k")


@pytest.fixture
def mixed(features: Path, tmp_path: Path) -> Path:
    """The tiny features, as if from four sources and by all codecs."""
    folder = tmp_path / "features"
    shutil.copytree(features, folder)
    with (folder / "clips.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        row["source"] = ("freedoom", "one", "two", "three")[number // 6 % 4]
        row["process"] = PROCESSES[number // 24 % 6]
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.mark.parametrize(
    ("what", "folds"),
    [("sources", {"rendered", "recordings 1", "recordings 2"}), ("codecs", set(PROCESSES[:5]))],
)
def test_every_fold_is_trained_without_and_judged_on_what_it_left_out(
    mixed: Path, tmp_path: Path, what: str, folds: set[str]
) -> None:
    overrides = [part for text in (*TINY, "max_epochs=1") for part in ("--set", text)]
    arguments = [what, "--features", str(mixed), "--output", str(tmp_path), "--parts", "2"]
    leave_out.main([*arguments, "--threads", "1", *overrides])
    text = (tmp_path / f"leave-out-{what}.json").read_text(encoding="utf-8")
    found = json.loads(text)["folds"]
    assert found.keys() == {name.removesuffix(":64k") for name in folds}
    for fold in found.values():
        assert fold["all"]["items"] == sum(part["items"] for part in fold["sources"].values())
        if what == "sources":
            assert set(fold["sources"]) == set(fold["members"])
    total = sum(fold["all"]["items"] for fold in found.values())
    assert total == 120 if what == "sources" else total > 40
