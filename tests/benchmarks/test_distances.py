"""Benchmarks of metrics with a reference: what counts as in order, as coded, as an offset."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

import distance_ladders
import non_matching
from auricle.core.audio import Audio
from auricle.core.errors import DataError
from auricle.core.score import Score
from auricle.core.spec import Scale
from auricle.signal.io import write_audio
from distance_excerpts import badness, find_held_out
from distance_invariance import CHANGES, MARGIN, cut


def score(value: float, *, higher: bool = True, distance: float | None = None) -> Score:
    scale = Scale(0.0, 100.0, higher_is_better=higher)
    return Score(value, (), math.nan, (), scale, "demo.v1", 10.0, (), distance=distance)


def test_worse_is_farther_or_lower_as_the_scale_has_it() -> None:
    assert badness(score(30.0)) > badness(score(40.0))
    assert badness(score(40.0, higher=False)) > badness(score(30.0, higher=False))
    # Two scores that were cut off at 0 still have distances.
    assert badness(score(0.0, distance=3.0)) > badness(score(0.0, distance=2.0))


def test_neighbours_in_order() -> None:
    ladders = {"a": [score(10.0), score(20.0), score(20.0)], "b": [score(10.0), score(5.0)]}
    orders = distance_ladders.find_orders(ladders)
    assert orders == [(True, "a"), (False, "a"), (False, "b")]
    assert distance_ladders.summarise(orders) == {"pairs": 3, "share_in_order": "1 of 3"}


def test_one_excerpt_of_each_held_out_recording(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (2, 48000)).astype(np.float32)
    for name in ("one", "two", "three"):
        write_audio(tmp_path / "corpus" / f"{name}.wav", Audio.from_array(noise, 48000))
    write_audio(tmp_path / "corpus" / "mono.wav", Audio.from_array(noise[0], 48000))
    columns = (
        "id excerpt recording split domain path reference source start process ladder rung"
        " visqol zimtohrli log_spectral pesq stoi pcm_sha256 error"
    ).split()
    with (tmp_path / "pairs.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        for name in ("one", "two", "three", "mono"):
            split = "train" if name == "two" else "test"
            facts = {"domain": "music", "path": "a", "reference": "a", "start": 0.0, "rung": 0}
            found = f"{name}.wav"
            writer.writerow({"id": name, "recording": found, "split": split, **facts})
    held_out = find_held_out(tmp_path, "test", [tmp_path / "corpus"], 9, seconds=1.0)
    assert [one.recording for one in held_out] == ["one.wav", "three.wav"]
    with pytest.raises(DataError, match="no corpus holds"):
        find_held_out(tmp_path, "test", [tmp_path / "corpus"], 9, seconds=2.0)


def test_changes_leave_what_they_should() -> None:
    samples = np.random.default_rng(1).uniform(-0.3, 0.3, (2, 4 * MARGIN)).astype(np.float32)
    audio = Audio.from_array(samples, 48000)
    _, late = CHANGES["50 ms late"][1](audio, audio)
    assert np.array_equal(late.samples[:, 2400:], cut(audio).samples[:, :-2400])
    _, double = CHANGES["mono as stereo"][1](audio, audio)
    assert np.array_equal(double.mono().samples, cut(audio).mono().samples)
    _, loud = CHANGES["6 dB louder"][1](audio, audio)
    assert loud.samples.max() == pytest.approx(1.9953 * cut(audio).samples.max(), rel=1e-4)


def test_more_references_agree_better() -> None:
    rng = np.random.default_rng(2)
    visqol = np.linspace(1.0, 4.5, 60)
    clips = [
        non_matching.Coded(f"{n}.flac", f"r{n % 6}", float(mos)) for n, mos in enumerate(visqol)
    ]
    distances = (5.0 - visqol)[:, None] + rng.normal(0.0, 2.0, (60, 40))
    few, many = (non_matching.draw(None, clips, distances, n, 5) for n in (1, 32))
    assert few["srcc_mean"] < many["srcc_mean"] > 0.9
    assert "width_mean" not in many
