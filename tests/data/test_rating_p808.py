"""Tables of the P.808 Toolkit, with the columns that its src/result_parser.py writes."""

import math
from pathlib import Path

from auricle.data.ratings import read_ratings

VOTES = (
    "HITId,workerid,assignment_id,assignmentstatus,file,short_file_name,vote,question_type,model"
)
URL = "https://example.org/clips"


def write(folder: Path, name: str, *lines: str) -> Path:
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def test_votes_of_workers(tmp_path: Path) -> None:
    rows = (
        f"H1,W1,A1,Approved,{URL}/dns_s1.wav,dns_s1.wav,4,MOS_SIG,dns",
        f"H1,W1,A1,Approved,{URL}/dns_s1.wav,dns_s1.wav,3,MOS_OVRL,dns",
        f"H2,W2,A2,Approved,{URL}/dns_s1.wav,dns_s1.wav,5,MOS_OVRL,dns",
    )
    path = write(tmp_path, "Batch_7_batch_results_all_votes_per_clip.csv", VOTES, *rows)
    # The same votes, question by question: they are not read twice.
    write(tmp_path, "Batch_7_batch_results_votes_per_worker__ovrl.csv", VOTES, *rows[1:])
    for place in (tmp_path, path):
        table = read_ratings(place)
        assert [(r.attribute, r.listener, r.score) for r in table.ratings] == [
            ("signal", "W1", 4.0),
            ("overall", "W1", 3.0),
            ("overall", "W2", 5.0),
        ]
        one = table.ratings[0]
        assert (one.test, one.item, one.system) == ("Batch_7_batch_results", "dns_s1.wav", "dns")
        assert (one.stimulus, one.scale.low, one.scale.high) == (f"{URL}/dns_s1.wav", 1.0, 5.0)
    (tmp_path / path.name).unlink()
    assert len(read_ratings(tmp_path).ratings) == 2


def test_votes_of_clips_have_no_listeners(tmp_path: Path) -> None:
    header = "file_url,n,MOS_BAK,std_bak,95%CI_bak,short_file_name,codec,rate,Unknown,vote_1,vote_2"
    write(
        tmp_path,
        "Batch_votes_per_clip_bak.csv",
        header,
        f"{URL}/a.wav,2,3.5,0.7,0.98,a.wav,opus,12,,3,4",
        f"{URL}/b.wav,1,2,,,b.wav,,,NoCondition,2,",
    )
    table = read_ratings(tmp_path)
    assert [(r.attribute, r.item, r.system, r.listener, r.score) for r in table.ratings] == [
        ("background", "a.wav", "opus/12", "", 3.0),
        ("background", "a.wav", "opus/12", "", 4.0),
        ("background", "b.wav", "", "", 2.0),
    ]
    assert table.ratings[1].place.endswith("Batch_votes_per_clip_bak.csv, line 2, column vote_2")


def test_comparisons_have_their_own_scale(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "ccr_votes_per_clip.csv",
        "file_url,n,CMOS,std,95%CI,short_file_name,vote_1,vote_2",
        f"{URL}/a.wav,2,-1,2.8,3.9,a.wav,-3,1",
    )
    (first, _) = read_ratings(path).ratings
    assert (first.attribute, first.score, first.scale.low) == ("comparison", -3.0, -3.0)


def test_means_alone(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "Batch_votes_per_clip_all-scales.csv",
        "file_url,n,MOS_BAK,std_bak,95%CI_bak,MOS_OVRL,std_ovrl,95%CI_ovrl",
        f"{URL}/a.wav,5,4.2,0.4,0.35,3.2,,",
        f"{URL}/b.wav,5,4.4,0.5,0.4,,,",
    )
    table = read_ratings(path)
    assert [(m.attribute, m.item, m.mean, m.listeners) for m in table.means] == [
        ("background", "a.wav", 4.2, 5),
        ("background", "b.wav", 4.4, 5),
        ("overall", "a.wav", 3.2, 5),
    ]
    assert table.means[0].deviation == 0.4
    assert math.isnan(table.means[2].deviation)
    assert table.notes == ("Batch/overall: 1 without a rating left out",)
