"""Low-pass filters: attenuation where theory and the recommendation say, causal, pure."""

from __future__ import annotations

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, SignalError
from auricle.degrade.filters import anchor, high_pass, low_pass


def gain_db(filtered: Audio, frequency: int) -> float:
    """Gain of a unit sine in its last half second, in dB."""
    settled = filtered.samples[0, -filtered.sample_rate // 2 :]
    time = np.arange(settled.size) / filtered.sample_rate
    amplitude = 2 * abs(np.mean(settled * np.exp(-2j * np.pi * frequency * time)))
    return float(20 * np.log10(amplitude))


def tone(frequency: int, sample_rate: int = 48000) -> Audio:
    time = np.arange(sample_rate) / sample_rate
    return Audio.from_array(np.sin(2 * np.pi * frequency * time), sample_rate)


@pytest.mark.parametrize("cutoff", [3500, 5000, 7500, 9000])
@pytest.mark.parametrize("sample_rate", [44100, 48000])
def test_butterworth_is_3_db_down_at_the_cutoff(cutoff: int, sample_rate: int) -> None:
    assert gain_db(low_pass(tone(cutoff, sample_rate), cutoff), cutoff) == pytest.approx(
        -3.01, abs=0.02
    )


def test_butterworth_falls_by_24_db_per_octave() -> None:
    """An octave above: 10 log10(1 + w^8), w = 2 but for the bilinear transform's warping."""
    warped = np.tan(np.pi * 7000 / 48000) / np.tan(np.pi * 3500 / 48000)
    expected = -10 * np.log10(1 + warped**8)
    assert gain_db(low_pass(tone(7000), 3500), 7000) == pytest.approx(expected, abs=0.01)
    assert gain_db(low_pass(tone(1000), 3500), 1000) == pytest.approx(0.0, abs=0.01)


def test_high_pass_mirrors_the_low_pass() -> None:
    assert gain_db(high_pass(tone(300), 300), 300) == pytest.approx(-3.01, abs=0.02)
    assert gain_db(high_pass(tone(150), 300), 150) == pytest.approx(-24.1, abs=0.1)
    assert gain_db(high_pass(tone(3000), 300), 3000) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize(("cutoff", "stop"), [(3500, 4000), (7000, 8000)])
def test_anchors_meet_the_recommendation(cutoff: int, stop: int) -> None:
    """ITU-R BS.1534-3, 5.1: pass-band ripple +-0.1 dB, 25 dB at 4 kHz for the 3.5 kHz anchor."""
    pass_band = [gain_db(anchor(tone(f), cutoff), f) for f in range(100, cutoff + 1, 200)]
    assert max(pass_band) - min(pass_band) <= 0.21
    assert gain_db(anchor(tone(stop), cutoff), stop) < -25.0


def test_filters_are_causal_and_keep_the_shape() -> None:
    click = np.zeros((2, 1000))
    click[:, 500] = 1.0
    for filtered in (low_pass(Audio.from_array(click, 48000), 3500),
                     anchor(Audio.from_array(click, 48000), 3500)):  # fmt: skip
        assert filtered.samples.shape == (2, 1000)
        assert not filtered.samples[:, :500].any()
        assert filtered.samples[:, 500:].any()


def test_channels_are_filtered_apart() -> None:
    left, right = tone(1000).samples[0], tone(8000).samples[0]
    both = low_pass(Audio.from_array([left, right], 48000), 3500)
    alone = low_pass(Audio.from_array(right, 48000), 3500)
    assert np.array_equal(both.samples[1], alone.samples[0])


def test_a_cutoff_beyond_half_the_sample_rate_is_refused() -> None:
    with pytest.raises(ConfigError, match="half the sample rate"):
        low_pass(tone(100, 8000), 4000)
    with pytest.raises(ConfigError, match="half the sample rate"):
        high_pass(tone(100, 8000), 4000)
    with pytest.raises(ConfigError, match="half the sample rate"):
        anchor(tone(100, 8000), 7000)


def test_other_anchors_and_broken_samples_are_refused() -> None:
    with pytest.raises(ConfigError, match="3500 or 7000"):
        anchor(tone(100), 5000)
    with pytest.raises(SignalError, match="not finite"):
        low_pass(Audio.from_array([0.0, np.inf], 48000), 3500)
