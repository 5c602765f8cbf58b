"""The level of speech, against the standard's own procedure, sample by sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from auricle.core.errors import SignalError
from auricle.signal.speech_level import measure_speech_level


def follow_standard(samples: NDArray[np.float32], rate: int) -> tuple[float, float]:
    """ITU-T P.56 (2011), clauses 8.1 to 8.3, step by step: a loop over samples and thresholds."""
    decay, hangover = np.exp(-1.0 / (rate * 0.03)), round(rate * 0.2)
    thresholds = 2.0 ** np.arange(-15, 0)
    active = np.zeros(15, dtype=int)
    rest = np.full(15, hangover)
    first = second = 0.0
    for sample in samples.astype(float):
        first = decay * first + (1 - decay) * abs(sample)
        second = decay * second + (1 - decay) * first
        on = second >= thresholds
        hanging = ~on & (rest < hangover)
        active += on | hanging
        rest = np.where(on, 0, np.where(hanging, rest + 1, rest))
    energy = float(np.sum(samples.astype(float) ** 2))
    above = None
    for count, threshold in zip(active, thresholds, strict=True):
        if count == 0:
            break
        level = 10 * np.log10(energy / count)
        margin = level - 20 * np.log10(threshold)
        if margin <= 15.9:
            if above is not None:
                share = (above[1] - 15.9) / (above[1] - margin)
                level = above[0] + share * (level - above[0])
            break
        above = (level, margin)
    return level, energy / samples.size / 10 ** (level / 10)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rate=st.sampled_from([8000, 11025, 16000]),
    pause=st.floats(-0.9, 0.9),
    gain=st.floats(-30.0, 0.0),
)
def test_it_is_what_the_standard_says(seed: int, rate: int, pause: float, gain: float) -> None:
    rng = np.random.default_rng(seed)
    bursts = np.sin(np.arange(2 * rate) / rate * rng.uniform(3.0, 12.0)) > pause
    samples = (10 ** (gain / 20) * rng.normal(0.0, 0.2, 2 * rate) * bursts).astype(np.float32)
    level, activity = measure_speech_level(samples, rate)
    expected, share = follow_standard(samples, rate)
    assert level == pytest.approx(expected, abs=1e-6)
    assert activity == pytest.approx(min(1.0, share), abs=1e-6)


def test_pauses_do_not_count() -> None:
    rng = np.random.default_rng(0)
    speech = rng.normal(0.0, 0.1, 48000).astype(np.float32)
    paused = np.concatenate([speech, np.zeros(96000, dtype=np.float32)])
    assert measure_speech_level(paused, 48000).level == pytest.approx(-20.0, abs=1.5)
    assert measure_speech_level(paused, 48000).activity < 0.45


def test_very_quiet_speech_is_measured() -> None:
    quiet = np.random.default_rng(0).normal(0.0, 1e-5, 48000).astype(np.float32)
    assert measure_speech_level(quiet, 48000).level == pytest.approx(-100.0, abs=1.0)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(1000, dtype=np.float32), "silent"),
        (np.zeros(0, dtype=np.float32), "samples"),
        (np.ones((1, 10), dtype=np.float32), "samples"),
        (np.full(100, np.nan, dtype=np.float32), "finite"),
    ],
)
def test_what_cannot_be_measured_is_told(samples: NDArray[np.float32], reason: str) -> None:
    with pytest.raises(SignalError, match=reason):
        measure_speech_level(samples, 8000)
