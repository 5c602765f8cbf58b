"""Metrics with a reference: what holds for all of them, and what each of them says."""

import csv
import importlib.util
import math
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.conftest import make_music

from auricle.catalog import REFERENCE_CATALOG, load_reference_metric
from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, LabelError, MissingDependencyError, SignalError
from auricle.reference.base import ReferenceMetric, import_engine
from auricle.reference.haaqi import Haaqi
from auricle.reference.peaq import Peaq
from auricle.reference.zimtohrli import Zimtohrli
from auricle.signal.io import read_audio
from auricle.signal.resample import resample

RATE = 48000
NAMES = ("visqol", "pesq", "stoi", "estoi", "log-spectral")
IDENTITY = {"visqol": 4.732, "pesq": 4.644, "stoi": 1.0, "estoi": 1.0, "log-spectral": 0.0}


def make_speech(seconds: float, rate: int = RATE, pause: float = 0.4) -> NDArray[np.float64]:
    """Noise of a falling spectrum in syllables, with a pause after every 0.8 s: enough for VADs."""
    rng = np.random.default_rng(5)
    size = round(seconds * rate)
    spectrum = np.fft.rfft(rng.standard_normal(size))
    hertz = np.fft.rfftfreq(size, 1 / rate)
    noise = np.fft.irfft(spectrum / (1.0 + hertz / 500.0), size)
    time = np.arange(size) / rate
    syllables = np.sin(2 * np.pi * 2.5 * time) ** 2 * (time % (0.8 + pause) < 0.8)
    return 0.3 * noise / np.abs(noise).max() * (syllables + 1e-4)


