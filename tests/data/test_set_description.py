"""Descriptions of rated sets: what they add to tables, and what is refused in them."""

from pathlib import Path

import pytest

from auricle.core.errors import DataError
from auricle.data.listening_layouts import read_listening_tests
from auricle.data.ratings import read_ratings
from auricle.data.set_description import read_description

TABLE = """\
dataset,file,ref,system,item,listener,score,scale,attribute
codecs,x.wav,o.wav,x,song,A,60,0-100,quality
codecs,x.wav,o.wav,x,song,A,50,0-100,noise
codecs,l.wav,o.wav,bad,song,A,9,0-100,quality
codecs,l.wav,o.wav,bad,song,A,9,0-100,colour
codecs,o.wav,o.wav,orig,song,A,99,0-100,quality
"""
YAML = """\
sets:
  codecs:
    title: Codecs
    domain: music
    method: mushra
    sample_rate: 44100
    overall: [noise]
    left_out: [colour]
    questions: {quality: {low_anchor: bad}}
    licence: CC0-1.0
  gone: {domain: speech}
"""


def test_what_it_adds(tmp_path: Path) -> None:
    (tmp_path / "ratings_long.csv").write_text(TABLE)
    other = tmp_path / "other.yaml"
    other.write_text(YAML)
    plain = read_ratings(tmp_path)
    assert len(plain.ratings) == 5
    assert {one.role for one in plain.ratings} == {"", "reference"}
    described = read_ratings(tmp_path, description=read_description(other))
    other.rename(tmp_path / "listening_tests.yaml")
    assert described == read_ratings(tmp_path) == read_ratings(tmp_path / "ratings_long.csv")
    assert [(one.attribute, one.system, one.role) for one in described.ratings] == [
        ("quality", "x", ""),
        ("noise", "x", ""),
        ("quality", "bad", "low_anchor"),
        ("quality", "orig", "reference"),
    ]
    assert {one.sample_rate for one in described.ratings} == {44100}
    assert described.notes == ("gone is described, but there are no ratings of it",)
    pairs = read_listening_tests(tmp_path).pairs
    assert [(one.attribute, one.overall, one.hidden) for one in pairs] == [
        ("quality", False, False),
        ("noise", True, False),
        ("quality", False, False),
        ("quality", False, True),
    ]
    assert {one.sample_rate for one in pairs} == {44100}


def test_a_role_that_is_told_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(
        "test,listener,system,score\nt,A,ref,3\nt,A,clean,5\nt,A,lp35,1\n"
    )
    path = tmp_path / "listening_tests.yaml"
    path.write_text("sets: {t: {questions: {quality: {reference: clean}}}}")
    ratings = read_ratings(tmp_path).ratings
    assert [one.role for one in ratings] == ["", "reference", "low_anchor"]


def test_no_description_is_none(tmp_path: Path) -> None:
    assert read_description(tmp_path).sets == {}
    (tmp_path / "listening_tests.yaml").write_text("")
    assert read_description(tmp_path).sets == {}
    assert read_description(tmp_path).find("any").asks_overall("similarity_to_target")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sets: {a: {titel: x}}", r"t\.yaml: sets\.a\.titel: Extra inputs are not permitted"),
        ("sets: {a: {domain: noise}}", r"sets\.a\.domain: Input should be 'music', 'speech' or"),
        ("sets: {a: {sample_rate: 0}}", r"sets\.a\.sample_rate: Input should be greater than 0"),
        ("[1]", r"t\.yaml: the file: Input should be"),
        ("a: [", r"t\.yaml cannot be read as a description of sets"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_description(path)
    with pytest.raises(DataError, match="cannot be read as a description"):
        read_description(tmp_path / "gone.yaml")


def test_the_description_of_the_open_tests() -> None:
    sets = read_description(Path(__file__).parents[2] / "benchmarks/listening_tests.yaml").sets
    assert len(sets) == 6
    assert all(one.title and one.overall for one in sets.values())
    assert {name for name, one in sets.items() if one.sample_rate} == {"p835_wb16"}
