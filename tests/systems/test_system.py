from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

from auricle.core.errors import BundleError
from auricle.heads.calibration import Calibration
from auricle.systems.bundle import save_bundle
from auricle.systems.config import SystemConfig
from auricle.systems.export import OUTPUTS, check_onnx, export_onnx
from auricle.systems.system import System, build_system, load_system
from auricle.training.recipe import load_recipe

COMPACT = load_recipe("codec-music").system
CALIBRATION = Calibration(coverage=0.9, scale=1.6, temperature=1.0, clips=100)
FIXED = SystemConfig.model_validate(
    COMPACT.model_dump()
    | {
        "front_end": {"n_mels": 16, "scale": "min_max"},
        "segment": 1.0,
        "shortest": 1.0,
        "encoder": {"kind": "conv1d", "filters": (8, 8), "lengths": (5, 3)},
        "pooling": {"kind": "flatten"},
        "head": {"kind": "regression", "hidden": (8,)},
    }
)


def settle(system: System, config: SystemConfig) -> System:
    """Give normalisation layers statistics other than those of a fresh network."""
    torch.manual_seed(0)
    system.train()
    with torch.no_grad():
        for _ in range(5):
            system(torch.rand(4, config.segment_frames, config.front_end.n_mels) * 0.8)
    return system.eval()


@pytest.fixture(scope="module")
def compact() -> System:
    torch.manual_seed(0)
    return settle(build_system(COMPACT), COMPACT)


@pytest.fixture(scope="module")
def compact_onnx(compact: System) -> bytes:
    return export_onnx(compact, COMPACT)


def run(model: bytes, log_mel: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(list(OUTPUTS), {"log_mel": log_mel})


def test_a_clip_scores_the_same_alone_and_among_others(compact: System) -> None:
    clips = torch.rand(5, 300, 256, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        together = compact(clips)
        for index in range(5):
            alone = compact(clips[index : index + 1])
            for one, many in zip(alone, together, strict=True):
                torch.testing.assert_close(one[0], many[index], rtol=0, atol=1e-6)


def test_onnx_agrees_with_torch_for_other_batches_and_lengths(
    compact: System, compact_onnx: bytes
) -> None:
    for batch, frames in ((1, 47), (3, 250), (1, 938)):
        log_mel = torch.rand(batch, frames, 256, generator=torch.Generator().manual_seed(frames))
        with torch.no_grad():
            expected = compact(log_mel)
        for name, answer, wanted in zip(
            OUTPUTS, run(compact_onnx, log_mel.numpy()), expected, strict=True
        ):
            reach = 1e-3 * float(wanted.abs().max()) if name == "embedding" else 1e-4
            np.testing.assert_allclose(answer, wanted.numpy(), rtol=0, atol=reach, err_msg=name)


def test_the_track_has_a_value_every_stride_and_sums_to_the_mean(compact_onnx: bytes) -> None:
    mean, _, track, *_ = run(
        compact_onnx, np.random.default_rng(0).random((2, 938, 256), np.float32)
    )
    assert track.shape == (2, 235)
    assert (track.min(axis=1) - 1e-6 <= mean).all()
    assert (mean <= track.max(axis=1) + 1e-6).all()


def test_the_model_is_one_file_with_its_contract(compact_onnx: bytes) -> None:
    model = onnx.load_from_string(compact_onnx)
    assert [value.name for value in model.graph.input] == ["log_mel"]
    assert [value.name for value in model.graph.output] == list(OUTPUTS)
    assert not any(tensor.external_data for tensor in model.graph.initializer)


def test_disagreement_is_an_error(compact: System, compact_onnx: bytes) -> None:
    other = build_system(COMPACT).eval()
    with pytest.raises(BundleError, match="disagree on"):
        check_onnx(other, compact_onnx, torch.rand(1, 200, 256))


def test_quality_is_truncated_in_evaluation_only() -> None:
    system = build_system(FIXED)
    torch.nn.init.constant_(system.head.layers[-1].bias, 5.0)
    log_mel = torch.rand(2, FIXED.segment_frames, 16)
    assert (system.train()(log_mel).mean > 1.0).all()
    assert (system.eval()(log_mel).mean == 1.0).all()


def test_a_network_of_fixed_length_keeps_its_length_in_onnx() -> None:
    model = export_onnx(build_system(FIXED), FIXED)
    frames = onnx.load_from_string(model).graph.input[0].type.tensor_type.shape.dim[1].dim_value
    assert frames == FIXED.segment_frames


def test_weights_return_strictly(tmp_path: Path, compact: System) -> None:
    weights = tmp_path / "weights.safetensors"
    save_file({name: value.contiguous() for name, value in compact.state_dict().items()}, weights)
    loaded = load_system(save_bundle(tmp_path / "good", COMPACT, CALIBRATION, weights=weights))
    log_mel = torch.rand(1, 200, 256)
    torch.testing.assert_close(loaded(log_mel).mean, compact(log_mel).mean, rtol=0, atol=0)
    wrong = save_bundle(tmp_path / "bad", FIXED, CALIBRATION, weights=weights)
    with pytest.raises(BundleError, match="does not fit the configured network"):
        load_system(wrong)
