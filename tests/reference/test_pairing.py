"""Which degraded file belongs to which reference."""

from collections.abc import Callable
from pathlib import Path

import pytest

from auricle.core.errors import ConfigError
from auricle.reference.pairing import Pair, pair_folders, read_pairs

Make = Callable[..., str]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make empty files in a folder: pairing looks at names only."""

    def run(folder: str, *names: str) -> str:
        (tmp_path / folder).mkdir()
        for name in names:
            path = tmp_path / folder / name
            path.parent.mkdir(exist_ok=True)
            path.touch()
        return str(tmp_path / folder)

    return run


def test_folders_are_paired_by_their_names_without_suffixes(make: Make) -> None:
    ours = make("ours", "b.wav", "a.flac", "deep/a.wav", "v1.2.wav", "notes.txt")
    theirs = make("theirs", "a.mp3", "b.opus", "b.mp3", "deep/a.m4a", "v1.2.mp3")
    names = [
        (str(Path(pair.reference).relative_to(ours)), str(Path(pair.degraded).relative_to(theirs)))
        for pair in pair_folders(ours, theirs)
    ]
    assert names == [
        ("a.flac", "a.mp3"),
        ("b.wav", "b.mp3"),
        ("b.wav", "b.opus"),
        ("deep/a.wav", "deep/a.m4a"),
        ("v1.2.wav", "v1.2.mp3"),
    ]


def test_files_without_a_partner_stay(make: Make) -> None:
    ours, theirs = make("ours", "a.wav", "b.wav"), make("theirs", "b.mp3", "sub/c.mp3")
    first, second, third = pair_folders(ours, theirs)
    assert (first.reference, first.degraded) == (f"{ours}/a.wav", f"{theirs}/a")
    assert first.problem == f"no degraded file is called {theirs}/a.*"
    assert second == Pair(f"{ours}/b.wav", f"{theirs}/b.mp3")
    assert (third.reference, third.degraded) == (f"{ours}/sub/c", f"{theirs}/sub/c.mp3")
    assert third.problem == f"no reference is called {ours}/sub/c.*"


def test_two_references_of_one_name_are_refused(make: Make) -> None:
    ours, theirs = make("ours", "a.wav", "a.flac"), make("theirs", "a.wav")
    with pytest.raises(ConfigError, match=r"a\.flac and .*a\.wav have the same name"):
        pair_folders(ours, theirs)


def test_folders_that_are_none_or_empty_are_refused(make: Make) -> None:
    ours, empty, void = make("ours", "a.wav"), make("empty"), make("void", "readme.txt")
    with pytest.raises(ConfigError, match="is no folder"):
        pair_folders(ours, f"{ours}/a.wav")
    with pytest.raises(ConfigError, match="neither"):
        pair_folders(empty, void)
    (pair,) = pair_folders(ours, empty)
    assert pair.problem


def test_a_table_of_pairs(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    text = "degraded,note,reference\nd/a.mp3,x,a.wav\n/abs/b.mp3,,b.wav\n,,c.wav\nd.mp3\n"
    table.write_text("\ufeff" + text, encoding="utf-8")
    first, second, third, fourth = read_pairs(table)
    assert first == Pair(str(tmp_path / "a.wav"), str(tmp_path / "d/a.mp3"))
    assert second == Pair(str(tmp_path / "b.wav"), "/abs/b.mp3")
    assert third == Pair(str(tmp_path / "c.wav"), "", "pair 3 of the table names no degraded")
    assert fourth.problem == "pair 4 of the table names no reference"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"reference,other\na,b\n", "it names reference, other"),
        (b"a.wav,b.wav\n", "columns reference and degraded"),
        (b"reference,degraded\n", "holds no pairs"),
        (b"", "it names nothing"),
        (b"reference,degraded\n\xff\xfe,b\n", "no UTF-8 text"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, content: bytes, match: str) -> None:
    table = tmp_path / "pairs.csv"
    table.write_bytes(content)
    with pytest.raises(ConfigError, match=match):
        read_pairs(table)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_pairs(tmp_path / "none.csv")
