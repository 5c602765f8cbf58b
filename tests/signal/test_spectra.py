from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, SignalError
from auricle.signal.spectra import LogMel, mel_edges

# Printed by librosa 0.11.0: mel_frequencies(n_mels=7, fmin=0, fmax=8000), and, for the noise of
# the test, melspectrogram(n_fft=2048, hop_length=256, n_mels=256) through
# power_to_db(ref=np.max, top_db=80) / 80 + 1, by (frame, band).
LIBROSA_MELS = [0.0, 502.729339, 1005.645281, 1688.908463, 2836.399522, 4763.527703, 8000.0]
# librosa does not take the mean off, which only the lowest bands notice.
LIBROSA_LOG_MEL = {
    (0, 255): 0.86804,
    (20, 100): 0.81979,
    (47, 20): 0.73319,
    (47, 250): 0.68205,
    (70, 128): 0.57036,
}


def test_mel_frequencies_are_those_of_librosa() -> None:
    assert mel_edges(16000, 5) == pytest.approx(LIBROSA_MELS, rel=1e-6)


def test_the_spectrogram_is_that_of_librosa() -> None:
    decay = np.exp(-np.arange(24000) / 6000)
    noise = (np.random.default_rng(5).standard_normal(24000) * decay).astype(np.float32)
    log_mel = LogMel()(noise)
    for (frame, band), value in LIBROSA_LOG_MEL.items():
        assert log_mel[frame, band] == pytest.approx(value, abs=2e-4)


def test_ten_seconds_have_the_papers_shape(music: Audio) -> None:
    log_mel = LogMel(scale="min_max")(music.samples[0, :480000])
    assert log_mel.shape == (1876, 256)
    assert log_mel.dtype == np.float32
    assert (log_mel.min(), log_mel.max()) == (0.0, 1.0)


def test_a_tone_lights_up_its_own_band() -> None:
    tone = np.sin(2 * np.pi * 5000 * np.arange(48000) / 48000).astype(np.float32)
    log_mel = LogMel()(tone)[8:-8]  # the tone's sudden start and end are broadband
    band = int(np.argmax(log_mel.mean(axis=0)))
    edges = mel_edges(48000, 256)
    assert edges[band] < 5000 < edges[band + 2]
    assert log_mel[:, edges[1:-1] > 6000].max() == 0.0


def test_absolute_level_of_a_full_scale_tone() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000).astype(np.float32)
    loud = LogMel(level="absolute", range_db=100.0)(tone)
    quiet = LogMel(level="absolute", range_db=100.0)(tone * np.float32(0.1))
    middle = slice(10, -10)
    drop = loud[middle].max() - quiet[middle].max()
    assert drop == pytest.approx(0.2, abs=1e-4)  # 20 of 100 dB


@settings(deadline=None, max_examples=15)
@given(gain=st.floats(-40.0, 20.0), offset=st.floats(-0.5, 0.5))
def test_gain_and_offset_change_nothing(gain: float, offset: float) -> None:
    signal = np.random.default_rng(1).standard_normal(24000).astype(np.float32) * 0.1
    changed = (signal * 10 ** (gain / 20) + offset).astype(np.float32)
    assert np.abs(LogMel()(changed) - LogMel()(signal)).max() < 2e-2


def test_neighbouring_blocks_do_not_matter(music: Audio) -> None:
    # Frames far from both ends see the same samples; only the lowest bands hear the other mean.
    front_end = LogMel(level="absolute")
    samples = music.samples[0]
    whole, part = front_end(samples[: 256 * 400]), front_end(samples[: 256 * 300])
    assert np.abs(whole[10:290, 8:] - part[10:290, 8:]).max() < 1e-4


def test_nothing_above_the_ceiling_counts(music: Audio) -> None:
    whole, cut = LogMel()(music.samples[0]), LogMel(ceiling=20000.0)(music.samples[0])
    above = mel_edges(48000, 256)[2:] > 20000.0
    assert above.sum() == 12
    assert cut[:, above].max() == 0.0
    assert np.array_equal(whole[:, ~above], cut[:, ~above])


@pytest.mark.parametrize("level", ["maximum", "absolute"])
@pytest.mark.parametrize("scale", ["fixed", "min_max"])
def test_digital_silence_is_at_the_floor(
    level: Literal["maximum", "absolute"], scale: Literal["fixed", "min_max"]
) -> None:
    silence = np.full(48000, 0.25, dtype=np.float32)
    assert not LogMel(level=level, scale=scale)(silence).any()


def test_what_has_no_spectrum_is_refused() -> None:
    with pytest.raises(SignalError, match=r"\[time\]"):
        LogMel()(np.zeros((2, 48000), dtype=np.float32))
    with pytest.raises(ConfigError):
        LogMel(hop=0)
