import numpy as np

from auricle.core.traces import TRACES
from auricle.data.features import LabelledClip
from auricle.data.targets import find_targets
from auricle.systems.config import LabelScale

SCALE = LabelScale(low=1.0, high=5.0)


def clip(process: str, label: float = 3.0, **more: object) -> LabelledClip:
    return LabelledClip("a", "r", "s", "train", label, process, **more)  # type: ignore[arg-type]


def test_traces_say_what_was_done_and_at_which_rate() -> None:
    traces = find_targets([clip("mp3:64k+lowpass:5000+mp3:32k")], SCALE).traces[0]
    found = dict(zip(TRACES, traces.tolist(), strict=True))
    assert found["lossy"] == found["mp3"] == [1.0, np.float32(np.log2(32000))]
    assert found["lowpass"] == [1.0, np.float32(np.log2(5000))]
    assert found["opus"][0] == 0.0
    assert np.isnan(found["opus"][1])


def test_a_lower_sample_rate_counts_as_a_low_pass() -> None:
    traces = find_targets([clip("resample:16000")], SCALE).traces[0]
    found = dict(zip(TRACES, traces.tolist(), strict=True))
    assert found["lowpass"] == [1.0, np.float32(np.log2(8000))]
    assert found["lossy"][0] == 0.0


def test_what_nobody_knows_is_not_taught() -> None:
    clean, coded = find_targets([clip("", kbps=128.0), clip("opus:32k", kbps=128.0)], SCALE).traces
    assert np.isnan(clean[0, 0])
    assert np.isnan(clean[TRACES.index("vorbis"), 0])
    assert coded[0, 0] == 1.0
    assert np.isnan(coded[TRACES.index("vorbis"), 0])
    assert find_targets([clip("")], SCALE).traces[0, 0, 0] == 0.0


def test_rates_count_by_the_channel() -> None:
    mono, stereo = find_targets([clip("aac:64k"), clip("aac:128k", channels=2)], SCALE).traces
    np.testing.assert_array_equal(mono, stereo)


def test_quality_follows_similarity_over_time() -> None:
    clips = [
        clip("", 2.0, similarity=(0.5, 0.5, 0.5, 0.5)),
        clip("", 3.0, similarity=(0.4, 0.8, 0.8, 0.4)),
        clip("", 4.0, similarity=(0.9, 0.9, 0.9, 0.9)),
        clip("", 1.0),
    ]
    targets = find_targets(clips, SCALE)
    np.testing.assert_allclose(targets.quality, [0.25, 0.5, 0.75, 0.0])
    np.testing.assert_allclose(targets.course.mean(axis=1), targets.quality, atol=1e-6)
    assert targets.course[1, 1] > targets.course[1, 0] + 0.1
    assert np.ptp(targets.course[3]) == 0.0
