"""Results of webMUSHRA, with the columns that its service and pymushra write.

service/write.php of audiolabs/webMUSHRA: session_test_id, the questions of the questionnaire,
trial_id, rating_stimulus, rating_score, rating_time, rating_comment. pymushra/casting.py and
service.py of nils-werner/pymushra: responses_*, questionaire_* and wm_*, separated by semicolons.
"""

from pathlib import Path

import pytest

from auricle.core.errors import DataError
from auricle.data.rating_columns import RatingOptions
from auricle.data.ratings import read_ratings

HEADER = "session_test_id,{who},trial_id,rating_stimulus,rating_score,rating_time,rating_comment\n"
ROWS = "codecs,{who},song1,reference,100,9,\ncodecs,{who},song1,C1,80,9,fine\n"


def write(folder: Path, text: str, name: str = "results/codecs/mushra.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_its_yaml_stimuli_are_systems(tmp_path: Path) -> None:
    header, rows = HEADER.format(who="email,age,session_uuid"), ROWS.format(who="a@b,30,u1")
    rows += "codecs,a@b,30,u1,song1,anchor35,10,9,\ncodecs,a@b,30,u1,song1,anchor70,20,9,\n"
    path = write(tmp_path, header + rows + header + ROWS.format(who="a@b,30,u2"))
    for place in (tmp_path, path):
        table = read_ratings(place)
        assert [(one.listener, one.system, one.role, one.score) for one in table.ratings] == [
            ("u1", "reference", "reference", 100.0),
            ("u1", "C1", "", 80.0),
            ("u1", "anchor35", "low_anchor", 10.0),
            ("u1", "anchor70", "mid_anchor", 20.0),
            ("u2", "reference", "reference", 100.0),
            ("u2", "C1", "", 80.0),
        ]
        assert {(one.test, one.item, one.scale.high) for one in table.ratings} == {
            ("codecs", "song1", 100.0)
        }
        assert table.ratings[-1].place == f"{path}, line 8, column rating_score"
        assert table.notes == ()


def test_who_listened(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER.format(who="name") + ROWS.format(who="Ann"))
    table = read_ratings(path)
    assert {one.listener for one in table.ratings} == {""}
    assert "does not tell listeners apart" in table.notes[0]
    table = read_ratings(path, options=RatingOptions(columns={"listener": "name"}))
    assert {one.listener for one in table.ratings} == {"Ann"}
    write(tmp_path, HEADER.format(who="email") + ROWS.format(who="a@b"))
    assert {one.listener for one in read_ratings(tmp_path).ratings} == {"a@b"}


def test_joined_questionnaires_are_refused(tmp_path: Path) -> None:
    other = HEADER.format(who="email,age")
    path = write(tmp_path, other + ROWS.format(who="a,30") + HEADER.format(who="email"))
    with pytest.raises(DataError, match=r"line 4: a first line with other columns stands here"):
        read_ratings(path)


def test_what_pymushra_exports(tmp_path: Path) -> None:
    header = (
        "wm_testId;questionaire_uuid;responses_stimulus;wm_id;wm_type;responses_score;"
        "responses_time;wm_date;questionaire_email\n"
    )
    rows = (
        "codecs;u1;C1;song1;mushra;80;9;2026-01-01;a@b\n"
        "codecs;u1;reference;song1;mushra;95;9;2026-01-01;a@b\n"
        "codecs;u1;C1;loud;likert_single_stimulus;;9;2026-01-01;a@b\n"
    )
    path = write(tmp_path, header + rows, "codecs.csv")
    for place in (tmp_path, path):
        table = read_ratings(place)
        assert [(r.listener, r.item, r.system, r.score) for r in table.ratings] == [
            ("u1", "song1", "C1", 80.0),
            ("u1", "song1", "reference", 95.0),
        ]
        assert table.notes == ("codecs.csv: pages of type likert_single_stimulus are left out",)


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ("choice_reference,choice_non_reference,choice_answer", "paired comparisons"),
        ("rating_reference_score,rating_non_reference_score", "BS.1116 pages"),
        ("stimuli_rating,stimuli", "Likert pages"),
    ],
)
def test_other_pages_are_refused(tmp_path: Path, columns: str, kind: str) -> None:
    path = write(tmp_path, f"session_test_id,email,trial_id,{columns}\n", "paired_comparison.csv")
    with pytest.raises(DataError, match=rf"{kind} of webMUSHRA are not read: take its mushra\.csv"):
        read_ratings(path)
