"""The one reader: which layout it takes a folder for, and the real tables."""

import csv
import math
from collections import Counter, defaultdict
from pathlib import Path
from statistics import fmean, stdev

import pytest

from auricle.core.errors import DataError
from auricle.data.ratings import RATING_LAYOUTS, read_ratings
from auricle.data.set_description import read_description

DESCRIPTION = Path(__file__).parents[2] / "benchmarks/listening_tests.yaml"


def test_what_was_expected_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no ratings: expected ratings_long\.csv or .*; or "):
        read_ratings(tmp_path)
    for layout, one in RATING_LAYOUTS.items():
        with pytest.raises(DataError) as error:
            read_ratings(tmp_path, layout)
        assert str(error.value) == f"{tmp_path} holds no ratings: expected {one.expected}"
    with pytest.raises(DataError, match="there is no folder or file"):
        read_ratings(tmp_path / "gone")
    (tmp_path / "ratings.csv").write_text("listener,system,score\nA,x,NA\n")
    with pytest.raises(DataError, match=r"ratings\.csv: it holds no ratings$"):
        read_ratings(tmp_path)


def test_odaq_by_table_and_by_listener(tmp_path: Path) -> None:
    """The columns of ODAQ_results.csv, and the XML of the listening test app it was made with."""
    table = tmp_path / "ODAQ_results.csv"
    table.write_text(
        "score,method,condition,process,item,subject\n10.0,LP,Q1,LP50,LP_11_guitar,Subject 1: A\n"
        "100.0,LP,Reference,reference,LP_11_guitar,Subject 1: A\n"
        "5.0,LP,LP35,LP35,LP_11_guitar,Subject 1: A\n20,LP,LP70,LP70,LP_11_guitar,Subject 1: A\n"
    )
    listener = tmp_path / "bsu_1.xml"
    listener.write_text(
        '<?xml version="1.0"?>\n<MUSHRA><info subjectName="Subject 1: A" testName="ODAQ"/><trials>'
        '<trial trialName="LP_11_guitar" trialSeconds="9"><testFile fileName="LP50.wav" plays="2"'
        ' score="10.0"/><testFile fileName="reference.wav" plays="1" score="100.0"/>'
        '<testFile fileName="LP35.wav" plays="1" score="5"/>'
        '<testFile fileName="LP70.wav" plays="1" score="20"/></trial></trials></MUSHRA>'
    )

    def facts(path: Path) -> list[tuple[str, str, str, str, float]]:
        ratings = read_ratings(path).ratings
        return [(r.listener, r.item, r.system, r.role, r.score) for r in ratings]

    assert [fact[2:4] for fact in facts(tmp_path)] == [
        ("LP50", ""),
        ("reference", "reference"),
        ("LP35", "low_anchor"),
        ("LP70", "mid_anchor"),
    ]
    assert facts(tmp_path) == facts(table) == facts(listener)
    table.unlink()
    assert facts(tmp_path) == facts(listener)
    listener.write_text(listener.read_text().replace('"100.0"', '"101"'))
    with pytest.raises(
        DataError, match=r"trial LP_11_guitar, testFile reference\.wav: 101 lies off"
    ):
        read_ratings(tmp_path)


def test_other_files_in_a_folder_are_no_ratings(tmp_path: Path) -> None:
    (tmp_path / "settings.xml").write_text("<settings/>")
    (tmp_path / "notes.csv").write_text("file,comment\na,b\n")
    (tmp_path / "table.csv").write_bytes(b"PK\x03\x04\0\0")
    with pytest.raises(DataError, match="holds no ratings: expected"):
        read_ratings(tmp_path)
    with pytest.raises(DataError, match="is no text: save the table as CSV"):
        read_ratings(tmp_path / "table.csv")


def test_the_real_tables(data_folder: Path) -> None:
    folder = data_folder / "listening_tests"
    table = read_ratings(folder, description=read_description(DESCRIPTION))
    assert Counter((one.test, one.attribute) for one in table.ratings) == {
        ("vocalsep_mushra", "quality"): 1464,
        ("vocalsep_mushra", "interferer"): 1448,
        ("afx_similarity", "similarity_to_target"): 1998,
        ("neuralcodec_mushra", "quality"): 616,
        ("se_mushra", "quality"): 252,
    }
    assert len(table.means) == 6 * 39
    assert table.notes == ("phase_abx/discrimination is left out: 'ABX correct 0/1' is no scale",)
    votes = defaultdict(list)
    for one in table.ratings:
        votes[one.stimulus, one.attribute].append(one.score)
    with (folder / "ratings_mean.csv").open() as file:
        published = [row for row in csv.DictReader(file) if row["scale"] == "0-100"]
    assert len(published) == len(votes)
    for row in published:
        given = votes[str(folder / row["file"]), row["attribute"]]
        assert len(given) == int(row["count"])
        assert math.isclose(fmean(given), float(row["mean"]), rel_tol=1e-9)
        assert math.isclose(stdev(given), float(row["std"]), rel_tol=1e-9)
    roles = Counter((one.test, one.system, one.role) for one in table.ratings if one.role)
    assert roles == {
        ("vocalsep_mushra", "ref", "reference"): 364,
        ("vocalsep_mushra", "Quality", "low_anchor"): 183,
        ("vocalsep_mushra", "Interferer", "low_anchor"): 181,
        ("neuralcodec_mushra", "Reference", "reference"): 77,
    }
    assert Counter(one.role for one in table.means) == {"": 216, "reference": 18}


def test_one_table_by_itself(data_folder: Path) -> None:
    folder = data_folder / "listening_tests"
    whole, alone = read_ratings(folder), read_ratings(folder / "ratings_long.csv")
    assert alone.ratings == whole.ratings
    assert read_ratings(folder / "ratings_long.csv", "csv").ratings == whole.ratings
    assert read_ratings(folder / "p835_means.csv").means == whole.means
    means = read_ratings(folder / "ratings_mean.csv").means
    assert len(means) == 284
    assert min(one.listeners for one in means) > 0
