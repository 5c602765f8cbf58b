"""Tables of one's own: long and wide, by the names and separators that people use."""

import csv
import io
import string
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import Rating, RatingTable
from auricle.core.spec import Scale
from auricle.data.rating_columns import RatingOptions
from auricle.data.ratings import read_ratings


def read(folder: Path, text: str | bytes, options: RatingOptions | None = None) -> RatingTable:
    path = folder / "demo.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_ratings(path, options=options)


def short(table: RatingTable) -> list[tuple[str, str, str, float]]:
    return [(one.listener, one.item, one.system, one.score) for one in table.ratings]


def test_a_long_table_by_usual_names(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        "Experiment,Subject,Trial,Codec,Question,Rating,Scale,Session,age\n"
        "T1,Ann,song,opus,timbre,60,0-100,1,30\nT1,Ann,song,opus,timbre,70,0-100,2,30\n"
        "T1,Bob,song,Hidden Reference,timbre,,0-100,1,31\n"
        "T1,Bob,song,anchor_35,timbre,5,0-100,1,31\n",
    )
    assert short(table) == [
        ("Ann", "song", "opus", 60.0),
        ("Ann", "song", "opus", 70.0),
        ("Bob", "song", "anchor_35", 5.0),
    ]
    assert [one.trial for one in table.ratings] == ["1", "2", "1"]
    assert {(one.test, one.attribute) for one in table.ratings} == {("T1", "timbre")}
    assert table.ratings[2].role == "low_anchor"
    assert table.ratings[2].place == f"{tmp_path / 'demo.csv'}, line 5, column Rating"
    assert table.notes == ()


def test_other_names_are_given(tmp_path: Path) -> None:
    text = "who,what,points,mos\nAnn,original,9,1\nBob,cheap,2,1\n"
    columns = {"listener": "who", "system": "what", "score": "points"}
    options = RatingOptions(Scale(0.0, 10.0), columns, reference="original", low_anchor="cheap")
    table = read(tmp_path, text, options)
    assert [(one.score, one.role) for one in table.ratings] == [
        (9.0, "reference"),
        (2.0, "low_anchor"),
    ]
    with pytest.raises(DataError, match=r"line 1: there is no column 'points' for score: there is"):
        read(tmp_path, "who,what,score\n", options)
    with pytest.raises(ConfigError, match=r"columns: 'points' is none of test, attribute, .*"):
        read(tmp_path, text, RatingOptions(columns={"points": "score"}))


def test_a_role_that_is_given_is_not_guessed(tmp_path: Path) -> None:
    text = "listener,system,score\nA,ref,3\nA,clean,5\nA,7k,2\nA,7 kHz,2\n"
    table = read(tmp_path, text, RatingOptions(reference="clean"))
    assert [one.role for one in table.ratings] == ["", "reference", "", "mid_anchor"]


def test_a_role_is_given_only_to_what_is_there(tmp_path: Path) -> None:
    text = "listener,system,score\nA,ref,3\nA,clean,5\n"
    for options in (
        RatingOptions(reference="Foo"),
        RatingOptions(low_anchor="Foo"),
        RatingOptions(mid_anchor="Foo"),
    ):
        with pytest.raises(ConfigError, match=r"'Foo': there are ref, clean$"):
            read(tmp_path, text, options)
    with pytest.raises(ConfigError, match=r"'Foo': there are none$"):
        read(tmp_path, "listener,item,score\nA,s,3\n", RatingOptions(reference="Foo"))


def test_a_column_tells_roles_and_an_option_more(tmp_path: Path) -> None:
    text = "listener,system,role,score\nA,ref,,3\nA,clean,Reference,5\nA,dull,low anchor,2\n"
    roles = [one.role for one in read(tmp_path, text).ratings]
    assert roles == ["", "reference", "low_anchor"]
    named = read(tmp_path, text, RatingOptions(mid_anchor="ref"))
    assert [one.role for one in named.ratings] == ["mid_anchor", "reference", "low_anchor"]
    text = text.replace("Reference", "expert")
    with pytest.raises(DataError, match=r"line 3, column role: 'expert' is no role .* ignored"):
        read(tmp_path, text)
    ignored = read(tmp_path, text, RatingOptions(ignored=["role"]))
    assert [one.role for one in ignored.ratings] == ["reference", "", ""]


