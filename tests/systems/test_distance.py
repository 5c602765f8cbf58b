"""Systems that judge by distance in torch: what is built, what learns, and how it is exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.distances import ENCODERS, make_bundle, make_calibration, make_config

from auricle.core.errors import BundleError, ConfigError
from auricle.encoders.lora import trainable_share
from auricle.stats.cubic_mapping import CubicMapping
from auricle.stats.mlp_mapping import fit_mlp
from auricle.systems.bundle import (
    DistanceBundle,
    read_any_bundle,
    read_bundle,
    save_distance_bundle,
)
from auricle.systems.distance import build_distance_network, merge_adapters
from auricle.systems.distance_calibration import DistanceCalibration, DistanceMapping
from auricle.systems.distance_embedding import Embedder
from auricle.systems.distance_export import export_distance
from auricle.systems.distance_torch import load_distance_network


def prepare(network: torch.nn.Module, *seconds: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a padded batch of noise, and how many steps each clip has."""
    front_end = network.encoder.front_end
    rng = np.random.default_rng(0)
    clips = [
        torch.from_numpy(
            front_end(rng.normal(0, 0.1, round(s * front_end.sample_rate)).astype(np.float32))
        )
        for s in seconds
    ]
    steps = torch.tensor([len(clip) for clip in clips])
    return torch.nn.utils.rnn.pad_sequence(clips, batch_first=True), steps


@pytest.mark.parametrize("encoder", ENCODERS)
def test_clips_of_unequal_lengths_share_a_batch(encoder: str) -> None:
    network, config = build_distance_network(make_config(encoder, window=20))
    network.eval()
    assert config.hop == network.encoder.facts.hop
    assert config.encoder.front_end is not None
    prepared, steps = prepare(network, 2.0, 0.7)
    with torch.no_grad():
        both = network(prepared, steps)
        alone = network(prepared[1:, : steps[1]], steps[1:])
    first, second = network.windows(steps).tolist()
    assert both.shape == (2, first, config.size)
    assert alone.shape[1] == second < first
    torch.testing.assert_close(both[1:, :second], alone, atol=1e-5, rtol=1e-4)
    assert (both[1, second:] == 0.0).all()


def test_without_windows_a_clip_gives_one_embedding() -> None:
    network, _ = build_distance_network(make_config("whisper"))
    prepared, steps = prepare(network, 1.0, 0.7)
    assert network.eval()(prepared, steps).shape == (2, 1, 8)
    assert network.windows(steps).tolist() == [1, 1]


def test_what_learns_is_what_was_asked_for() -> None:
    def learning(encoder: str, **changes: object) -> set[str]:
        network, _ = build_distance_network(make_config(encoder, **changes))
        names = {name for name, value in network.named_parameters() if value.requires_grad}
        return {name.rpartition(".")[2] if "lora" in name else name for name in names}

    head = {"head.project.2.weight", "head.project.2.bias"}
    assert learning("full_band") == head
    assert learning("full_band", train_encoder="full") > head
    adapted = learning("mert") - head
    assert len(adapted) == 2 * 2 * 2
    assert all("q_proj" in name or "v_proj" in name for name in adapted)
    network, _ = build_distance_network(make_config("mert"))
    assert 0.0 < trainable_share(network) < 0.2


def test_a_frozen_encoder_stays_as_it_is_heard() -> None:
    network, _ = build_distance_network(make_config("whisper"))
    network.train()
    assert (network.encoder.training, network.head.training) == (False, True)
    network, _ = build_distance_network(make_config("full_band", train_encoder="full"))
    assert network.train().encoder.training


def test_merged_adapters_change_nothing_but_the_names() -> None:
    network, config = build_distance_network(make_config("mert"))
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.endswith("up"):
                value.normal_(0.0, 0.5)
    prepared, steps = prepare(network, 1.0)
    merged = merge_adapters(network, config)
    with torch.no_grad():
        torch.testing.assert_close(merged(prepared, steps), network.eval()(prepared, steps))
    assert not any(name.endswith((".up", ".down")) for name in merged.state_dict())
    assert any(name.endswith((".up", ".down")) for name in network.state_dict())
    plain = make_config("mert", train_encoder="frozen", lora=None)
    assert merged.state_dict().keys() == build_distance_network(plain)[0].state_dict().keys()
    # The original learns on.
    network.train()(prepared, steps).sum().backward()


