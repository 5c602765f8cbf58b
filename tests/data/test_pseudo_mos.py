"""What stands in for listeners."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import RATE
from typer.testing import CliRunner

from auricle.cli.data import app
from auricle.core.audio import Audio
from auricle.core.errors import DataError
from auricle.data.pair_plan import PairClip
from auricle.data.pairs import write_pairs
from auricle.data.pseudo_mos import estimate_mos, keep_clean, measure_dynamics, rate_pairs
from auricle.data.rated import read_rated
from auricle.signal.io import read_audio, write_audio

PESQ, ZIMTOHRLI = st.floats(0.9, 5.1), st.floats(1.0, 5.0)


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


def write_original(folder: Path, noise_db: float) -> None:
    """Tones with pauses, and steady noise so far below them."""
    time = np.arange(4 * RATE) / RATE
    rng = np.random.default_rng(0)
    tones = sum(np.sin(2 * np.pi * f * time) / f**0.5 for f in np.geomspace(120, 5500, 60))
    spoken = 0.02 * tones * (np.sin(2 * np.pi * 1.5 * time) > 0)
    noise = rng.normal(0.0, np.sqrt(np.mean(spoken**2)) * 10 ** (-noise_db / 20), time.size)
    write_audio(folder / "clips" / "a.flac", Audio.from_array(spoken + noise, RATE))


def test_pairs_become_a_table_of_rated_clips(tmp_path: Path) -> None:
    write_pairs(make_clips(), tmp_path / "pairs.csv")
    (tmp_path / "clips").mkdir()
    write_original(tmp_path, noise_db=70.0)
    done = CliRunner().invoke(app, ["opinion", str(tmp_path)])
    assert done.exit_code == 0, done.output
    rated = read_rated(tmp_path / "opinion.csv")
    assert rated == rate_pairs(make_clips(), tmp_path.name)
    assert rated[0].id == f"{tmp_path.name}/a"
    assert [clip.mean("mos") for clip in rated] == [5.0, 4.5, 1.0]
    assert [clip.system for clip in rated] == ["clean", "mp3", "mp3:64k+clip:5"]


def test_what_was_made_of_a_noisy_original_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    falls = []
    for noise_db in (70.0, 30.0, 10.0):
        write_original(tmp_path, noise_db)
        falls.append(measure_dynamics(read_audio(tmp_path / "clips" / "a.flac")))
    assert falls[0] > 44.0 > falls[1] > falls[2]
    clips = make_clips()
    with pytest.raises(DataError, match="ask for less"):
        keep_clean(clips, tmp_path, 44.0)
    assert keep_clean(clips, tmp_path, 0.0) == clips
    write_original(tmp_path, noise_db=70.0)
    unmade = replace(clips[1], error="signal: it is silent")
    assert keep_clean([clips[0], unmade, clips[2]], tmp_path, 44.0) == [clips[0], unmade, clips[2]]


def test_a_missing_label_is_told() -> None:
    clips = make_clips()
    clips[1].labels.pop("pesq")  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="b: no label pesq"):
        rate_pairs(clips, "pairs")