def make_bursts(seconds: float, on: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """White noise for `on` of every half second at 16 kHz, and the same with a little more."""
    rng = np.random.default_rng(0)
    time = np.arange(round(16000 * seconds)) / 16000
    bursts = 0.1 * rng.standard_normal(time.size) * (time % 0.5 < on)
    return bursts, bursts + 1e-3 * rng.standard_normal(time.size)


SPEECH = make_speech(3.0)
NOISE = np.random.default_rng(9).standard_normal(SPEECH.size)


def audio(samples: NDArray[np.float64], rate: int = RATE) -> Audio:
    return Audio.from_array(samples, rate)


def value(metric: str, degraded: NDArray[np.float64]) -> float:
    return load_reference_metric(metric)(audio(SPEECH), audio(degraded)).value


@pytest.mark.parametrize("name", NAMES)
def test_more_noise_is_never_better_and_nothing_beats_identity(name: str) -> None:
    metric = load_reference_metric(name)
    ladder = [value(name, SPEECH + level * NOISE) for level in (0.0, 0.001, 0.01, 0.1)]
    assert ladder[0] == pytest.approx(IDENTITY[name], abs=1e-3)
    sign = 1.0 if metric.spec.scale.higher_is_better else -1.0
    assert np.all(np.diff(ladder) * sign < 0.0)
    scale = metric.spec.scale
    assert all(scale.low <= score <= scale.high + 1e-9 for score in ladder)


@pytest.mark.parametrize("name", NAMES)
def test_the_score_has_the_metrics_scale_and_no_interval(name: str) -> None:
    metric = load_reference_metric(name)
    score = metric(audio(SPEECH), audio(SPEECH))
    assert (score.interval, score.track, score.worst) == ((), (), None)
    assert math.isnan(score.sigma)
    assert (score.metric, score.scale) == (metric.spec.full_name, metric.spec.scale)
    assert score.duration == pytest.approx(3.0)
    assert score.warnings == ()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shift", [2400, -2400])
def test_a_delay_of_50_ms_is_removed_and_told(name: str, shift: int) -> None:
    noisy = SPEECH + 0.01 * NOISE
    moved = np.concatenate((np.zeros(shift), noisy)) if shift > 0 else noisy[-shift:]
    score = load_reference_metric(name)(audio(SPEECH), audio(moved))
    (notice,) = score.warnings
    assert notice.kind == "delayed"
    assert f"50.0 ms {'late' if shift > 0 else 'early'}" in notice.message
    # Cut to what they share: without its first 50 ms where the noisy one begins late.
    start = max(-shift, 0)
    expected = load_reference_metric(name)(audio(SPEECH[start:]), audio(noisy[start:])).value
    assert score.value == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_stereo_is_compared_as_its_mean(name: str) -> None:
    noisy = SPEECH + 0.01 * NOISE
    left_and_right = np.stack((noisy + 0.02 * SPEECH, noisy - 0.02 * SPEECH))
    score = load_reference_metric(name)(audio(SPEECH), audio(left_and_right))
    assert score.value == pytest.approx(value(name, noisy), abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_reference_of_another_rate(name: str) -> None:
    narrow = resample(audio(SPEECH), 16000)
    metric = load_reference_metric(name)
    there, back = metric(audio(SPEECH), narrow), metric(narrow, audio(SPEECH))
    told = [notice.kind for notice in there.warnings]
    assert told == [notice.kind for notice in back.warnings]
    if metric.spec.sample_rate <= 16000:
        assert told == []
        assert there.value == pytest.approx(IDENTITY[name], abs=0.02)
    else:
        assert told == ["rates_differ"]
        assert there.value != pytest.approx(IDENTITY[name], abs=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_matters(name: str) -> None:
    noisy = audio(SPEECH + 0.03 * NOISE)
    metric = load_reference_metric(name)
    there, back = metric(audio(SPEECH), noisy), metric(noisy, audio(SPEECH))
    assert there.value != pytest.approx(back.value, rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_compared(name: str) -> None:
    metric = load_reference_metric(name)
    speech, silence = audio(SPEECH), audio(np.zeros(SPEECH.size))
    with pytest.raises(SignalError, match="the reference is silent"):
        metric(silence, speech)
    with pytest.raises(SignalError, match="the degraded recording is silent"):
        metric(speech, silence)
    with pytest.raises(SignalError, match="channels cancel"):
        metric(speech, audio(np.stack((SPEECH, -SPEECH))))
    broken = SPEECH.copy()
    broken[100] = np.nan
    with pytest.raises(SignalError, match=r"the degraded recording cannot be compared: .*finite"):
        metric(speech, audio(broken))
    short = audio(SPEECH[: round(0.9 * metric.spec.shortest * RATE)])
    with pytest.raises(SignalError, match=r"the reference lasts .* needs at least"):
        metric(short, speech)


def test_lengths_that_differ_are_told() -> None:
    metric = load_reference_metric("log-spectral")
    longer = np.concatenate((SPEECH, np.zeros(RATE + 4800)))
    score = metric(audio(SPEECH), audio(longer))
    assert [notice.kind for notice in score.warnings] == ["lengths_differ"]
    assert (score.value, score.duration) == (0.0, pytest.approx(3.0))
    half = np.concatenate((SPEECH, np.zeros(RATE // 2)))
    assert metric(audio(SPEECH), audio(half)).warnings == ()


def test_a_part_that_is_silent_in_one_only() -> None:
    # All that the second recording shares with the first is silence.
    late = np.concatenate((np.zeros(5 * RATE), SPEECH))
    with pytest.raises(SignalError, match="is silent where the other is not"):
        load_reference_metric("log-spectral")(audio(SPEECH), audio(late))


def test_pesq_is_the_packages_own_answer() -> None:
    # The package publishes 1.0832337141036987 for its own speech.wav and speech_bab_0dB.wav
    # (README of the repository ludlows/PESQ); this adapter gave the same digits.
    pesq = pytest.importorskip("pesq").pesq
    clean = resample(audio(SPEECH), 16000).samples[0]
    noisy = clean + np.float32(0.01) * NOISE[: clean.size].astype(np.float32)
    score = load_reference_metric("pesq")(audio(clean, 16000), audio(noisy, 16000))
    assert score.value == pytest.approx(pesq(16000, clean, noisy, "wb"), abs=1e-6)


def test_pesq_survives_what_its_engine_does_not() -> None:
    # Bursts of 0.25 s every half second are more utterances than the C program has room for.
    bursts, noisy = make_bursts(30.0, 0.25)
    with pytest.raises(LabelError, match="50 utterances"):
        load_reference_metric("pesq")(audio(bursts, 16000), audio(noisy, 16000))
    long = np.tile(SPEECH[::3], 11)
    with pytest.raises(SignalError, match=r"33\.0 s: PESQ judges up to 30 s"):
        load_reference_metric("pesq")(audio(long, 16000), audio(long, 16000))


def test_pesq_needs_utterances() -> None:
    clicks, noisy = make_bursts(4.0, 0.05)
    with pytest.raises(SignalError, match="no utterance"):
        load_reference_metric("pesq")(audio(clicks, 16000), audio(noisy, 16000))


@pytest.mark.parametrize("extended", [False, True])
def test_stoi_is_the_packages_own_answer(extended: bool) -> None:
    # Resampled by soxr, not by the package's filter: that is all that differs.
    stoi = pytest.importorskip("pystoi").stoi
    clean = resample(audio(SPEECH), 16000).samples[0].astype(np.float64)
    noisy = clean + 0.03 * NOISE[: clean.size]
    metric = load_reference_metric("estoi" if extended else "stoi")
    expected = stoi(clean, noisy, 16000, extended=extended)
    assert 0.2 < expected < 0.95
    score = metric(audio(clean, 16000), audio(noisy, 16000))
    assert score.value == pytest.approx(expected, abs=1e-3)


def test_stoi_needs_enough_that_is_not_silent() -> None:
    burst = np.zeros(2 * RATE)
    burst[: RATE // 5] = SPEECH[: RATE // 5]
    with pytest.raises(SignalError, match="within 40 dB"):
        load_reference_metric("stoi")(audio(burst), audio(burst))


def test_the_log_spectral_distance_is_its_definition() -> None:
    first, second = 0.1 * NOISE[:RATE], SPEECH[:RATE]
    window = np.sin(np.pi * np.arange(2048) / 2048) ** 2
    levels = []
    for signal in (first, second):
        single = signal.astype(np.float32)
        frames = [single[i : i + 2048] * window for i in range(0, RATE - 2047, 512)]
        levels.append(20 * np.log10(np.abs(np.fft.rfft(frames)) + 1e-30))
    floor = levels[0].max() - 80.0
    apart = np.maximum(levels[0], floor) - np.maximum(levels[1], floor)
    expected = np.sqrt((apart**2).mean(axis=1)).mean()
    metric = load_reference_metric("log-spectral")
    measured = metric._measure(audio(first), audio(second))
    assert measured == pytest.approx(expected, rel=1e-5)


def test_published_values_of_visqol_through_the_common_door(data_folder: Path) -> None:
    # Most of these pairs are misaligned by tens of ms: removing that moves a value a little.
    folder = data_folder / "visqol_conformance"
    with (folder / "expected.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["mode"] == "audio"][:4]
    assert len(rows) == 4
    for row in rows:
        pair = (read_audio(folder / row[key]) for key in ("reference", "degraded"))
        score = load_reference_metric("visqol")(*pair)
        assert score.value == pytest.approx(float(row["moslqo"]), abs=0.003)


def test_zimtohrli_is_the_packages_own_answer() -> None:
    engine = pytest.importorskip("zimtohrli")
    metric = load_reference_metric("zimtohrli")
    noisy = SPEECH + 0.003 * NOISE
    expected = engine.mos_from_signals(SPEECH.astype(np.float32), noisy.astype(np.float32))
    assert metric(audio(SPEECH), audio(noisy)).value == pytest.approx(expected, abs=1e-6)
    assert metric(audio(SPEECH), audio(SPEECH)).value == 5.0
    assert metric(audio(SPEECH), audio(SPEECH + 0.03 * NOISE)).value < expected < 5.0
    short = audio(SPEECH[:5000])
    with pytest.raises(SignalError, match=r"at least 0\.25 s"):
        metric(short, short)


@pytest.mark.skipif(importlib.util.find_spec("zimtohrli") is not None, reason="it is installed")
def test_without_zimtohrli_the_error_says_what_to_install() -> None:
    with pytest.raises(ConfigError, match="pip install zimtohrli"):
        Zimtohrli()


def test_haaqi_falls_with_noise() -> None:
    pytest.importorskip("clarity")
    metric = load_reference_metric("haaqi")
    try:
        ladder = [value("haaqi", SPEECH + level * NOISE) for level in (0.0, 0.001, 0.1)]
    except LabelError as error:
        pytest.skip(str(error))
    assert 1.0 > ladder[0] > ladder[1] > ladder[2] > 0.0
    louder = audio(2.0 * SPEECH), audio(2.0 * (SPEECH + 0.001 * NOISE))
    assert metric(*louder).value == pytest.approx(ladder[1], abs=1e-6)


def test_peaq_falls_with_noise() -> None:
    if shutil.which("peaq") is None:
        pytest.skip("there is no program peaq")
    metric = load_reference_metric("peaq")
    music = make_music(4.0).astype(np.float64)
    noise = np.random.default_rng(1).standard_normal(music.size)
    ladder = [
        metric(audio(music), audio(music + level * noise)).value for level in (0.0, 1e-4, 0.01)
    ]
    assert 0.3 > ladder[0] > ladder[1] > ladder[2] >= -4.0
    # Both are attenuated together: full scale would clip one of them.
    loud = [audio(3.0 * music), audio(3.0 * (music + 0.01 * noise))]
    assert -4.0 <= metric(*loud).value < ladder[1]


def test_a_peaq_that_never_ends_is_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "peaq"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("auricle.reference.peaq._PATIENCE", 0.2)
    music = audio(make_music(1.0))
    with pytest.raises(LabelError, match="peaq did not end within 1 s"):
        Peaq()(music, music)


def test_without_peaq_and_haaqi_the_errors_say_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="the program peaq of GstPEAQ"):
        Peaq()
    monkeypatch.setitem(sys.modules, "clarity.evaluator.haaqi.haaqi", None)
    with pytest.raises(ConfigError, match="pip install pyclarity"):
        Haaqi()


def test_without_the_extra_the_error_says_what_to_install() -> None:
    with pytest.raises(MissingDependencyError, match=r"auricle\[reference\]"):
        import_engine("no_such_engine", "no-such-engine")


def test_every_metric_says_what_it_is() -> None:
    assert len(REFERENCE_CATALOG) == 8
    for name, metric in REFERENCE_CATALOG.items():
        assert issubclass(metric, ReferenceMetric)
        assert (metric.spec.full_name, metric.spec.needs_reference) == (name, True)
        assert metric.spec.citation
        assert metric.spec.licence


def test_music_of_several_channels_is_told() -> None:
    music = make_music(1.0).astype(np.float64)
    score = load_reference_metric("log-spectral")(audio(music), audio(np.stack([music] * 6)))
    downmixed, differ = score.warnings
    assert (score.value, downmixed.kind) == (pytest.approx(0.0, abs=1e-3), "downmixed")
    assert downmixed.message.startswith("the degraded recording: 6 channels")
    assert (differ.kind, differ.message) == (
        "channels_differ",
        "1 and 6 channels: mono means are compared",
    )
