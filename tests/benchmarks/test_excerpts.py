"""Benchmarks degrade as clips are made, and tell no interval that recordings don't bear out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import halves
import ladders
import unseen
from auricle.core.audio import Audio
from auricle.data.clip_recipe import ClipRecipe
from auricle.data.generate import regenerate
from auricle.data.manifest import Clip
from auricle.degrade.base import apply_cascade, parse_cascade
from auricle.signal.loudness import integrated_loudness
from auricle.stats.intervals import Estimate
from excerpts import LOUDNESS, equalise, finish, read_excerpt, share_of, show


def test_clips_are_those_of_the_training_material(write: Callable[..., Path], music: Audio) -> None:
    path = write("loud.wav", music.samples[0])
    assert integrated_loudness(music) > LOUDNESS + 3.0
    recipe = ClipRecipe(split={"test": 1.0})
    clip = Clip("a", "a", "s", path.name, "test", "mp3:48k", "a.flac")
    excerpt = read_excerpt(path)
    reference, degraded = regenerate(clip, recipe, path.parent)
    made = finish(apply_cascade(excerpt, parse_cascade(clip.process)))
    np.testing.assert_array_equal(equalise(excerpt).samples, reference.samples)
    np.testing.assert_array_equal(made.samples, degraded.samples)
    assert integrated_loudness(made) == pytest.approx(LOUDNESS, abs=0.1)


@pytest.mark.parametrize(
    ("found", "recordings", "expected"),
    [
        ([True, False] * 2, "abcd", "2 of 4"),
        ([True] * 6, "abcdef", "6 of 6"),
        ([False] * 6, "abcdef", "0 of 6"),
    ],
)
def test_few_recordings_and_unanimous_ones_are_counted(
    found: list[bool], recordings: str, expected: str
) -> None:
    assert show(share_of(found, list(recordings)), 1, factor=100.0) == expected


def test_more_clips_of_the_same_recordings_make_no_narrower_interval() -> None:
    found, names = [True, True, True, False, True, False], list("abcdef")
    few, many = share_of(found, names), share_of(found * 20, names * 20)
    assert isinstance(few, Estimate)
    assert few == many


def test_ladders_count_pairs_by_recording() -> None:
    pairs = [(name, order) for name in "abcde" for order in ("ordered", "tied")]
    found = ladders.summarise(pairs)
    assert (found["pairs"], found["recordings"]) == (10, 5)
    assert (found["ordered"], found["tied"], found["inverted"]) == (5, 5, 0)
    assert found["share_ordered"].value == 0.5


def test_halves_find_the_half_that_was_coded() -> None:
    outcomes = [
        halves.Outcome(name, "s", "mp3:32k", half, by_track=0, by_visqol=half, correlation=0.5)
        for name in "abcdef"
        for half in (0, 1)
    ]
    found = halves.summarise(outcomes)
    assert found["found"].value == 0.5
    assert found["found_by_visqol"] == "12 of 12"


def test_a_table_says_what_kinds_were_trained_on() -> None:
    outcomes = [
        unseen.Outcome("f", f"r{n}", "s", process, label=float(n), score=float(n))
        for process in ("noise:30", "lowpass:5000+noise:30", "wma:64k", "")
        for n in range(3)
    ]
    parts = {"all": unseen.summarise(outcomes), **unseen.group(outcomes, lambda o: o.family)}
    kinds = {name: part["kind_in_training"] for name, part in parts.items()}
    assert kinds == {
        "all": "partly", "noise": "yes", "lowpass+noise": "yes", "wma": "no", "clean": "yes",
    }  # fmt: skip
    assert "| wma | no | 3 | 3 |" in unseen.show_parts("process", parts)


def test_folders_are_degraded_by_the_45_processes_alone(
    write: Callable[..., Path], music: Audio
) -> None:
    path = write("song.wav", np.tile(music.samples[0], 3))
    tasks = unseen.plan_folder(path.parent, "codec-music", seed=0, most=None)
    kinds = {p.kind for task in tasks for text in task.processes for p in parse_cascade(text)}
    assert kinds
    assert not kinds & {"noise", "clip", "resample"}
