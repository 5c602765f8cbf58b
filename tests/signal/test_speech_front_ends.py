"""What speech transformers see, compared with what the package transformers computes."""

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, SignalError
from auricle.signal.speech_front_ends import Standardise, WhisperMel


def noise(samples: int, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    decay = np.exp(-np.arange(samples) / 6000)
    return (0.3 * rng.standard_normal(samples) * decay + 0.01).astype(np.float32)


@pytest.mark.parametrize("do_normalize", [True, False])
def test_standardised_samples_are_those_of_transformers(do_normalize: bool) -> None:
    transformers = pytest.importorskip("transformers")
    extractor = transformers.Wav2Vec2FeatureExtractor(
        sampling_rate=24000, do_normalize=do_normalize
    )
    samples = noise(12000)
    theirs = extractor(samples, sampling_rate=24000, return_tensors="np").input_values[0]
    ours = Standardise(24000, do_normalize)(samples)
    assert ours.shape == (12000, 1)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours[:, 0], theirs, atol=1e-6)


def test_digital_silence_stays_silent() -> None:
    assert (Standardise()(np.zeros(100, np.float32)) == 0.0).all()


@pytest.mark.parametrize("n_mels", [80, 128])
@pytest.mark.parametrize("samples", [16000, 20123])
def test_whisper_mel_is_that_of_transformers(n_mels: int, samples: int) -> None:
    transformers = pytest.importorskip("transformers")
    extractor = transformers.WhisperFeatureExtractor(feature_size=n_mels)
    clip = noise(samples)
    theirs = extractor(
        clip, sampling_rate=16000, padding="do_not_pad", return_tensors="np"
    ).input_features[0]
    ours = WhisperMel(n_mels)(clip)
    assert ours.dtype == np.float32
    assert ours.shape == (samples // 160, n_mels)
    np.testing.assert_allclose(ours, theirs.T, atol=5e-5)


def test_whisper_mel_of_music_and_silence_spans_two_units(music: Audio) -> None:
    log_mel = WhisperMel()(np.pad(music.samples[0], (0, 16000)))
    # Clamped 8 decades below the maximum and divided by 4.
    assert log_mel.max() - log_mel.min() == pytest.approx(2.0, abs=1e-5)


@pytest.mark.parametrize(
    ("front_end", "samples"),
    [
        (Standardise(), np.zeros(0, np.float32)),
        (Standardise(), np.zeros((2, 100), np.float32)),
        (WhisperMel(), np.zeros(159, np.float32)),
        (WhisperMel(), np.zeros((1, 1600), np.float32)),
    ],
)
def test_what_is_no_clip_is_refused(front_end: Standardise | WhisperMel, samples) -> None:
    with pytest.raises(SignalError, match="mono samples"):
        front_end(samples)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ConfigError):
        Standardise(0)
    with pytest.raises(ConfigError):
        WhisperMel(n_mels=0)
