"""Warnings of recordings that are unlike those that a model learned from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import RATE, make_music

import auricle
from auricle.catalog import CATALOG, load_reference_metric
from auricle.core.audio import Audio
from auricle.core.errors import BundleError
from auricle.core.score import Score
from auricle.heads.density import Contrast, Density
from auricle.signal.io import list_audio
from auricle.systems.bundle import Bundle, DistanceBundle, save_bundle, save_distance_bundle
from auricle.systems.distance_bank import Bank
from auricle.systems.distance_runtime import DistanceMetric
from auricle.systems.runtime import QualityMetric

MUSIC = make_music(3.0)
NOISE = np.random.default_rng(0).normal(0.0, 0.1, 3 * RATE)


def separate(inside: np.ndarray, outside: np.ndarray) -> Density:
    """A density with the threshold half way between two embeddings."""
    weights = outside - inside
    contrast = Contrast(weights=tuple(weights.tolist()), offset=-float(weights @ inside))
    threshold = 0.5 * float(weights @ weights)
    return Density(contrasts={"noise": contrast}, threshold=threshold, false_alarms=0.01, clips=99)


def add(bundle: Bundle, density: Density) -> Bundle:
    return save_bundle(
        bundle.folder.with_name("density"),
        bundle.config,
        bundle.calibration,
        onnx=bundle.onnx,
        density=density,
    )


def find_messages(score: Score) -> list[str]:
    return [notice.message for notice in score.warnings if notice.kind == "out_of_domain"]


@pytest.fixture(scope="module")
def warning(told: Bundle) -> Bundle:
    """The tiny system with a density that tells noise from music."""
    metric = QualityMetric(told)
    front_end = told.config.front_end.build()
    second = [front_end(samples[:RATE].astype(np.float32)) for samples in (MUSIC, NOISE)]
    inside, outside = (metric.run_network(one).embedding.astype(float) for one in second)
    return add(told, separate(inside, outside))


def test_far_embeddings_are_warned_of_and_near_ones_are_not(warning: Bundle) -> None:
    metric = QualityMetric(warning)
    assert find_messages(metric(MUSIC, RATE)) == []
    assert find_messages(metric(NOISE, RATE)) == [
        f"it is more like noise than like the music that {metric.spec.full_name} learned from:"
        " its score may mean little"
    ]


def test_of_a_long_recording_the_mean_counts(warning: Bundle) -> None:
    metric = QualityMetric(warning)
    assert find_messages(metric(np.concatenate((NOISE, MUSIC, MUSIC)), RATE)) == []
    assert find_messages(metric(np.concatenate((NOISE, NOISE, MUSIC)), RATE)) != []


def test_a_density_changes_nothing_but_warnings(told: Bundle, warning: Bundle) -> None:
    assert warning.identity != told.identity
    assert warning.density is not None
    assert told.density is None
    one, other = (QualityMetric(bundle)(NOISE, RATE) for bundle in (told, warning))
    assert one.warnings != other.warnings
    assert replace(other, warnings=one.warnings) == one


def test_a_density_of_another_network_is_refused(told: Bundle) -> None:
    contrast = Contrast(weights=(1.0,), offset=0.0)
    density = Density(contrasts={"noise": contrast}, threshold=1.0, false_alarms=0.01, clips=99)
    with pytest.raises(BundleError, match=r"density\.json is of another network"):
        QualityMetric(add(told, density))


def test_a_network_without_embedding_has_no_density(warning: Bundle) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(warning.onnx)
    (embedding,) = (output for output in model.graph.output if output.name == "embedding")
    model.graph.output.remove(embedding)
    folder = warning.folder.with_name("without")
    onnx_bytes = model.SerializeToString()
    older = save_bundle(folder, warning.config, warning.calibration, onnx=onnx_bytes)
    assert find_messages(QualityMetric(older)(NOISE, RATE)) == []
    with pytest.raises(BundleError, match="another network"):
        QualityMetric(
            save_bundle(
                folder,
                warning.config,
                warning.calibration,
                onnx=onnx_bytes,
                density=warning.density,
            )
        )


def test_of_a_pair_the_reference_is_judged_of_a_bank_the_recording(
    distance_bundle: DistanceBundle, tmp_path: Path
) -> None:
    plain = DistanceMetric(distance_bundle)
    music, noise = (Audio.from_array(samples, RATE) for samples in (MUSIC, NOISE))
    density = separate(*(plain.embed(audio).astype(float) for audio in (music, noise)))
    bundle = save_distance_bundle(
        tmp_path / "density",
        distance_bundle.config,
        distance_bundle.calibration,
        weights=distance_bundle.weights,
        onnx=distance_bundle.onnx,
        density=density,
    )
    metric = DistanceMetric(bundle)
    assert find_messages(metric(music, noise)) == []
    (message,) = find_messages(metric(noise, music))
    assert message.startswith("it is more like noise")
    score = plain(noise, music)
    same = metric(noise, music)
    assert (same.value, same.distance) == (score.value, score.distance)
    clean = np.stack([plain.embed(music), plain.embed(noise)])
    bank = Bank(clean, ("a", "b"), metric.spec.full_name, metric.model_sha256)
    assert find_messages(metric.compare_with_bank(music, bank)) == []
    assert find_messages(metric.compare_with_bank(noise, bank)) != []


@pytest.mark.parametrize("name", CATALOG)
def test_embedded_metrics_warn_of_noise(name: str) -> None:
    (message,) = find_messages(auricle.load(name)(NOISE, RATE))
    assert "like noise" in message


@pytest.mark.parametrize("path", list_audio("examples"), ids=lambda path: Path(path).name)
def test_the_examples_are_music(path: Path) -> None:
    assert find_messages(auricle.load("codec-music").score_file(path)) == []


def test_music_is_no_speech() -> None:
    (message,) = find_messages(auricle.load("speech").score_file("examples/lossless.flac"))
    assert "like music" in message


def test_embedded_metrics_know_speech(data_folder: Path) -> None:
    paths = sorted((data_folder / "sources" / "speech_ravdess").glob("*.flac"))[::10]
    music, speech = auricle.load("codec-music"), auricle.load("speech")
    found = [bool(find_messages(music.score_file(path))) for path in paths]
    assert np.mean(found) > 0.2
    assert not any(find_messages(speech.score_file(path)) for path in paths)


def test_a_metric_of_any_domain_has_no_density() -> None:
    metric = load_reference_metric("deepaq-fullband")
    noise = Audio.from_array(NOISE, RATE)
    assert find_messages(metric(noise, noise)) == []
