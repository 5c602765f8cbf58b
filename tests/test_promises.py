"""The promises that every score keeps, on the embedded models."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import RATE, make_music

import auricle
from auricle.api import to_row
from auricle.catalog import find_bundle
from auricle.core.audio import Audio
from auricle.core.score import Score
from auricle.degrade.base import apply_process, parse_process
from auricle.signal.io import list_audio, read_audio, write_audio
from auricle.signal.resample import resample
from auricle.signal.spectra import LogMel
from auricle.systems.runtime import QualityMetric

Write = Callable[..., Path]
EXAMPLES = [Path(name) for name in list_audio("examples")]


NAMES = ("codec-music", "speech")


@pytest.fixture(scope="module", params=NAMES)
def metric(request: pytest.FixtureRequest) -> QualityMetric:
    return auricle.load(request.param)


def count_points(metric: QualityMetric, one: Score, other: Score) -> float:
    """How far two scores are apart, in hundredths of the scale."""
    return 100 * abs(one.value - other.value) / metric.spec.scale.span


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_neighbours_order_and_workers_do_not_matter(path: Path) -> None:
    alone = auricle.assess(path).scores[0]
    forwards = auricle.assess(EXAMPLES, jobs=2)
    backwards = auricle.assess(EXAMPLES[::-1], jobs=1)
    for report in (forwards, backwards):
        (same,) = (result.score for result in report if result.path == str(path))
        assert same == alone


def test_python_and_command_line_agree() -> None:
    command = [sys.executable, "-m", "auricle", "score", "examples", "--format", "jsonl"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert rows == [to_row(result) for result in auricle.assess("examples")]


def test_training_features_are_what_inference_hears(
    metric: QualityMetric, write: Write, tmp_path: Path
) -> None:
    from auricle.data.features import write_features
    from auricle.data.manifest import Clip

    bundle = find_bundle(metric.spec.name)
    seconds = bundle.config.segment
    path = write("clip.flac", make_music(seconds))
    clip = Clip("clip", "r", "s", "r.flac", "test", "", path.name, label=3.0)
    front_end: LogMel = bundle.config.front_end.build()
    features = write_features([clip], tmp_path, tmp_path / "features", front_end, seconds=seconds)
    log_mel = np.asarray(features.log_mel[0], dtype=np.float32)
    mean = bundle.calibration.correct(metric.run_network(log_mel).mean)
    scored = (metric.score_file(path).value - metric.spec.scale.low) / metric.spec.scale.span
    # Features are kept in half precision: a hundredth of a point, not more.
    assert 100 * mean == pytest.approx(100 * scored, abs=0.05)


@settings(deadline=None, max_examples=10)
@given(gain=st.floats(-6.0, 6.0), seed=st.integers(0, 5), name=st.sampled_from(NAMES))
def test_gain_moves_a_score_by_less_than_a_point(gain: float, seed: int, name: str) -> None:
    metric = auricle.load(name)
    samples = make_music(4.0, seed) * np.float32(0.5)
    changed = samples * np.float32(10 ** (gain / 20))
    assert count_points(metric, metric(changed, RATE), metric(samples, RATE)) < 1.0


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
@pytest.mark.parametrize("rate", [44100, 96000])
def test_conversion_moves_a_score_by_less_than_a_point(
    metric: QualityMetric, path: Path, rate: int
) -> None:
    audio = read_audio(path, sample_rate=48000)
    converted = resample(audio, rate)
    before, after = metric(audio.samples, audio.sample_rate), metric(converted.samples, rate)
    assert count_points(metric, before, after) < 1.0


def test_padding_does_not_matter(metric: QualityMetric, write: Write) -> None:
    # Whole segments more, of the same kind, leave the first ones as they were.
    samples = make_music(20.0)
    long = metric(np.tile(samples, 2), RATE)
    assert [m.score for m in long.track[:20]] == [m.score for m in metric(samples, RATE).track]


def test_torch_and_onnx_runtime_agree(metric: QualityMetric) -> None:
    torch = pytest.importorskip("torch")
    from auricle.systems.system import load_system

    bundle = find_bundle(metric.spec.name)
    system = load_system(bundle)
    log_mel = bundle.config.front_end.build()(make_music(5.0))
    with torch.no_grad():
        expected = system(torch.from_numpy(log_mel[np.newaxis]))
    mean, log_variance, track, *_ = metric.run_network(log_mel)
    assert abs(mean - expected.mean.item()) < 1e-4
    assert np.max(np.abs(track - expected.track[0].numpy())) < 1e-4
    sigma = np.exp(0.5 * expected.log_variance.item())
    assert abs(np.exp(0.5 * log_variance) - sigma) < 1e-4


@pytest.mark.parametrize(
    "ladder", [("mp3:32k", "mp3:128k"), ("opus:24k", "opus:128k"), ("lowpass:3500", "lowpass:9000")]
)
def test_harder_degradation_never_scores_better(
    metric: QualityMetric, ladder: tuple[str, str]
) -> None:
    music = Audio.from_array(make_music(10.0), RATE)
    hard, soft = (
        metric(apply_process(music, parse_process(process)).samples, RATE) for process in ladder
    )
    margin = (soft.interval[1] - soft.interval[0]) / 2
    assert hard.value <= soft.value + margin


def test_long_files_run_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    write_audio(path, Audio.from_array(np.tile(make_music(10.0), 60), RATE), bits=16)
    code = (
        "import auricle, re;"
        f"score = auricle.assess({str(path)!r}).scores[0];"
        "status = open('/proc/self/status').read();"
        "print(round(score.duration), int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) // 1024)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    duration, megabytes = map(int, run.stdout.split())
    assert duration == 600
    assert megabytes < 500
