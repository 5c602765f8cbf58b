"""Metrics that judge by distance: what they promise whatever the weights are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.conftest import make_music
from tests.distances import make_bundle

from auricle.core.audio import Audio
from auricle.core.errors import BundleError, ConfigError, SignalError
from auricle.core.score import Score
from auricle.signal.resample import resample
from auricle.systems.bundle import DistanceBundle, save_distance_bundle
from auricle.systems.distance_bank import Bank, read_bank, save_bank
from auricle.systems.distance_runtime import DistanceMetric

RATE = 48000
MUSIC = make_music(5.3)
NOISE = np.random.default_rng(3).normal(0.0, 1.0, MUSIC.size)
Samples = NDArray[np.floating]


@pytest.fixture(scope="module")
def metric(distance_bundle: DistanceBundle) -> DistanceMetric:
    return DistanceMetric(distance_bundle)


def audio(samples: object, rate: int = RATE) -> Audio:
    return Audio.from_array(samples, rate)  # type: ignore[arg-type]


def kinds(score: Score) -> list[str]:
    return [notice.kind for notice in score.warnings]


def test_what_equals_its_reference_is_at_the_top(metric: DistanceMetric) -> None:
    for samples in (MUSIC, np.stack([MUSIC, 0.5 * NOISE * MUSIC]), MUSIC[: RATE // 2 + 7]):
        score = metric(audio(samples), audio(samples))
        assert (score.distance, score.value, score.warnings) == (0.0, 100.0, ())
        assert {moment.score for moment in score.track} == {100.0}
        assert score.interval == pytest.approx((100.0 - 1.6449 * 5.0, 100.0))
    assert score.sigma == 5.0


def test_more_noise_is_farther_away(metric: DistanceMetric) -> None:
    levels = (0.0, 0.001, 0.01, 0.1)
    scores = [metric(audio(MUSIC), audio(MUSIC + level * NOISE)) for level in levels]
    assert (np.diff([score.distance for score in scores]) > 0.0).all()
    assert (np.diff([score.value for score in scores]) < 0.0).all()
    assert scores[2].interval[0] < scores[2].value < scores[2].interval[1]


@pytest.mark.parametrize("level", [0.0, 0.01])
def test_gain_offset_and_delay_do_not_matter(metric: DistanceMetric, level: float) -> None:
    degraded = MUSIC + level * NOISE
    expected = metric(audio(MUSIC), audio(degraded)).value
    lead = np.zeros(2400)
    others = {
        "gain": 0.5 * degraded,
        "polarity": -degraded,
        "offset": degraded + 0.01,
        "one sample": degraded[1:],
        "50 ms": np.concatenate([lead, degraded]),
        "early": degraded[2400:],
    }
    for name, samples in others.items():
        assert metric(audio(MUSIC), audio(samples)).value == pytest.approx(expected, abs=1.0), name


def test_another_sample_rate_hardly_matters(metric: DistanceMetric) -> None:
    there = resample(audio(MUSIC), 44100)
    score = metric(audio(MUSIC), there)
    assert kinds(score) == ["rates_differ"]
    assert score.value > 99.0
    assert metric(audio(MUSIC), resample(there, RATE)).value > 99.0


def test_a_delay_is_cut_off_at_the_recordings_own_rate(tmp_path: Path) -> None:
    # Half a sample at 24 kHz could not be: this encoder hears waveforms.
    metric = DistanceMetric(make_bundle(tmp_path / "b", "mert", onnx=False))
    assert metric(audio(MUSIC), audio(MUSIC[1:])).value > 99.0
    assert metric(audio(MUSIC), audio(MUSIC + 0.1 * NOISE)).value < 99.0


def test_two_equal_channels_are_one(metric: DistanceMetric) -> None:
    noisy = MUSIC + 0.01 * NOISE
    mono = metric(audio(MUSIC), audio(noisy))
    stereo = metric(audio([MUSIC, MUSIC]), audio([noisy, noisy]))
    assert stereo.distance == pytest.approx(mono.distance, rel=1e-5)
    assert stereo.value == pytest.approx(mono.value, abs=1e-3)
    assert kinds(stereo) == []


def test_mono_beside_stereo_counts_as_two_equal_channels(metric: DistanceMetric) -> None:
    noisy = MUSIC + 0.01 * NOISE
    wide = audio([noisy + 0.02 * MUSIC, noisy - 0.02 * MUSIC])
    score = metric(audio(MUSIC), wide)
    assert kinds(score) == ["channels_differ"]
    assert score.distance == metric(audio([MUSIC, MUSIC]), wide).distance
    back = metric(wide, audio(MUSIC))
    assert back.distance == metric(wide, audio([MUSIC, MUSIC])).distance


def test_more_channels_are_compared_as_their_mean(metric: DistanceMetric) -> None:
    told = metric(audio([MUSIC, MUSIC]), audio([MUSIC] * 6))
    assert sorted(kinds(told)) == ["channels_differ", "downmixed"]
    assert told.value == pytest.approx(100.0, abs=0.01)


def test_channels_of_opposite_polarity_are_stereo_like_any_other(metric: DistanceMetric) -> None:
    noisy = MUSIC + 0.01 * NOISE
    same = metric(audio([MUSIC, -MUSIC]), audio([MUSIC, -MUSIC]))
    assert (same.distance, same.value, kinds(same)) == (0.0, 100.0, [])
    late = np.pad(np.stack([noisy, -noisy]), ((0, 0), (2400, 0)))
    score = metric(audio([MUSIC, -MUSIC]), audio(late))
    assert kinds(score) == ["delayed"]
    # The side weighs as much as the middle does of equal channels.
    assert score.distance == pytest.approx(metric(audio(MUSIC), audio(noisy)).distance, rel=0.1)
    inverted = metric(audio([MUSIC, MUSIC]), audio([MUSIC, -MUSIC]))
    assert (inverted.distance > 0.0, kinds(inverted)) == (True, ["unalike"])
    against_mono = metric(audio(MUSIC), audio([MUSIC, -MUSIC]))
    assert against_mono.distance == inverted.distance


def test_stereo_hears_what_the_mono_mean_does_not(metric: DistanceMetric) -> None:
    other = make_music(5.3, seed=4)
    left, right = MUSIC + 0.5 * other, MUSIC - 0.5 * other
    narrow = audio([MUSIC, MUSIC])
    score = metric(audio([left, right]), narrow)
    assert score.distance > 0.0
    # Swapped channels: middle and side stay, left and right do not.
    swapped = metric(audio([left, right]), audio([right, left]))
    assert swapped.distance > 0.0


def test_views_are_weighed_by_the_greater_energy(metric: DistanceMetric) -> None:
    # A channel that one of the recordings lacks counts as much as it has in the other.
    quiet = 1e-6 * NOISE
    one = metric(audio([MUSIC, quiet]), audio([MUSIC, MUSIC]))
    other = metric(audio([MUSIC, MUSIC]), audio([MUSIC, quiet]))
    assert one.distance == pytest.approx(other.distance, rel=1e-5)
    assert one.distance > 0.0


def test_the_track_finds_the_bad_second(metric: DistanceMetric) -> None:
    hurt = MUSIC.copy()
    hurt[3 * RATE : 4 * RATE] += 0.03 * NOISE[:RATE].astype(np.float32)
    score = metric(audio(MUSIC), audio(hurt))
    assert [(m.start, m.end) for m in score.track] == [
        *((float(second), second + 1.0) for second in range(4)),
        (4.0, pytest.approx(5.3)),
    ]
    assert score.worst is not None
    assert score.worst.start == 3.0
    assert score.track[0].score > 95.0
    assert score.worst.score < score.value - 10.0
    # A line from distance to score: the mean over time is that of the track.
    means = [m.score * (m.end - m.start) for m in score.track]
    assert sum(means) / 5.3 == pytest.approx(score.value, abs=1.0)


def test_silence_of_both_is_left_out_and_of_one_is_not(metric: DistanceMetric) -> None:
    gap = np.zeros(4 * RATE, dtype=np.float32)
    noisy = (MUSIC + 0.01 * NOISE).astype(np.float32)[: 4 * RATE]
    clean = MUSIC[: 4 * RATE]
    alone = metric(audio(clean), audio(noisy))
    padded = metric(audio(np.concatenate([clean, gap])), audio(np.concatenate([noisy, gap])))
    assert kinds(padded) == ["partly_silent"]
    # Not quite: the loudness is gated by that of all.
    assert padded.distance == pytest.approx(alone.distance, rel=1e-2)
    assert max(moment.end for moment in padded.track) == 4.0
    dropout = clean.copy()
    dropout[2 * RATE :] = 0.0
    score = metric(audio(clean), audio(dropout))
    assert (score.value < 90.0, kinds(score)) == (True, ["unalike"])
    assert score.track[0].score > score.track[3].score
    with pytest.raises(SignalError, match="silent"):
        metric(audio(clean), audio(gap))


def test_too_short_and_broken(metric: DistanceMetric) -> None:
    with pytest.raises(SignalError, match="needs at least"):
        metric(audio(MUSIC[: RATE // 4]), audio(MUSIC))
    broken = MUSIC.copy()
    broken[7] = np.inf
    with pytest.raises(SignalError, match="finite"):
        metric(audio(MUSIC), audio(broken))


def test_only_windows_are_kept(metric: DistanceMetric, monkeypatch: pytest.MonkeyPatch) -> None:
    # However long a recording is, the network hears a segment at a time.
    heard: list[int] = []
    inner = metric._embed.__class__.__call__

    def listen(embedder: object, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        heard.append(samples.size)
        return inner(embedder, samples)  # type: ignore[arg-type]

    monkeypatch.setattr(metric._embed.__class__, "__call__", listen)
    long = np.tile(MUSIC, 4)
    metric(audio(long), audio(long))
    assert RATE <= min(heard) <= max(heard) == 2 * RATE
    assert sum(heard) == 2 * long.size


def make_bank(metric: DistanceMetric, number: int = 4) -> Bank:
    clean = [metric.embed(audio(make_music(3.0, seed))) for seed in range(number)]
    names = tuple(f"{seed}.flac" for seed in range(number))
    return Bank(np.array(clean), names, metric.spec.full_name, metric.model_sha256)


def test_a_bank_tells_noise_from_music(metric: DistanceMetric, tmp_path: Path) -> None:
    bank = make_bank(metric)
    save_bank(tmp_path / "new" / "bank.safetensors", bank)
    read = read_bank(tmp_path / "new" / "bank.safetensors")
    assert (read.names, read.metric, read.model_sha256) == (
        bank.names,
        "tiny-distance.v1",
        metric.model_sha256,
    )
    assert np.array_equal(read.embeddings, bank.embeddings)
    other = make_music(3.3, seed=9)
    noise = np.random.default_rng(0).normal(0.0, 0.1, other.size)
    good, bad = (metric.compare_with_bank(audio(x), read) for x in (other, noise))
    assert 0.0 < good.distance < bad.distance
    assert good.value > bad.value
    assert good.interval[0] <= good.value <= good.interval[1]
    assert good.sigma > 0.0
    assert (good.track, good.duration) == ((), pytest.approx(3.3))
    gaps = read.embeddings - metric.embed(audio(other))
    assert good.distance == pytest.approx(np.linalg.norm(gaps, axis=1).mean(), rel=1e-5)
    # Gain does not matter, and stereo is its mean.
    louder = metric.compare_with_bank(audio([2.0 * other, 2.0 * other]), read)
    assert louder.distance == pytest.approx(good.distance, rel=1e-4)


def test_banks_of_other_models_are_refused(
    metric: DistanceMetric, distance_bundle: DistanceBundle, tmp_path: Path
) -> None:
    bank = make_bank(metric, 2)
    foreign = Bank(bank.embeddings, bank.names, "else.v1", "0" * 64)
    with pytest.raises(ConfigError, match="by another model"):
        metric.compare_with_bank(audio(MUSIC), foreign)
    calibration = distance_bundle.calibration.model_copy(update={"non_matching": None})
    without = save_distance_bundle(
        tmp_path / "without",
        distance_bundle.config,
        calibration,
        weights=distance_bundle.weights,
        onnx=distance_bundle.onnx.read_bytes(),
    )
    with pytest.raises(ConfigError, match="not calibrated"):
        DistanceMetric(without).compare_with_bank(audio(MUSIC), bank)
    with pytest.raises(ConfigError, match="2 clean recordings or more"):
        make_bank(metric, 1)
    with pytest.raises(ConfigError, match="no bank of recordings"):
        read_bank(tmp_path / "none.safetensors")
    (tmp_path / "odd.safetensors").write_bytes(b"{}")
    with pytest.raises(ConfigError, match="auricle bank build"):
        read_bank(tmp_path / "odd.safetensors")


def test_a_front_end_of_another_rate_is_noticed(
    distance_bundle: DistanceBundle, tmp_path: Path
) -> None:
    config = distance_bundle.config.model_copy(update={"sample_rate": 44100})
    other = save_distance_bundle(
        tmp_path / "b", config, distance_bundle.calibration, weights=distance_bundle.weights
    )
    with pytest.raises(BundleError, match="do not fit its encoder"):
        DistanceMetric(other)
