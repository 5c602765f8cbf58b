import numpy as np
import pytest

from auricle import Audio
from auricle.core.errors import InputError


def test_integers_are_scaled_to_full_scale() -> None:
    audio = Audio.from_array(np.array([-32768, 0, 16384], dtype=np.int16), 8000)
    assert audio.samples.tolist() == [[-1.0, 0.0, 0.5]]


def test_samples_cannot_be_changed() -> None:
    audio = Audio.from_array([0.0, 1.0], 8000)
    with pytest.raises(ValueError, match="read-only"):
        audio.samples[0, 0] = 1.0


def test_the_callers_array_stays_its_own() -> None:
    mine = np.zeros((1, 4), dtype=np.float32)
    audio = Audio.from_array(mine, 8000)
    mine[0, 0] = 1.0
    assert audio.samples[0, 0] == 0.0


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros((1, 2, 3)), 8000, "shape"),
        (np.zeros((4800, 2)), 8000, "transpose"),
        (np.zeros(8), 0, "positive"),
        (np.zeros(8, dtype=np.uint8), 8000, "signed"),
        (np.zeros((0, 8)), 8000, "shape"),
    ],
)
def test_what_is_no_audio_is_refused(samples: object, rate: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Audio.from_array(samples, rate)  # type: ignore[arg-type]


def test_mono_is_the_mean() -> None:
    audio = Audio.from_array([[1.0, 0.0], [0.0, 0.5]], 8000)
    assert audio.mono().samples.tolist() == [[0.5, 0.25]]