@pytest.mark.parametrize("encoder", ["full_band", "mel_statistics", "whisper"])
def test_onnx_runtime_and_torch_agree(encoder: str, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "both", encoder)
    assert read_any_bundle(bundle.folder) == bundle
    with_torch = make_bundle(tmp_path / "torch", encoder, onnx=False)
    assert (bundle.has_onnx, with_torch.has_onnx) == (True, False)
    # The exporter notes where its sources lay; that is no part of a model.
    assert b"distance_export.py" not in bundle.onnx.read_bytes()
    samples = np.random.default_rng(1).normal(0, 0.1, bundle.config.segment_samples)
    for length in (samples.size, samples.size * 2 // 3, round(bundle.config.sample_rate * 0.5)):
        clip = samples[:length].astype(np.float32)
        one, other = Embedder(bundle)(clip), Embedder(with_torch)(clip)
        assert one == pytest.approx(other, rel=1e-4, abs=1e-4 * np.abs(one).max())


def test_a_wrong_export_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    network, config = build_distance_network(make_config("mel_statistics"))
    monkeypatch.setattr("auricle.systems.distance_export._TOLERANCE", -1.0)
    with pytest.raises(BundleError, match="disagree"):
        export_distance(network, config)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b", onnx=False)
    config = bundle.config.model_copy(update={"size": 9})
    other = save_distance_bundle(
        tmp_path / "other", config, bundle.calibration, weights=bundle.weights
    )
    with pytest.raises(BundleError, match="does not fit"):
        load_distance_network(other)


def test_a_bundle_needs_a_resolved_configuration(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="build_distance_network"):
        save_distance_bundle(tmp_path, make_config(), make_calibration(1.0), weights=b"weights")


def test_altered_bundles_are_noticed(distance_bundle: DistanceBundle, tmp_path: Path) -> None:
    bundle = save_distance_bundle(
        tmp_path / "b",
        distance_bundle.config,
        distance_bundle.calibration,
        weights=distance_bundle.weights,
    )
    with pytest.raises(BundleError, match="another kind"):
        read_bundle(bundle.folder)
    path = bundle.folder / "calibration.json"
    path.write_text(path.read_text().replace("100.0", "99.0"))
    with pytest.raises(BundleError, match="altered"):
        read_any_bundle(bundle.folder)


def test_a_calibration_holds_either_mapping_and_begins_at_the_top() -> None:
    distance = np.linspace(0.0, 2.0, 30)
    curve = fit_mlp(distance, 100.0 * np.exp(-distance), at_zero=100.0)
    mapping = DistanceMapping(curve=curve, deviation=4.0, pairs=30)
    calibration = DistanceCalibration(matching=mapping)
    text = calibration.model_dump_json()
    assert DistanceCalibration.model_validate_json(text) == calibration
    line = make_calibration(0.5)
    assert DistanceCalibration.model_validate_json(line.model_dump_json()) == line
    low = CubicMapping((90.0, -90.0, 0.0, 0.0), low=0.0, high=1.0)
    below = DistanceMapping(curve=low, deviation=4.0, pairs=30)
    with pytest.raises(ValidationError, match="100 at the distance 0"):
        DistanceCalibration(matching=below)
    # References of other content never have the distance 0.
    assert DistanceCalibration(matching=mapping, non_matching=below).non_matching == below


def test_a_turning_mapping_in_a_bundle_is_told(
    distance_bundle: DistanceBundle, tmp_path: Path
) -> None:
    bundle = save_distance_bundle(
        tmp_path / "b",
        distance_bundle.config,
        make_calibration(1.0),
        weights=distance_bundle.weights,
    )
    import hashlib
    import json

    path, sums = bundle.folder / "calibration.json", bundle.folder / "checksums.json"
    tree = json.loads(path.read_text())
    tree["matching"]["curve"]["coefficients"] = [100.0, -100.0, 300.0, 0.0]
    path.write_text(json.dumps(tree))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    sums.write_text(json.dumps(json.loads(sums.read_text()) | {"calibration.json": digest}))
    with pytest.raises(BundleError, match="turns"):
        read_any_bundle(bundle.folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shortest": 3.0}, "longer than a segment"),
        ({"train_encoder": "lora"}, "'lora' is given"),
        ({"lora": {"rank": 2}}, "'lora' is given"),
        ({"layers": 3}, "Extra inputs"),
    ],
)
def test_impossible_configurations(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make_config("full_band", **changes)


def test_what_no_encoder_can_do() -> None:
    with pytest.raises(ConfigError, match="hears 16000 Hz"):
        build_distance_network(make_config("whisper", sample_rate=48000))
    lora = {"rank": 2, "targets": ["query"]}
    with pytest.raises(ConfigError, match="names no linear layer"):
        build_distance_network(make_config("mert", lora=lora))
