"""Pairs within a just-noticeable difference: how they are drawn, planned and made."""

from __future__ import annotations

import math
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.conftest import RATE, make_music

from auricle.core.audio import Audio
from auricle.core.errors import DataError
from auricle.data.jnd_recipe import JndRecipe, read_pair_recipe
from auricle.data.pair_plan import PairClip, plan_pairs
from auricle.data.pairs import build_pairs, read_pairs, write_pairs
from auricle.degrade.base import parse_process, unit_of
from auricle.degrade.mixing import mix_at
from auricle.signal.io import read_audio, write_audio

TREE: dict[str, Any] = {
    "kind": "jnd",
    "seconds": 1.5,
    "speech": 1.0,
    "continua": {"snr": {"mildest": 30, "severest": 0, "jnd": 3.0}},
    "excerpts": {"train": 3, "test": 2},
    "split": {"train": 0.5, "test": 0.5},
}
RECIPE = JndRecipe.model_validate(TREE)
EMBEDDED = cast(JndRecipe, read_pair_recipe("jnd-speech"))


def count_jnds(one: str, other: str, jnd: float) -> float:
    """How many just-noticeable differences lie between two processes of one kind."""
    values = [parse_process(text).value for text in (one, other)]
    if unit_of(parse_process(one).kind).startswith("dB"):
        return abs(values[1] - values[0]) / jnd
    return abs(math.log(values[1] / values[0])) / math.log(jnd)


@given(st.integers(0, 2**32 - 1))
def test_pairs_are_closer_than_the_difference_and_rungs_are_not(seed: int) -> None:
    drawn = list(EMBEDDED.draw(np.random.default_rng(seed)))
    (kind,) = {ladder for _, ladder, _ in drawn}
    jnd = EMBEDDED.continua[kind].jnd
    rungs = [[process for process, *_ in rows] for _, rows in groupby(drawn, lambda row: row[2])]
    assert [len(pair) for pair in rungs] == [2] * EMBEDDED.pairs
    for first, second in rungs:
        assert 0.0 < count_jnds(first, second, jnd) < 1.0
    for (_, milder), (severer, _) in pairwise(rungs):
        # Values are whole numbers: rounding may take a little of the difference.
        assert count_jnds(milder, severer, jnd) > 0.6


def test_every_kind_is_drawn_and_noise_most_often() -> None:
    kinds = [next(iter(EMBEDDED.draw(np.random.default_rng(seed))))[1] for seed in range(400)]
    assert set(kinds) == set(EMBEDDED.continua)
    assert 0.4 < kinds.count("snr") / 400 < 0.6


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"snr": {"mildest": 30, "severest": 20, "jnd": 3.0}}, "too few for 3 pairs"),
        ({"snr": {"mildest": 90, "severest": 0, "jnd": 3.0}}, "snr takes -20 to 60 dB"),
        ({"opus": {"mildest": 96000, "severest": 12000, "jnd": 0.9}}, "factor"),
        ({"sonr": {"mildest": 30, "severest": 0, "jnd": 3.0}}, "no process is called"),
        ({"snr": {"mildest": 30, "severest": 0, "jnd": 0.0}}, "greater than 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        JndRecipe.model_validate({**TREE, "continua": change})


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Six voices of two files each, and eight noises."""
    speech, noise = tmp_path_factory.mktemp("speech"), tmp_path_factory.mktemp("noise")
    for voice in range(6):
        for number in range(2):
            path = speech / f"voice{voice}" / f"{number}.flac"
            path.parent.mkdir(exist_ok=True)
            write_audio(path, Audio.from_array(make_music(2.0, 10 * voice + number), RATE))
    rng = np.random.default_rng(0)
    for number in range(8):
        write_audio(noise / f"{number}.flac", Audio.from_array(rng.normal(0, 0.05, 2 * RATE), RATE))
    return speech, noise


@pytest.fixture(scope="module")
def planned(folders: tuple[Path, Path]) -> list[PairClip]:
    speech, noise = folders
    return plan_pairs(RECIPE, [], [speech], [noise])


def test_a_voice_and_a_noise_are_in_one_split(planned: list[PairClip]) -> None:
    for names in ({(c.recording, c.split) for c in planned}, {(c.noise, c.split) for c in planned}):
        known = [name for name, _ in names if name]
        assert len(known) == len(set(known))
    assert {clip.recording for clip in planned} <= {f"voice{number}" for number in range(6)}
    assert all(bool(clip.noise) != clip.clean for clip in planned)
    for excerpt in {clip.excerpt for clip in planned}:
        noises = {(c.noise, c.noise_start) for c in planned if c.excerpt == excerpt and c.noise}
        assert len(noises) == 1


def test_clips_are_made_with_their_noise_and_read_back(
    planned: list[PairClip], folders: tuple[Path, Path], tmp_path: Path
) -> None:
    few = [clip for clip in planned if clip.excerpt == planned[0].excerpt]
    made = build_pairs(RECIPE, few, folders, tmp_path)
    assert [clip.error for clip in made] == [""] * 7
    assert read_pairs(tmp_path / "pairs.csv") == made
    clean = read_audio(tmp_path / made[0].path)
    noise = read_audio(folders[1] / made[1].noise).samples[0]
    begin = round(made[1].noise_start * RATE)
    under = Audio.from_array(noise[begin : begin + clean.frames], RATE)
    mixed = mix_at(clean, under, parse_process(made[1].process).value).samples[0]
    heard = read_audio(tmp_path / made[1].path).samples[0]
    # The same but for the loudness, which is the clean clip's again.
    gain = float(np.dot(heard, mixed) / np.dot(mixed, mixed))
    assert heard == pytest.approx(gain * mixed, abs=2e-4)


def test_noise_that_is_missing_is_told(
    planned: list[PairClip], folders: tuple[Path, Path], tmp_path: Path
) -> None:
    speech, _ = folders
    with pytest.raises(DataError, match="--noise"):
        plan_pairs(RECIPE, [], [speech])
    made = build_pairs(RECIPE, planned[:2], [speech], tmp_path)
    assert "no corpus holds" in made[1].error
    # Rows name a noise by its path alone, which must not lead to speech.
    voice = tmp_path / "named-alike" / "0.flac"
    write_audio(voice, Audio.from_array(make_music(2.0, 99), RATE))
    with pytest.raises(DataError, match=r"both hold 0\.flac: rename"):
        plan_pairs(RECIPE, [], [speech, voice.parent], [folders[1]])
    write_pairs(planned[:2], tmp_path / "pairs.csv")
    table = (tmp_path / "pairs.csv").read_text(encoding="utf-8")
    (tmp_path / "pairs.csv").write_text(table.replace(planned[1].noise, "../x"), encoding="utf-8")
    with pytest.raises(DataError, match="leads out"):
        read_pairs(tmp_path / "pairs.csv")
