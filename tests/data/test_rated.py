import math
from pathlib import Path

import pytest

from auricle.core.errors import ConfigError, DataError
from auricle.data.rated import RatedClip, find_audio, merge_rated, read_rated, stratify, write_rated

HEADER = "id,path,split,system,recording,domain,quality,beauty"


def table(folder: Path, *lines: str) -> Path:
    path = folder / "rated.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_table_comes_back_as_it_was(tmp_path: Path) -> None:
    clips = [
        RatedClip("a", "x/a b.wav", "train", "s", "r", "music", {"quality": (1.5, 1 / 3)}),
        RatedClip("ü,b", 'x/"b".wav', "test", scores={"beauty": (7.0,), "quality": (0.1,)}),
        RatedClip("c", "c.wav", "calibration", domain="mixture"),
    ]
    write_rated(clips, tmp_path / "rated.csv")
    assert read_rated(tmp_path / "rated.csv") == clips


def test_scores_that_are_missing_do_not_count(tmp_path: Path) -> None:
    path = table(tmp_path, HEADER, "a,a.wav,train,,,,4 nan 2,", "b,b.wav,train,,,,nan,3")
    first, second = read_rated(path)
    assert first.mean("quality") == 3.0
    assert math.isnan(first.mean("beauty"))
    assert math.isnan(second.mean("quality"))
    assert second.mean("beauty") == 3.0


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((HEADER, "a,a.wav,train,,,,4 x,1"), "line 2, column quality: '4 x'"),
        ((HEADER, "a,a.wav,train,,,,4,inf"), "line 2, column beauty: a score is not finite"),
        ((HEADER, "a,a.wav,train,,,,4,1", "b,b.wav,dev,,,,4,1"), "line 3, column split: 'dev'"),
        ((HEADER, "a,a.wav,train,,,noise,4,1"), "line 2, column domain: 'noise'"),
        ((HEADER, ",a.wav,train,,,,4,1"), "line 2, column id: it is empty"),
        ((HEADER, "a,a.wav,train,,,,4"), "line 2: 7 cells, not 8"),
        ((HEADER, "a,a.wav,train,,,,4,1", "a,b.wav,train,,,,4,1"), "two clips have the id 'a'"),
        ((HEADER, "a,a.wav,train,,r,,4,1", "b,b.wav,test,,r,,4,1"), "recording 'r' is both"),
        (("id,path,split,system,domain,recording,q",), "line 1: the first columns must be id"),
        (("id,path,split,system,recording,domain",), "line 1: there is no axis"),
        ((HEADER + ",quality",), "line 1: every axis needs a name of its own"),
        (("",), "line 1: the first columns"),
    ],
)
def test_a_wrong_table_is_rejected_with_the_place(
    tmp_path: Path, lines: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_rated(table(tmp_path, *lines))


def test_no_table_and_a_wrong_axis_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no table of rated clips"):
        read_rated(tmp_path / "none.csv")
    with pytest.raises(DataError, match="called 'domain'"):
        write_rated([RatedClip("a", "a", "train", scores={"domain": (1.0,)})], tmp_path / "x.csv")


def test_audio_is_found_where_it_was_moved_to(tmp_path: Path) -> None:
    (tmp_path / "new" / "deep").mkdir(parents=True)
    (tmp_path / "new" / "a.wav").touch()
    (tmp_path / "new" / "deep" / "b.wav").touch()
    clips = [
        RatedClip("a", "/old/a.wav", "test"),
        RatedClip("b", "/old/sub/b.wav", "test"),
        RatedClip("c", "/old/c.wav", "test"),
    ]
    found, missing = find_audio(clips, tmp_path, {"/old/": "new/", "/old/sub/": "new/deep/"})
    assert [clip.path for clip in found] == ["new/a.wav", "new/deep/b.wav"]
    assert [clip.id for clip in missing] == ["c"]
    for path in ("/old/a.wav", "../a.wav"):
        with pytest.raises(DataError, match="leads out of"):
            find_audio([RatedClip("a", path, "test")], tmp_path)


def test_folders_may_be_links(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a.wav").touch()
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "corpus").symlink_to(tmp_path / "far")
    clips = [RatedClip("a", "corpus/a.wav", "test")]
    assert find_audio(clips, tmp_path / "audio") == (clips, [])


def test_every_system_keeps_its_share() -> None:
    clips = [
        RatedClip(f"{system}{n}", "x", "train", system)
        for system, count in (("a", 50), ("b", 10), ("c", 5))
        for n in range(count)
    ]
    divided = stratify(clips, 0.2, seed=1)
    held = [clip.system for clip in divided if clip.split == "validation"]
    assert {system: held.count(system) for system in "abc"} == {"a": 10, "b": 2, "c": 1}
    assert [clip.id for clip in divided] == [clip.id for clip in clips]
    assert divided == stratify(clips, 0.2, seed=1)
    assert divided != stratify(clips, 0.2, seed=2)
    assert [c.id for c in stratify(clips[::-1], seed=1) if c.split == "validation"][::-1] == [
        clip.id for clip in divided if clip.split == "validation"
    ]


def test_recordings_are_not_torn_apart() -> None:
    clips = [
        RatedClip(f"{system}{n}", "x", "train", system, recording=f"prompt{n}")
        for system in "abcd"
        for n in range(20)
    ]
    divided = stratify(clips, 0.25)
    splits: dict[str, set[str]] = {}
    for clip in divided:
        splits.setdefault(clip.recording, set()).add(clip.split)
    assert all(len(names) == 1 for names in splits.values())
    for system in "abcd":
        assert sum(c.system == system and c.split == "validation" for c in divided) == 5


def test_shares_beyond_the_whole_are_refused() -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        stratify([], 1.5)
    everything = stratify([RatedClip("a", "a", "test")], 1.0)
    assert [clip.split for clip in everything] == ["validation"]


def test_tables_are_merged_with_paths_from_the_audio_or_beside_them(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        clips = [RatedClip(name, "clip.wav", "train", scores={"mos": (3.0,)})]
        write_rated(clips, tmp_path / name / "t.csv")
    tables = [tmp_path / name / "t.csv" for name in ("a", "b")]
    beside = [clip.path for clip in merge_rated(tables)]
    assert beside == [str((tmp_path / name / "clip.wav").resolve()) for name in ("a", "b")]
    elsewhere = {clip.path for clip in merge_rated(tables, tmp_path / "audio")}
    assert elsewhere == {str((tmp_path / "audio" / "clip.wav").resolve())}
    with pytest.raises(DataError, match=r"t\.csv and .*t\.csv: two clips have the id 'a'"):
        merge_rated([tables[0], tables[0]])
