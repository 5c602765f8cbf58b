import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.core.errors import SignalError
from auricle.signal.loudness import integrated_loudness, normalise_loudness

# EBU Tech 3341 (2016), table 1: stereo sine, 1 kHz.
CASES = [(-23.0, -23.0), (-33.0, -33.0)]


@pytest.mark.parametrize(("level", "loudness"), CASES)
def test_the_minimum_requirements_of_ebu_3341(level: float, loudness: float) -> None:
    tone = 10 ** (level / 20) * np.sin(2 * np.pi * 1000 * np.arange(20 * 48000) / 48000)
    assert integrated_loudness(Audio.from_array([tone, tone], 48000)) == pytest.approx(
        loudness, abs=0.1
    )


def test_the_gates_of_ebu_3341_case_3() -> None:
    # 10 s at -36, 60 s at -23, 10 s at -36 dBFS: the quiet parts are gated out, -23.0 +-0.1 LUFS.
    time = np.arange(48000 * 80) / 48000
    level = np.where((time >= 10) & (time < 70), -23.0, -36.0)
    tone = 10 ** (level / 20) * np.sin(2 * np.pi * 1000 * time)
    assert integrated_loudness(Audio.from_array([tone, tone], 48000)) == pytest.approx(
        -23.0, abs=0.1
    )


def test_normalising_reaches_the_target(music: Audio) -> None:
    assert integrated_loudness(normalise_loudness(music)) == pytest.approx(-23.0, abs=0.01)


@pytest.mark.parametrize("samples", [np.zeros(48000), np.ones(4800)])
def test_no_loudness_no_gain(samples: np.ndarray) -> None:
    with pytest.raises(SignalError, match="loudness"):
        normalise_loudness(Audio.from_array(samples, 48000))
