from dataclasses import replace
from pathlib import Path

import pytest

from auricle.core.errors import DataError
from auricle.data.manifest import Clip, merge_manifests, read_manifest, write_manifest

CLIPS = [
    Clip("a-00", "a", "s", "a.flac", "train", "", "clips/a-00.flac", 4.732100896667895, "v", "ff"),
    Clip("a-01", "a", "s", "a.flac", "train", "opus:32k+lowpass:7500", "clips/a-01.flac"),
    Clip("ü-00", "ü", "s", "ü,x.flac", "test", "mp3:64k", "clips/ü-00.flac", error='signal: "no"'),
]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_manifest_survives_writing_and_reading(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "folder" / f"m.{suffix}"
    write_manifest(CLIPS, path)
    assert read_manifest(path) == CLIPS
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_errors_name_file_and_row(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    with pytest.raises(DataError, match="no manifest"):
        read_manifest(path)
    write_manifest(CLIPS, path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(",test,", ",exam,"), encoding="utf-8")
    with pytest.raises(DataError, match=r"row 3.*'exam'"):
        read_manifest(path)
    for wrong in ("good", "nan", "-inf"):
        path.write_text(text.replace("4.732100896667895", wrong), encoding="utf-8")
        with pytest.raises(DataError, match=rf"row 1.*'{wrong}'"):
            read_manifest(path)
    write_manifest([replace(CLIPS[1], similarity=(0.25, 0.5))], path)
    similar = path.read_text(encoding="utf-8")
    for wrong in ("half", "nan"):
        path.write_text(similar.replace("0.5000", wrong), encoding="utf-8")
        with pytest.raises(DataError, match=rf"row 1.*'{wrong}'"):
            read_manifest(path)
    path.write_text(text.replace("pcm_sha256", "hash"), encoding="utf-8")
    with pytest.raises(DataError, match="pcm_sha256"):
        read_manifest(path)


def test_a_recording_has_one_split_in_all_manifests(tmp_path: Path) -> None:
    paths = [tmp_path / "one" / "m.csv", tmp_path / "two" / "m.parquet"]
    write_manifest(CLIPS, paths[0])
    other = replace(CLIPS[0], recording="b", split="calibration")
    write_manifest([other], paths[1])
    merged = merge_manifests(paths)
    assert [clip.path for clip in merged] == [
        str(tmp_path / folder / clip.path)
        for folder, clip in [*(("one", clip) for clip in CLIPS), ("two", other)]
    ]
    write_manifest([replace(other, recording="a")], paths[1])
    with pytest.raises(DataError, match=r"'a' .* train .* calibration split.*--leave-out"):
        merge_manifests(paths)


def test_the_suffix_decides(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="xlsx"):
        write_manifest([replace(CLIPS[0])], tmp_path / "m.xlsx")
