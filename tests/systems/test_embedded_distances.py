"""The embedded metrics that judge by distance: what must hold of any that are released."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auricle.catalog import DISTANCE_CATALOG, load_distance_metric
from auricle.core.audio import Audio
from auricle.degrade.base import apply_process, parse_process
from auricle.signal.io import read_audio
from auricle.systems.distance_runtime import DistanceMetric

EXAMPLES = Path(__file__).parents[2] / "examples"


def read_example(name: str) -> Audio:
    """The first five seconds, stereo."""
    audio = read_audio(EXAMPLES / name, sample_rate=48000)
    return Audio.from_array(audio.samples[:, : 5 * 48000], 48000)


REFERENCE = read_example("lossless.flac")


@pytest.fixture(scope="module", params=DISTANCE_CATALOG)
def metric(request: pytest.FixtureRequest) -> DistanceMetric:
    return load_distance_metric(request.param)


def test_lower_bitrates_are_farther_away(metric: DistanceMetric) -> None:
    same = metric(REFERENCE, REFERENCE)
    assert (same.value, same.distance, same.warnings) == (100.0, 0.0, ())
    coded = [apply_process(REFERENCE, parse_process(f"mp3:{rate}k")) for rate in (160, 64, 24)]
    values = [metric(REFERENCE, audio).value for audio in coded]
    assert 100.0 > values[0] > values[1] > values[2] >= 0.0


def test_a_coded_file_is_neither_transparent_nor_ruined(metric: DistanceMetric) -> None:
    assert 20.0 < metric(REFERENCE, read_example("mp3-64k.mp3")).value < 80.0


@pytest.mark.parametrize("process", ["", "mp3:64k"])
def test_gain_and_one_sample_of_delay_do_not_matter(metric: DistanceMetric, process: str) -> None:
    degraded = apply_process(REFERENCE, parse_process(process)) if process else REFERENCE
    expected = metric(REFERENCE, degraded).value
    for samples in (0.5 * degraded.samples, degraded.samples[:, 1:]):
        changed = Audio.from_array(samples, 48000)
        assert metric(REFERENCE, changed).value == pytest.approx(expected, abs=1.0)


def test_digital_silence_of_one_is_a_difference(metric: DistanceMetric) -> None:
    samples = np.tile(REFERENCE.samples, 3)
    dropout = samples.copy()
    dropout[:, 5 * 48000 : 10 * 48000] = 0.0
    score = metric(Audio.from_array(samples, 48000), Audio.from_array(dropout, 48000))
    assert score.value < 90.0
    assert score.track[7].score < 90.0 < score.track[2].score


def test_what_does_not_belong_together_is_told() -> None:
    metric = load_distance_metric("deepaq-fullband")
    backwards = Audio.from_array(REFERENCE.samples[:, ::-1], 48000)
    noise = np.random.default_rng(0).normal(0.0, 0.1, REFERENCE.samples.shape)
    told = {notice.kind for notice in metric(REFERENCE, Audio.from_array(noise, 48000)).warnings}
    assert "unalike" in told
    late = Audio.from_array(np.pad(REFERENCE.samples, ((0, 0), (48000, 0))), 48000)
    assert "not_aligned" in {notice.kind for notice in metric(REFERENCE, late).warnings}
    assert metric(REFERENCE, backwards).value < 60.0
