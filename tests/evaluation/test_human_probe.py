"""Ridge regression from embeddings to ratings, held out by group."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch
from tests.conftest import make_music

from auricle.core.audio import Audio
from auricle.core.errors import DataError, SignalError
from auricle.data.listening_sets import RatedPair
from auricle.evaluation.human_probe import (
    ClipEmbedder,
    compare_probes,
    embed_pairs,
    predict_held_out,
)
from auricle.heads.pooling import MeanPooling
from auricle.signal.io import write_audio
from auricle.stats.correlation import rmse
from auricle.systems.config import SystemConfig
from auricle.systems.system import build_spectrogram_encoder

RATE = 48000
RNG = np.random.default_rng(0)
CLIPS, GROUPS = 48, 6
GROUP = [f"i{n % GROUPS}" for n in range(CLIPS)]
RATING = RNG.uniform(1.0, 5.0, CLIPS)
CONFIG = SystemConfig.model_validate({
    "name": "demo", "tag": "v1", "summary": "A demonstration.", "licence": "MIT", "citation": "",
    "label_scale": {"low": 1, "high": 5}, "segment": 1.0,
    "front_end": {"n_mels": 32, "hop": 768},
    "encoder": {"kind": "mel_cnn", "stem": 4, "channels": [4, 8], "features": 6, "context": 0},
    "pooling": {"kind": "attention"}, "head": {"kind": "gaussian"},
})  # fmt: skip


def make_embedder() -> ClipEmbedder:
    torch.manual_seed(0)
    return ClipEmbedder(build_spectrogram_encoder(CONFIG.encoder, 32), CONFIG)


def embed_rating(noise: float, features: int = 80) -> np.ndarray:
    """More features than clips, a few of which know the rating."""
    known = RATING[:, np.newaxis] * RNG.normal(size=(1, 8))
    return np.concatenate((known, noise * RNG.normal(size=(CLIPS, features - 8))), axis=1)


def test_an_embedding_is_the_mean_and_deviation_of_frames() -> None:
    embed = make_embedder()
    music = make_music(1.0)
    torch.manual_seed(0)
    encoder = build_spectrogram_encoder(CONFIG.encoder, 32).eval()
    log_mel = torch.from_numpy(CONFIG.front_end.build()(music))[None]
    with torch.no_grad():
        pooled = MeanPooling()(encoder(log_mel))
    expected = torch.cat((pooled.mean, pooled.deviation), dim=1)[0].numpy()
    assert embed(Audio.from_array(music, RATE)) == pytest.approx(expected, abs=1e-6)


def test_segments_count_by_what_they_add_and_silence_does_not() -> None:
    embed = make_embedder()
    one, two = make_music(1.0, 1), make_music(1.0, 2)
    parts = [embed(Audio.from_array(samples, RATE)) for samples in (one, two)]
    whole = embed(Audio.from_array(np.concatenate((one, np.zeros(RATE, "f4"), two)), RATE))
    assert whole == pytest.approx(np.mean(parts, axis=0), abs=1e-6)
    stereo = embed(Audio.from_array(np.stack((one, one)), RATE))
    assert stereo == pytest.approx(parts[0], abs=1e-6)
    with pytest.raises(SignalError, match="silent"):
        embed(Audio.from_array(np.zeros(RATE), RATE))


def test_files_are_heard_at_the_rate_of_their_test(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_audio(path, Audio.from_array(make_music(1.0), RATE))
    pairs = [
        RatedPair("s", "quality", "i", "x", path, path, 3.0, sample_rate=rate)
        for rate in (None, RATE, 8000)
    ]
    own, same, narrow = embed_pairs(make_embedder(), pairs)
    assert own == pytest.approx(same)
    assert np.abs(own - narrow).max() > 1e-4


def test_what_embeddings_know_is_found_on_groups_held_out() -> None:
    found = predict_held_out(embed_rating(0.3), RATING, GROUP)
    assert rmse(found, RATING) < 0.4
    nothing = predict_held_out(RNG.normal(size=(CLIPS, 80)), RATING, GROUP)
    assert rmse(nothing, RATING) > 0.9
    with pytest.raises(DataError, match="at least three"):
        predict_held_out(embed_rating(0.3), RATING, ["a", "b"] * (CLIPS // 2))


def test_a_group_never_sees_its_own_ratings() -> None:
    """Turning a group's ratings round changes no prediction for it."""
    embeddings, own = embed_rating(0.3), np.array(GROUP) == "i2"
    turned = np.where(own, 6.0 - RATING, RATING)
    first, second = (predict_held_out(embeddings, one, GROUP) for one in (RATING, turned))
    assert first[own] == pytest.approx(second[own])
    assert first[~own] != pytest.approx(second[~own])


def test_the_unit_of_features_and_those_that_hardly_vary_do_not_matter() -> None:
    embeddings = embed_rating(0.3)
    plain = predict_held_out(embeddings, RATING, GROUP)
    assert predict_held_out(1e-4 * embeddings, RATING, GROUP) == pytest.approx(plain)
    faint = 1e-9 * RNG.normal(size=(CLIPS, 80))
    padded = predict_held_out(np.concatenate((embeddings, faint), axis=1), RATING, GROUP)
    assert rmse(padded, plain) < 0.05
    assert np.isfinite(predict_held_out(np.zeros((CLIPS, 3)), RATING, GROUP)).all()


def test_differences_are_paired_and_of_each_fresh_encoder() -> None:
    good, bad = RATING + RNG.normal(0, 0.2, CLIPS), RATING + RNG.normal(0, 1.5, CLIPS)
    found = compare_probes(RATING, GROUP, good, [bad, good], resamples=200)
    worse, same = found.differences
    assert worse["rmse"].value == pytest.approx(
        found.pretrained.rmse.value - found.fresh[0].rmse.value
    )
    assert worse["rmse"].high < 0.0 < worse["srcc"].low
    assert all((one.low, one.high) == (0.0, 0.0) for one in same.values())
    assert found.best_fresh == 1
    others = [RATING[np.array(GROUP) != name].mean() for name in GROUP]
    assert found.guess.rmse.value == pytest.approx(rmse(others, RATING))
