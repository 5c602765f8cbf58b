"""What stands in for listeners."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from auricle.cli.data import app
from auricle.core.errors import DataError
from auricle.data.pair_plan import PairClip
from auricle.data.pairs import write_pairs
from auricle.data.pseudo_mos import estimate_mos, rate_pairs
from auricle.data.rated import read_rated

PESQ, ZIMTOHRLI = st.floats(0.9, 4.7), st.floats(1.0, 5.0)


@given(PESQ, ZIMTOHRLI)
def test_it_stays_on_the_scale(pesq: float, zimtohrli: float) -> None:
    assert 1.0 <= estimate_mos({"pesq": pesq, "zimtohrli": zimtohrli}) <= 5.0


@given(st.lists(PESQ, min_size=2, max_size=2), ZIMTOHRLI)
def test_better_is_never_worse(pesq: list[float], zimtohrli: float) -> None:
    low, high = (estimate_mos({"pesq": p, "zimtohrli": zimtohrli}) for p in sorted(pesq))
    assert low <= high


def test_raw_pesq_comes_back_from_its_mapping() -> None:
    # By the mapping of ITU-T P.862.2, 0.999 + 4 / (1 + exp(3.8224 - 1.3669 * 2.75)) = 2.9356.
    assert estimate_mos({"pesq": 2.9356, "zimtohrli": 3.0}) == pytest.approx(3.0, abs=1e-3)


def make_clips() -> list[PairClip]:
    def clip(name: str, process: str, ladder: str = "", **labels: float) -> PairClip:
        return PairClip(
            id=name, excerpt="e", recording="voice", split="train", domain="speech",
            path=f"clips/{name}.flac", reference="clips/a.flac", source="s.flac", start=0.0,
            process=process, ladder=ladder, labels=labels,
        )  # fmt: skip

    return [
        clip("a", ""),
        clip("b", "mp3:64k", "mp3", pesq=4.644, zimtohrli=4.0),
        clip("c", "mp3:64k+clip:5", pesq=1.0, zimtohrli=1.0),
    ]


def test_pairs_become_a_table_of_rated_clips(tmp_path: Path) -> None:
    write_pairs(make_clips(), tmp_path / "pairs.csv")
    done = CliRunner().invoke(app, ["opinion", str(tmp_path)])
    assert done.exit_code == 0, done.output
    rated = read_rated(tmp_path / "opinion.csv")
    assert rated == rate_pairs(make_clips(), tmp_path.name)
    assert rated[0].id == f"{tmp_path.name}/a"
    assert [clip.mean("mos") for clip in rated] == [5.0, 4.5, 1.0]
    assert [clip.system for clip in rated] == ["clean", "mp3", "mp3:64k+clip:5"]


def test_a_missing_label_is_told() -> None:
    clips = make_clips()
    clips[1].labels.pop("pesq")  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="b: no label pesq"):
        rate_pairs(clips, "pairs")
