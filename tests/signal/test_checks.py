import numpy as np
import pytest

from auricle.core.errors import SignalError
from auricle.signal.checks import SignalMonitor, is_silent, narrow_band


def kinds(samples: np.ndarray, rate: int = 48000) -> set[str]:
    block = np.atleast_2d(samples).astype(np.float32)
    monitor = SignalMonitor(rate, len(block))
    list(monitor.mix([block]))
    return {notice.kind for notice in monitor.notices()}


NOISE = np.random.default_rng(0).uniform(-0.3, 0.3, (2, 48000)).astype(np.float32)


def test_clean_audio_has_no_notices() -> None:
    assert kinds(NOISE) == set()


def test_a_normalised_peak_is_no_clipping_but_flat_tops_are() -> None:
    peaked = NOISE.copy()
    peaked[0, 100] = 1.0
    assert kinds(peaked) == set()
    assert kinds(np.clip(NOISE * 5, -1, 1)) == {"clipped"}


def test_other_notices() -> None:
    assert kinds(NOISE, 8000) == {"low_sample_rate"}
    assert kinds(np.stack([NOISE[0], -NOISE[0]])) == {"cancelled"}
    assert kinds(NOISE * 1e-3) == {"quiet"}
    assert kinds(np.repeat(NOISE, 4, axis=0)) == {"downmixed"}
    assert [notice.kind for notice in narrow_band(8000.0)] == ["band_limited"]
    assert narrow_band(20000.0) == ()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_must_be_finite(value: float) -> None:
    broken = NOISE.copy()
    broken[1, 7] = value
    with pytest.raises(SignalError, match="finite"):
        kinds(broken)


def test_samples_beyond_any_full_scale_are_refused() -> None:
    with pytest.raises(SignalError, match="peak is 600 dB above full scale"):
        kinds(np.sign(NOISE) * np.float32(1e30))
    # Taken for +-1, integers are out by 90 dB.
    with pytest.raises(SignalError, match="divided"):
        kinds(np.round(NOISE * 32767))
    assert kinds(NOISE * 2000) == {"clipped"}


def test_a_rate_must_leave_something_to_be_judged() -> None:
    with pytest.raises(SignalError, match="5999 Hz: below 6000"):
        SignalMonitor(5999, 1)
    assert "low_sample_rate" in kinds(NOISE, 6000)


def test_shares_are_written_as_numbers() -> None:
    square = np.sign(NOISE[0])
    monitor = SignalMonitor(48000, 1)
    list(monitor.mix([square[np.newaxis]]))
    assert [n.message for n in monitor.notices()] == ["100% of the samples are clipped"]


def test_silence_is_no_signal_whatever_its_offset() -> None:
    dither = np.random.default_rng(0).uniform(-1, 1, 48000).astype(np.float32) / 32768
    assert is_silent(dither + np.float32(0.25))
    assert is_silent(np.full(480_000, 700.1, dtype=np.float32))
    assert not is_silent(NOISE[0])
