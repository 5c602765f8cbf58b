"""Histories: what runtime makes of them, and where bands end."""

from dataclasses import replace

import numpy as np
import pytest
from tests.conftest import RATE, make_music

from auricle.core.errors import BundleError
from auricle.core.traces import TRACES
from auricle.signal.spectra import LogMel
from auricle.systems.bundle import Bundle, save_bundle
from auricle.systems.history import find_band_edge, read_history, sigmoid
from auricle.systems.runtime import QualityMetric


@pytest.fixture(scope="module")
def metric(told: Bundle) -> QualityMetric:
    return QualityMetric(told)


def test_a_history_is_the_mean_of_its_segments_as_torch_sees_them(
    told: Bundle, metric: QualityMetric
) -> None:
    torch = pytest.importorskip("torch")
    from auricle.systems.system import load_system

    # Two whole segments and one that is half new.
    samples = make_music(2.5)
    front_end = told.config.front_end.build()
    parts = [samples[start : start + RATE] for start in (0, RATE, 3 * RATE // 2)]
    with torch.no_grad():
        answer = load_system(told)(torch.from_numpy(np.stack([front_end(p) for p in parts])))
    expected = np.average(answer.history.numpy(), axis=0, weights=[1.0, 1.0, 0.5])
    history = metric(samples, RATE).history
    assert history is not None
    assert len({trace.name for trace in history.traces}) == len(TRACES)
    lossy = sigmoid(expected[TRACES.index("lossy"), 0]).item()
    for trace in history.traces:
        alone = sigmoid(expected[TRACES.index(trace.name), 0]).item()
        told_as = alone if trace.name == "lowpass" else min(alone, lossy)
        assert trace.probability == pytest.approx(told_as, abs=1e-3)
    assert history.lossy == next(t.probability for t in history.traces if t.name == "lossy")
    assert history.verdict == ("lossy" if history.lossy > 0.6 else "no trace")
    means = np.array([told.calibration.correct(mean) for mean in answer.mean.tolist()])
    value = 100 * np.average(means, weights=[1.0, 1.0, 0.5])
    assert metric(samples, RATE).value == pytest.approx(value, abs=0.01)


def test_the_order_of_segments_does_not_matter(metric: QualityMetric) -> None:
    one, other = make_music(1.0, 1), make_music(1.0, 2)
    forwards = metric(np.concatenate([one, other]), RATE).history
    backwards = metric(np.concatenate([other, one]), RATE).history
    assert forwards == backwards
    assert metric(one, RATE).history != metric(other, RATE).history


def test_a_correction_moves_score_track_and_interval_alike(
    told: Bundle, metric: QualityMetric
) -> None:
    plain = QualityMetric(
        replace(told, calibration=told.calibration.model_copy(update={"correction": None}))
    )
    samples = make_music(1.0)
    before, after = plain(samples, RATE), metric(samples, RATE)
    assert after.value == pytest.approx(100 * told.calibration.correct(before.value / 100))
    assert [moment.score for moment in after.track] == pytest.approx(
        [100 * told.calibration.correct(moment.score / 100) for moment in before.track]
    )
    assert after.interval[0] <= after.value <= after.interval[1]
    assert after.history == before.history


def test_systems_without_history_tell_none(untold: Bundle, metric: QualityMetric) -> None:
    plain = QualityMetric(untold)
    assert (metric.tells_history, plain.tells_history) == (True, False)
    samples = make_music(1.0)
    assert plain(samples, RATE) == replace(metric(samples, RATE), history=None)


def test_traces_of_another_version_are_refused(told: Bundle) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(told.onnx)
    (node,) = (node for node in model.graph.node if "history" in node.output)
    node.output[0] = "all"
    model.graph.node.append(onnx.helper.make_node("Gather", ["all", "few"], ["history"], axis=1))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.arange(3), "few"))
    (history,) = (output for output in model.graph.output if output.name == "history")
    history.type.tensor_type.shape.dim[1].dim_value = 3
    folder = told.folder.with_name("other")
    other = save_bundle(folder, told.config, told.calibration, onnx=model.SerializeToString())
    with pytest.raises(BundleError, match="another history"):
        QualityMetric(other)


@pytest.mark.parametrize(("logit", "threshold", "verdict"), [
    (0.1, None, "lossy"), (-0.1, None, "no trace"), (0.1, 0.6, "no trace"), (50.0, 1.0, "no trace"),
])  # fmt: skip
def test_the_threshold_decides(logit: float, threshold: float | None, verdict: str) -> None:
    told = np.full((len(TRACES), 2), -5.0)
    told[0, 0] = logit
    history = read_history(told, threshold, 20_000.0)
    assert history.verdict == verdict
    assert history.codec is None


def test_no_codec_is_likelier_than_lossy_coding() -> None:
    told = np.full((len(TRACES), 2), -3.0)
    told[:, 0] = [3.0, 4.0, 5.0, 1.0, -1.0, -2.0, 6.0]
    history = read_history(told, 0.9, 20_000.0)
    assert max(t.probability for t in history.traces if t.name != "lowpass") == history.lossy
    assert [t.name for t in history.traces] == [
        *("lowpass", "mp3", "mp2", "lossy", "aac", "vorbis", "opus")
    ]
    assert history.codec is not None
    assert history.codec.name == "mp3"
    assert history.threshold == 0.9


def test_rates_are_octaves_in_round_numbers() -> None:
    told = np.zeros((len(TRACES), 2))
    told[:, 1] = [-40.0, 10.0, *np.log2([15_000.0, 64_000.0, 100_000.0, 160_000.0]), 99.0]
    rates = {trace.name: trace.rate for trace in read_history(told, None, 0.0).traces}
    assert rates == {
        "lossy": (1000, 2000),
        "mp2": (1000, 2000),
        "mp3": (12_000, 24_000),
        "aac": (48_000, 96_000),
        "vorbis": (64_000, 128_000),
        "opus": (128_000, 256_000),
        "lowpass": (256_000, 512_000),
    }


@pytest.mark.parametrize("edge", [4000, 11_000, 16_000, 16_150, 18_500, 20_000, 22_000])
@pytest.mark.parametrize("front_end", [LogMel(), LogMel(hop=512, range_db=90.0)], ids=str)
def test_steep_edges_are_met(edge: int, front_end: LogMel) -> None:
    for samples in (np.random.default_rng(0).normal(0.0, 0.1, 3 * RATE), make_music(3.0)):
        spectrum = np.fft.rfft(samples)
        spectrum[3 * edge :] = 0.0
        limited = np.fft.irfft(spectrum).astype(np.float32)
        found = find_band_edge(front_end(limited), front_end)
        assert found == pytest.approx(edge, abs=250)


def test_full_and_empty_bands() -> None:
    front_end = LogMel()
    noise = np.random.default_rng(0).normal(0.0, 0.1, RATE).astype(np.float32)
    assert find_band_edge(front_end(noise), front_end) == 24_000.0
    assert find_band_edge(np.zeros((9, 256), dtype=np.float32), front_end) == 0.0


def test_a_spectrum_that_reaches_the_ceiling_ends_there() -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.1, 96_000).astype(np.float32)
    for ceiling, end in ((20_000.0, 20_000.0), (None, 24_000.0)):
        front_end = LogMel(hop=512, ceiling=ceiling)
        assert find_band_edge(front_end(noise), front_end) == end
