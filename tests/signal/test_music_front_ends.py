import json
from pathlib import Path

import numpy as np
import pytest
from tests.encoders.drawn import draw_music

from auricle.core.errors import SignalError
from auricle.signal.music_front_ends import AisfxMel, M2dMel, MuqMel

GOLDEN = Path(__file__).parents[1] / "golden" / "encoders"
FRONT_ENDS = [MuqMel(), M2dMel(), M2dMel(sample_rate=32000), AisfxMel()]


def test_muq_mel_is_that_of_its_published_code() -> None:
    golden = json.loads((GOLDEN / "muq.json").read_text())
    mel = MuqMel()(draw_music(0.63, 24000, 3))
    np.testing.assert_allclose(mel[::9, ::5], golden["mel"], atol=5e-5)


def test_m2d_mel_is_that_of_the_portable_runtime() -> None:
    for case in json.loads((GOLDEN / "m2d.json").read_text())["cases"].values():
        front_end = M2dMel(sample_rate=case["rate"])
        mel = front_end(draw_music(case["seconds"], case["rate"], 4))
        np.testing.assert_allclose(mel[::11, ::5], case["mel"], atol=5e-5)


def test_aisfx_mel_is_essentias() -> None:
    golden = json.loads((GOLDEN / "aisfx.json").read_text())
    mel = AisfxMel()(draw_music(2.33, 44100, 5))
    np.testing.assert_allclose(mel[::9, ::4], golden["steps"], atol=5e-6)


@pytest.mark.parametrize(
    ("front_end", "samples", "steps"),
    [
        (MuqMel(), 24000, 100),
        (MuqMel(), 24239, 100),
        (M2dMel(), 16000, 101),
        (M2dMel(), 16159, 101),
        # Steps of aisfx as counted from Essentia 2.1b6: centred frames until the end is passed.
        (AisfxMel(), 1, 2),
        (AisfxMel(), 1024, 2),
        (AisfxMel(), 1025, 3),
        (AisfxMel(), 10240, 11),
        (AisfxMel(), 10241, 12),
    ],
)
def test_steps_are_as_many_as_published(front_end: MuqMel, samples: int, steps: int) -> None:
    assert front_end(np.zeros(samples, np.float32)).shape[0] == steps


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_silence_and_long_clips_are_finite_float32(front_end: MuqMel) -> None:
    for samples in (np.zeros(front_end.sample_rate), draw_music(1.5, front_end.sample_rate, 0)):
        mel = front_end(samples.astype(np.float32))
        assert mel.dtype == np.float32
        assert np.isfinite(mel).all()


def test_digital_silence_of_aisfx_is_zero() -> None:
    assert not AisfxMel()(np.zeros(4096, np.float32)).any()


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_what_is_no_clip_is_refused(front_end: MuqMel) -> None:
    with pytest.raises(SignalError, match=r"\[time\]"):
        front_end(np.zeros((2, 48000), np.float32))
    with pytest.raises(SignalError, match="too few"):
        front_end(np.zeros(0, np.float32))


@pytest.mark.parametrize(("front_end", "shortest"), [(MuqMel(), 1025), (M2dMel(), 201)])
def test_the_shortest_clip_is_what_can_be_mirrored(front_end: MuqMel, shortest: int) -> None:
    clip = draw_music(0.1, front_end.sample_rate, 1)
    assert len(front_end(clip[:shortest])) == len(clip[:shortest]) // front_end.hop + (
        front_end.hop == 160
    )
    with pytest.raises(SignalError, match=f"at least {shortest}"):
        front_end(clip[: shortest - 1])
