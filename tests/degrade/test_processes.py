"""The published table of 45 processes, and draws from it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.degrade.base import apply_process, parse_cascade
from auricle.degrade.processes import PROCESSES, REDUNDANT, draw_cascade, draw_defect, draw_process


def test_ids_are_those_of_the_tables() -> None:
    """First and last id of each row of Tables I and II (mp3's "9-6" read as 9-16)."""
    assert list(PROCESSES) == list(range(1, 46))
    rows = {
        1: "mp2:32k", 8: "mp2:320k", 9: "mp3:32k", 16: "mp3:320k", 17: "aac:24k", 27: "aac:700k",
        28: "vorbis:48k", 32: "vorbis:192k", 33: "opus:24k", 41: "opus:256k",
        42: "lowpass:3500", 43: "lowpass:5000", 44: "lowpass:7500", 45: "lowpass:9000",
    }  # fmt: skip
    assert {number: str(PROCESSES[number]) for number in rows} == rows


def test_redundant_ids_are_the_high_bitrates() -> None:
    """Section III.B, step 2: 6-8, 14-16, 23-27, 32, 39-41."""
    assert len(REDUNDANT) == 15
    assert {str(PROCESSES[number]) for number in REDUNDANT} == {
        "mp2:192k", "mp2:256k", "mp2:320k", "mp3:192k", "mp3:256k", "mp3:320k",
        "aac:192k", "aac:256k", "aac:320k", "aac:512k", "aac:700k", "vorbis:192k",
        "opus:160k", "opus:192k", "opus:256k",
    }  # fmt: skip


@pytest.mark.parametrize("number", PROCESSES)
def test_every_process_runs_as_published_and_beyond(number: int) -> None:
    rng = np.random.default_rng(number)
    for sample_rate, channels in ((48000, 1), (44100, 2)):
        noise = [np.convolve(rng.normal(size=12000), np.full(16, 0.02)) for _ in range(channels)]
        audio = Audio.from_array(noise, sample_rate)
        degraded = apply_process(audio, PROCESSES[number])
        assert degraded.samples.shape == audio.samples.shape
        assert not np.array_equal(degraded.samples, audio.samples)
        assert np.corrcoef(audio.samples[0], degraded.samples[0])[0, 1] > 0.6


def test_draws_are_even_and_repeat_with_the_seed() -> None:
    rng = np.random.default_rng(0)
    counts = Counter(str(draw_process(rng)) for _ in range(45 * 200))
    assert len(counts) == 45
    assert min(counts.values()) > 140
    assert max(counts.values()) < 260
    assert draw_cascade(np.random.default_rng(4)) == draw_cascade(np.random.default_rng(4))


def test_cascades_may_repeat_a_process() -> None:
    rng = np.random.default_rng(0)
    pairs = [draw_cascade(rng) for _ in range(2000)]
    assert any(first == second for first, second in pairs)
    assert parse_cascade("+".join(map(str, pairs[0]))) == pairs[0]


def test_defects_come_alone_and_on_both_sides_of_a_process() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_defect(rng) for _ in range(2000)]
    places = Counter(
        tuple(process in PROCESSES.values() for process in processes) for processes in drawn
    )
    assert places.keys() == {(False,), (True, False), (False, True)}
    assert 0.45 < places[(False,)] / len(drawn) < 0.55
    values: dict[str, list[int]] = {}
    for processes in drawn:
        for process in processes:
            if process not in PROCESSES.values():
                values.setdefault(process.kind, []).append(process.value)
    ranges = {kind: (min(found), max(found)) for kind, found in values.items()}
    assert ranges.keys() == {"noise", "clip", "resample"}
    assert ranges["noise"] == (10, 55)
    assert ranges["clip"] == (1, 40)
    assert 6000 <= ranges["resample"][0] < 6200
    assert 35000 < ranges["resample"][1] <= 36000