@pytest.mark.parametrize(
    "data",
    [
        "listener;item;system;score\nJosé;s;x;3,5\n".encode(),
        "\ufefflistener;item;system;score\r\nJosé;s;x;3.5\r\n".encode(),
        "listener,item,system,score\nJosé,s,x,3.5\n\nlistener,item,system,score\n".encode(),
        "listener\titem\tsystem\tscore\nJosé\ts\tx\t3,5\n".encode("latin-1"),
        'listener,item,system,score\n"José",s,x,"3.5",,\n'.encode(),
    ],
)
def test_separators_decimal_commas_and_encodings(tmp_path: Path, data: bytes) -> None:
    assert short(read(tmp_path, data)) == [("José", "s", "x", 3.5)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("listener,score\nA,3\n", "line 1: no column says what was rated"),
        ("listener,item,score\nA,s,3,5\n", "line 2: 4 cells, but the first line names 3 columns"),
        ('listener,item,score\nA,s,"3,5"\n', "column score: '3,5' is no score; write a decimal"),
        ("listener,item,score\nA,s,5\nA,t,good\n", "line 3, column score: 'good' is no score"),
        ("listener,item,score\nA,s,inf\n", "line 2, column score: a score must be finite"),
        (
            "listener,item,score,scale\nA,s,7,1-5\n",
            "line 2, column score: 7 lies off the scale 1-5",
        ),
        ("listener,item,score\nA,s,7\n", "line 2, .* nothing says which scale .* add a column"),
        ("listener,item,score,scale\nA,s,7,ABX\n", "holds no ratings; .*'ABX' is no scale"),
        ("listener,item\nA,s\n", "line 1: there is no column of scores"),
        ("item,L1,comment\ns,3,fine\n", "column comment: 'fine' is no score; .* ignored"),
        ("item,L1,L1\ns,3,4\n", "line 1: two columns are called L1"),
        ("item,score,score\ns,3,4\n", "line 1: two columns are called score"),
        ("item,Score,score\ns,3,4\n", "line 1: 'Score' and 'score' may both be meant"),
        ("item,score\ns,3\n,4\n", "line 3: nothing says what was rated"),
        ("item,mean,sd\ns,3,-1\n", "line 2, column mean: a standard deviation of -1"),
        ("item,mean,n\ns,3,-2\n", "line 2, column mean: a standard deviation of nan or -2 lis"),
        ("listener,s/x,y\nA,3,4\n", "line 1: column 'y' is no ITEM/SYSTEM as others are"),
        ("", "is empty: a table of ratings has a first line"),
        ("listener,item,score\nA,s,3\n".encode("utf-16"), r"is no text: save the table as CSV"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, data: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(tmp_path, data)


def test_the_scale_is_told_or_guessed(tmp_path: Path) -> None:
    text = "listener,item,attribute,score\nA,s,mos,3\nA,s,mushra,30\nB,s,mushra,4\n"
    table = read(tmp_path, text)
    assert [one.scale.high for one in table.ratings] == [5.0, 100.0, 100.0]
    assert table.notes == (
        "demo/mos: the scale 1-5 is guessed from the scores",
        "demo/mushra: the scale 0-100 is guessed from the scores",
    )
    table = read(tmp_path, text, RatingOptions(scale=Scale(0.0, 50.0)))
    assert {one.scale for one in table.ratings} == {Scale(0.0, 50.0)}
    assert table.notes == ()


def test_few_scores_off_a_usual_scale_are_slips(tmp_path: Path) -> None:
    lines = ["listener,item,score", *(f"A,s{n},{n + 20}" for n in range(60))]
    lines[6] = "A,s5,140"
    said = r"line 7, column score: 140 lies above 100, while all others lie in 0-100: correct it"
    with pytest.raises(DataError, match=said):
        read(tmp_path, "\n".join(lines))
    lines[8] = "A,s7,-3"
    with pytest.raises(DataError, match=r"140 lies above 100; .*line 9, .*: -3 lies below 0, whil"):
        read(tmp_path, "\n".join(lines))
    lines[1:6] = [f"A,s{n},{n + 130}" for n in range(5)]
    with pytest.raises(DataError, match=r"line 2, .* nothing says which scale"):
        read(tmp_path, "\n".join(lines))
    votes = ["listener,item,score", *(f"A,s{n},{n % 5 + 1}" for n in range(40)), "A,t,6"]
    with pytest.raises(DataError, match=r"line 42, column score: 6 lies above 5, .* in 1-5: corr"):
        read(tmp_path, "\n".join(votes))


def test_means_are_told_from_votes_without_names(tmp_path: Path) -> None:
    votes = read(tmp_path, "item,system,score\ns,x,3\ns,x,4\n")
    # Nobody knows whether they are of one listener: they are no replicates.
    assert [(one.listener, one.trial) for one in votes.ratings] == [("", ""), ("", "")]
    for header in ("mos,std,n", "score,sd,count"):
        (mean,) = read(tmp_path, f"file,system,{header}\na.wav,x,3.5,0.5,8\n").means
        assert (mean.item, mean.mean, mean.deviation, mean.listeners) == ("a.wav", 3.5, 0.5, 8)
        assert mean.stimulus == str(tmp_path / "a.wav")
    table = read(tmp_path, "item,mos\na,3\nb,\n")
    assert table.notes[0] == "demo/quality: 1 without a rating left out"


def test_votes_beside_their_mean_are_not_lost_silently(tmp_path: Path) -> None:
    text = "item,system,L1,L2,mean\ns,x,3,4,3.5\n"
    table = read(tmp_path, text)
    assert not table.ratings
    assert "read as means, and its columns L1, L2 are not; if they are listeners" in table.notes[0]
    table = read(tmp_path, text, RatingOptions(ignored=["mean"]))
    assert [one.score for one in table.ratings] == [3.0, 4.0]


def test_what_is_there_twice_is_kept_as_replicates(tmp_path: Path) -> None:
    rows = "A,s,x,3\nA,s,x,4\nB,s,x,5\n"
    table = read(tmp_path, f"listener,item,system,score\n{rows}")
    assert [(one.score, one.trial) for one in table.ratings] == [(3.0, "1"), (4.0, "2"), (5.0, "")]
    table = read(tmp_path, "listener,item,system,score,trial\nA,s,x,3,a\nA,s,x,4,a\nA,s,x,4,b\n")
    assert [one.trial for one in table.ratings] == ["a.1", "a.2", "b"]
    said = "demo/quality: kept as replicates, as the same listener had rated the same before: 1"
    assert table.notes[-1] == said
    (scale,) = read(tmp_path, "listener,item,system,score,trial\nA,s,x,3,a\nA,s,x,4,b\n").notes
    assert "is guessed" in scale


def test_wide_tables(tmp_path: Path) -> None:
    expected = [("A", "s", "x", 3.0), ("A", "s", "ref", 5.0), ("B", "s", "x", 2.0)]
    for text in (
        "item,system,A,B\ns,x,3,2\ns,ref,5,\n",
        "listener,s/x,s/ref\nA,3,5\nB,2,NA\n",
        "listener,item,x,ref\nA,s,3,5\nB,s,2,\n",
    ):
        table = read(tmp_path, text)
        assert sorted(short(table)) == sorted(expected)
        assert {one.system: one.role for one in table.ratings} == {"x": "", "ref": "reference"}
    table = read(tmp_path, "item,A,age\ns,3,30\n", RatingOptions(ignored=["age"]))
    assert short(table) == [("A", "s", "", 3.0)]
    assert table.ratings[0].place.endswith("line 2, column A")


# Bars become the separator. No name is that of a field, and none has spaces around it.
NAMES = st.text(string.ascii_lowercase + "é |'\"", max_size=6).map(lambda name: f"n{name}n")
VOTES = st.dictionaries(
    st.tuples(NAMES, NAMES, NAMES), st.integers(10, 50).map(lambda n: n / 10), min_size=1
)


def write(header: list[str], rows: list[list[object]], separator: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows([header, *rows])
    return text.getvalue().encode()


@settings(max_examples=60, deadline=None)
@given(VOTES, st.sampled_from(",;\t"))
def test_long_and_wide_tables_are_the_same(
    votes: dict[tuple[str, str, str], float], separator: str
) -> None:
    votes = {
        tuple(name.replace("|", separator) for name in key): score for key, score in votes.items()
    }
    long = write(
        ["listener", "item", "system", "score"],
        [[*key, score] for key, score in votes.items()],
        separator,
    )
    people, items, systems = (list(dict.fromkeys(key[n] for key in votes)) for n in range(3))
    per_listener = write(
        ["item", "system", *people],
        [[i, s, *(votes.get((p, i, s), "") for p in people)] for i in items for s in systems],
        separator,
    )
    per_stimulus = write(
        ["listener", *(f"{i}/{s}" for i in items for s in systems)],
        [[p, *(votes.get((p, i, s), "") for i in items for s in systems)] for p in people],
        separator,
    )

    def facts(data: bytes) -> set[Rating]:
        with tempfile.TemporaryDirectory() as folder:
            table = read(Path(folder), data)
        assert not table.means
        return {replace(one, place="") for one in table.ratings}

    assert facts(long) == facts(per_listener) == facts(per_stimulus)
    assert {(r.listener, r.item, r.system): r.score for r in facts(long)} == votes
