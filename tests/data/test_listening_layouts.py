"""Layouts of listening tests: small folders as the real ones are, and the real one."""

import csv
import math
from collections import Counter
from pathlib import Path

import pytest

from auricle.core.errors import DataError
from auricle.data.listening_layouts import LISTENING_LAYOUTS, read_listening_tests
from auricle.data.listening_sets import RatedPair
from auricle.data.set_description import read_description

DESCRIPTION = Path(__file__).parents[2] / "benchmarks/listening_tests.yaml"
WEBMUSHRA = """\
testname: A test
testId: codecs
pages:
  - type: volume
    id: loud
  - - random
    - type: mushra
      id: song1
      reference: audio/song1/ref.wav
      stimuli: {opus: audio/song1/opus.wav, mp3: audio/song1/mp3.wav}
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def by_system(pairs: tuple[RatedPair, ...]) -> dict[str, RatedPair]:
    assert len({pair.system for pair in pairs}) == len(pairs)
    return {pair.system: pair for pair in pairs}


def test_odaq_by_its_table(tmp_path: Path) -> None:
    table = "score,method,condition,process,item,subject\n" + "".join(
        f"{score},LP,Q1,{process},LP_11_guitar,{subject}\n"
        for score, process, subject in (
            (10.0, "LP50", "Subject 1: A"),
            (30.0, "LP50", "Subject 2: B"),
            (100.0, "reference", "Subject 1: A"),
        )
    )
    folder = write(tmp_path, {"ODAQ/ODAQ_listening_test/ODAQ_results.csv": table})
    found = by_system(read_listening_tests(folder).pairs)
    place = folder / "ODAQ/ODAQ_listening_test/LP_11_guitar"
    low_pass = found["LP50"]
    assert (low_pass.score, low_pass.raters, low_pass.hidden) == (20.0, 2, False)
    assert (low_pass.reference, low_pass.degraded) == (place / "reference.wav", place / "LP50.wav")
    assert low_pass.listeners == {"Subject 1: A": 10.0, "Subject 2: B": 30.0}
    assert found["reference"].hidden


def test_odaq_by_its_listeners(tmp_path: Path) -> None:
    for name, score in (("A", 20.0), ("B", 60.0)):
        text = (
            f'<?xml version="1.0"?>\n<MUSHRA><info subjectName="{name}"/><trials>'
            '<trial trialName="UN_21_violin"><testFile fileName="reference.wav" score="100.0"/>'
            f'<testFile fileName="UN10.5k.wav" score="{score}"/></trial></trials></MUSHRA>'
        )
        write(tmp_path, {f"ODAQ_2023_{name}.xml": text})
    found = by_system(read_listening_tests(tmp_path).pairs)
    assert found["UN10.5k"].score == 40.0
    assert found["UN10.5k"].degraded == tmp_path / "UN_21_violin/UN10.5k.wav"
    write(tmp_path, {"ODAQ_2023_C.xml": "<MUSHRA>"})
    with pytest.raises(DataError, match=r"ODAQ_2023_C\.xml cannot be read"):
        read_listening_tests(tmp_path)


def test_sebass_in_parts(tmp_path: Path) -> None:
    header = "Testname,Listener,Trial,Condition,Ratingscore\n"
    first = "SiSEC08,L1,song,orig,100\nSiSEC08,L1,song,Algo8,58\nSiSEC08,L1,song,anchor,NaN\n"
    second = "SAOC,L1,song,hidden_ref,99\nSAOC,L1,song,UPM,40\nSAOC,L2,song,UPM,50\n"
    folder = write(
        tmp_path,
        {
            "SiSEC08/SiSEC08_anonymized.csv": header + first,
            "SAOC/SAOC_2_anonymized.csv": header + second,
        },
    )
    (folder / "SAOC/Signals_2").mkdir()
    pairs = read_listening_tests(folder).pairs
    assert [(p.test, p.system, p.score, p.hidden) for p in pairs] == [
        ("SAOC/quality", "hidden_ref", 99.0, True),
        ("SAOC/quality", "UPM", 45.0, False),
        ("SiSEC08/quality", "orig", 100.0, True),
        ("SiSEC08/quality", "Algo8", 58.0, False),
    ]
    assert pairs[0].degraded == pairs[1].reference == folder / "SAOC/Signals_2/orig/song.wav"
    assert pairs[3].degraded == folder / "SiSEC08/Signals/Algo8/song.wav"


def test_webmushra(tmp_path: Path) -> None:
    results = (
        "session_test_id,email,session_uuid,trial_id,rating_stimulus,rating_score,rating_time,"
        "rating_comment\n"
        "codecs,a@b,u1,song1,reference,100,9,\ncodecs,a@b,u1,song1,opus,80,9,\n"
        "codecs,a@b,u1,song1,anchor35,10,9,\n"
        "session_test_id,email,session_uuid,trial_id,rating_stimulus,rating_score,rating_time,"
        "rating_comment\n"
        "codecs,a@b,u2,song1,opus,60,9,\n"
    )
    folder = write(
        tmp_path, {"results/codecs/mushra.csv": results, "configs/codecs.yaml": WEBMUSHRA}
    )
    tests = read_listening_tests(folder)
    found = by_system(tests.pairs)
    assert set(found) == {"reference", "opus"}
    assert found["reference"].hidden
    assert (found["opus"].score, found["opus"].raters) == (70.0, 2)
    assert found["opus"].degraded == folder / "audio/song1/opus.wav"
    # webMUSHRA filters it in the browser.
    assert tests.notes == ("anchor35 is left out: an anchor that no file is named of",)
    write(folder, {"results/codecs/mushra.csv": results + "codecs,a@b,u2,song1,aac,60,9,\n"})
    with pytest.raises(DataError, match="line 7: page song1 has no stimulus aac"):
        read_listening_tests(folder)


PAGE = """\
testId: {test}
pages: [{{type: mushra, id: song1, reference: ref.wav, stimuli: {{C1: {file}}}}}]
"""
ANSWER = "session_test_id,trial_id,rating_stimulus,rating_score\ncodecs,song1,C1,80\n"


def test_webmushra_beside_yaml_of_others(tmp_path: Path) -> None:
    files = {"mushra.csv": ANSWER, "mkdocs.yml": "theme: !ENV [THEME]\n", "latin.yaml": "a: b"}
    write(tmp_path, {**files, "codecs.yaml": PAGE.format(test="codecs", file="a.wav")})
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    (pair,) = read_listening_tests(tmp_path).pairs
    assert pair.degraded == tmp_path / "a.wav"
    write(tmp_path, {"codecs.yaml": PAGE.format(test="other", file="a.wav")})
    with pytest.raises(DataError, match=r"line 2, .*: no files of C1 .* the test's YAML file"):
        read_listening_tests(tmp_path)


@pytest.mark.parametrize("file", ["null", "3", "[a.wav]", "''"])
def test_a_stimulus_of_webmushra_is_a_file(tmp_path: Path, file: str) -> None:
    write(tmp_path, {"mushra.csv": ANSWER, "codecs.yaml": PAGE.format(test="codecs", file=file)})
    with pytest.raises(DataError, match="page song1 must name the file of C1, not"):
        read_listening_tests(tmp_path)


MEANS = "dataset,attribute,scale,file,ref,system,item,mean,std,count\n"
P835 = "dataset,file,ref,system,item,n,mos_ovrl,mos_sig,mos_bak\n"


def test_means_with_how_many_rated(tmp_path: Path) -> None:
    rows = "d,quality,0-100,b.wav,a.wav,x,i,60.5,28.1,27\nd,quality,0-100,c.wav,a.wav,y,i,,,\n"
    tests = read_listening_tests(write(tmp_path, {"ratings_mean.csv": MEANS + rows}))
    (pair,) = tests.pairs
    assert (pair.score, pair.raters, pair.listeners) == (60.5, 27, {})
    assert tests.notes == ("d/quality: 1 without a rating left out",)


def test_p835_without_means_or_numbers_of_listeners(tmp_path: Path) -> None:
    rows = "d,b.wav,a.wav,x,i,,3.5,NA,2\nd,c.wav,a.wav,y,i,12,,4,3\n"
    tests = read_listening_tests(write(tmp_path, {"p835_means.csv": P835 + rows}))
    assert [(p.attribute, p.system, p.score, p.raters) for p in tests.pairs] == [
        ("overall", "x", 3.5, 0),
        ("signal", "y", 4.0, 12),
        ("background", "x", 2.0, 0),
        ("background", "y", 3.0, 12),
    ]
    assert tests.notes == (
        "d/overall: 1 without a rating left out",
        "d/signal: 1 without a rating left out",
    )


@pytest.mark.parametrize("file", ["/etc/passwd", "../secret.wav", "audio/../../secret.wav"])
def test_files_outside_the_folder_are_refused(tmp_path: Path, file: str) -> None:
    folders = {
        "mean": {"ratings_mean.csv": f"{MEANS}d,quality,0-100,{file},a.wav,x,i,60,1,3\n"},
        "p835": {"p835_means.csv": f"{P835}d,b.wav,{file},x,i,9,3,3,3\n"},
        "web": {"mushra.csv": ANSWER, "t.yaml": PAGE.format(test="codecs", file=file)},
        "odaq": {"ODAQ_results.csv": f"score,process,item,subject\n9,x,{file},A\n"},
    }
    for name, files in folders.items():
        with pytest.raises(DataError, match=r"lies outside .* may only name files inside it"):
            read_listening_tests(write(tmp_path / name, files))
    # Of a table of one's own one knows what it names.
    own = {"ratings.csv": f"reference,degraded,score\na.wav,{file},3\n"}
    (pair,) = read_listening_tests(write(tmp_path / "own", own)).pairs
    assert pair.degraded == tmp_path / "own" / file


def test_hidden_references_and_sets_are_chosen_among(tmp_path: Path) -> None:
    text = "reference,degraded,score,set\na,b,3,one\na,a,5,one\na,b,4,two\na,a,5,three\n"
    tests = read_listening_tests(write(tmp_path, {"ratings.csv": text}))
    assert [pair.set for pair in tests.rated()] == ["one", "two"]
    assert [pair.score for pair in tests.rated(["two"])] == [4.0]
    with pytest.raises(DataError, match="there is no set four: there is one, two, three"):
        tests.rated(["one", "four"])
    with pytest.raises(DataError, match="no rated pairs but hidden references"):
        tests.rated(["three"])


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    text = (
        "reference,degraded,score,item,listener,sample_rate\n"
        "a.wav,b.wav,3,song,L1,16000\na.wav,b.wav,4,song,L1,16000\na.wav,b.wav,5,song,L2,16000\n"
        "a.wav,a.wav,5,song,L1,16000\na.wav,c.wav,,song,L1,16000\n"
    )
    folder = write(tmp_path / "mine", {"ratings.csv": text})
    for place in (folder, folder / "ratings.csv"):
        pair, hidden = read_listening_tests(place).pairs
        assert (pair.set, pair.attribute, pair.item) == ("mine", "quality", "song")
        assert (pair.score, pair.raters, pair.sample_rate) == (4.0, 2, 16000)
        assert pair.listeners == {"L1": 3.5, "L2": 5.0}
        assert hidden.hidden


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reference,degraded,score\na,b,good\n", "line 2, column score: 'good' is no score"),
        ("reference,degraded,score\na,b,inf\n", "line 2, column score: a score must be finite"),
        ("reference,degraded,score\n", "it holds no ratings"),
        ("reference,degraded\n", "holds no listening test"),
    ],
)
def test_broken_tables(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_listening_tests(write(tmp_path, {"ratings.csv": text}))


def test_what_was_asked_for_is_told_when_it_is_not_there(tmp_path: Path) -> None:
    for layout in LISTENING_LAYOUTS:
        with pytest.raises(DataError, match="holds no listening test: expected"):
            read_listening_tests(tmp_path, layout)
    with pytest.raises(DataError, match="there is no folder"):
        read_listening_tests(tmp_path / "gone")


def test_the_real_folder(data_folder: Path) -> None:
    folder = data_folder / "listening_tests"
    tests = read_listening_tests(folder, description=read_description(DESCRIPTION))
    rated = Counter(pair.test for pair in tests.pairs if not pair.hidden)
    assert rated == {
        "vocalsep_mushra/quality": 56,
        "vocalsep_mushra/interferer": 56,
        "afx_similarity/similarity_to_target": 74,
        "neuralcodec_mushra/quality": 56,
        "se_mushra/quality": 18,
        **{
            f"{name}/{attribute}": 36
            for name in ("p835_fb48", "p835_wb16")
            for attribute in ("overall", "signal", "background")
        },
    }
    assert all(pair.reference.is_file() and pair.degraded.is_file() for pair in tests.pairs)
    assert {p.set for p in tests.pairs if p.sample_rate == 16000} == {"p835_wb16"}
    with (folder / "ratings_mean.csv").open() as file:
        means = {(str(folder / row["file"]), row["attribute"]): row for row in csv.DictReader(file)}
    single = [pair for pair in tests.pairs if not pair.set.startswith("p835")]
    assert len(single) == 284
    for pair in single:
        published = float(means[str(pair.degraded), pair.attribute]["mean"])
        assert math.isclose(pair.score, published, rel_tol=1e-9)
