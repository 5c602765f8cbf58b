"""Corpora: NISQA, VoiceMOS and Audiobox Aesthetics, in small, and the last as published."""

import json
import math
from collections import Counter
from pathlib import Path

import pytest

from auricle.core.errors import DataError
from auricle.data.ratings import read_ratings

# The columns of NISQA_corpus_file.csv, as tests/data/test_nisqa.py has them.
NISQA = (
    "db,con,file,con_description,filename_deg,filename_ref,source,lang,votes,mos,noi,col,dis,loud,"
    "noi_std,col_std,dis_std,loud_std,mos_std,filepath_deg,filepath_ref\n"
    "NISQA_TRAIN_SIM,7,1,x,c1.wav,f1.wav,s,en,5,3.2,4,4,4,,.1,.2,.3,,.4,"
    "NISQA_TRAIN_SIM/deg/c1.wav,NISQA_TRAIN_SIM/ref/f1.wav\n"
)


def test_nisqa_tells_means(tmp_path: Path) -> None:
    folder = tmp_path / "NISQA_TRAIN_SIM"
    folder.mkdir()
    (folder / "NISQA_TRAIN_SIM_file.csv").write_text(NISQA)
    for place in (tmp_path, folder / "NISQA_TRAIN_SIM_file.csv"):
        table = read_ratings(place)
        assert {one.attribute for one in table.means} == {
            "mos",
            "noisiness",
            "discontinuity",
            "coloration",
        }
        first = table.means[0]
        assert (first.test, first.system, first.item) == ("NISQA_TRAIN_SIM", "7", "f1.wav")
        assert (first.mean, first.deviation, first.listeners) == (3.2, 0.4, 5)
        assert first.stimulus == str(tmp_path / "NISQA_TRAIN_SIM/deg/c1.wav")
        assert first.reference == str(tmp_path / "NISQA_TRAIN_SIM/ref/f1.wav")
        assert first.place.endswith("line 2, column mos")


# README of the main track: sysID,uttID,rating,ignore,listenerinfo, the last being
# {}_AGERANGE_LISTENERID_GENDER_ignore_ignore_HEARINGIMPAIRMENT; the line is of TRAINSET.
VOTE = "sys64e2f,sys64e2f-utt9c183cd.wav,4,VDP1ovyrBzg8_1,{}_30-39_bZPQE7w4Zl3g_Female_Valid_1_No\n"
MEAN = "sys64e2f-utt491a78a.wav,2.375\n"


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    folder = tmp_path / "DATA/sets"
    folder.mkdir(parents=True)
    (folder / "TRAINSET").write_text(VOTE * 2)
    (folder / "train_mos_list.txt").write_text("sys64e2f-utt9c183cd.wav,4.0\n")
    (folder / "test_mos_list.txt").write_text(MEAN)
    return folder


def test_voicemos_tells_votes_where_it_has_them(tmp_path: Path, sets: Path) -> None:
    for place in (tmp_path, sets.parent, sets):
        table = read_ratings(place)
        assert [one.trial for one in table.ratings] == ["1", "2"]
        first = table.ratings[0]
        assert (first.listener, first.score) == ("bZPQE7w4Zl3g", 4.0)
        assert (first.item, first.system) == ("sys64e2f-utt9c183cd", "sys64e2f")
        assert first.stimulus == str(tmp_path / "DATA/wav/sys64e2f-utt9c183cd.wav")
        (mean,) = table.means
        assert (mean.item, mean.system, mean.mean) == ("sys64e2f-utt491a78a", "sys64e2f", 2.375)
        assert math.isnan(mean.deviation)
    assert not read_ratings(sets / "train_mos_list.txt").ratings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sys1,utt,4\n", "TRAINSET, line 1: 3 cells, not 5"),
        ("sys1,utt,4,x,Ann\n", "line 1, column 5: 'Ann' is not {}_AGERANGE_"),
        (VOTE + VOTE.replace(",4,", ",6,"), "line 2, column 3: 6 lies off the scale 1-5"),
    ],
)
def test_broken_lists_of_voicemos(sets: Path, text: str, said: str) -> None:
    (sets / "TRAINSET").write_text(text)
    with pytest.raises(DataError, match=said):
        read_ratings(sets)


def test_votes_of_aesthetics_are_of_nobody_known(tmp_path: Path) -> None:
    keys = ("Production_Quality", "Production_Complexity", "Content_Enjoyment")
    row = {"data_path": "/your_path/EARS/p001/a.wav", "Content_Usefulness": [5, 5]}
    row |= {key: [3.0, 7.0] for key in keys}
    (tmp_path / "AES_natural_speech.jsonl").write_text(json.dumps(row) + "\n")
    table = read_ratings(tmp_path)
    assert len(table.ratings) == 8
    assert {(one.test, one.listener, one.trial) for one in table.ratings} == {
        ("AES_natural_speech", "", "")
    }
    one = table.ratings[1]
    assert (one.attribute, one.item, one.system) == (
        "production_quality",
        "EARS/p001/a.wav",
        "EARS",
    )
    assert (one.score, one.scale.low, one.scale.high) == (7.0, 0.0, 10.0)
    assert one.place.endswith("line 1, production_quality")


def test_published_aesthetics(data_folder: Path) -> None:
    folder = data_folder / "ratings_only/aes"
    table = read_ratings(folder)
    # Ten votes on each of four axes, as many as the files have lines.
    lines = {path.stem: len(path.read_bytes().splitlines()) for path in folder.glob("*.jsonl")}
    assert Counter(one.test for one in table.ratings) == {k: 40 * n for k, n in lines.items()}
    evaluation = [one for one in table.ratings if one.test.startswith("audiomos2025")]
    assert len({one.system for one in evaluation}) == 36
