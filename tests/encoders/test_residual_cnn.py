"""The residual network: any length, its sizes and costs, the same by ONNX, alone or in company."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn

from auricle.encoders.residual_cnn import ResidualCnn
from auricle.recipes.reading import read_recipe
from auricle.systems.config import ResidualCnnConfig, SystemConfig
from auricle.systems.export import export_onnx
from auricle.systems.system import build_spectrogram_encoder, build_system
from auricle.training.pretraining_recipe import PretrainingRecipe

TINY: dict[str, Any] = {"stem": 4, "channels": (4, 6, 8), "blocks": (1, 2, 1), "features": 10}
# Four seconds as the front end of the recipes hears them.
CLIP = (1, 251, 96)


@pytest.fixture(scope="module")
def tiny() -> ResidualCnn:
    torch.manual_seed(0)
    encoder = ResidualCnn(32, **TINY).train()
    for _ in range(3):  # Running statistics and offsets that are not those of the beginning.
        encoder(torch.rand(4, 40, 32))
    with torch.no_grad():
        encoder.position.normal_()
    return encoder.eval()


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 100))
def test_it_takes_any_length_and_says_how_many_frames_come_out(frames: int) -> None:
    encoder = ResidualCnn(32, **TINY).eval()
    found = encoder(torch.zeros(2, frames, 32))
    assert found.shape == (2, 1, encoder.frames(frames), 10)
    assert encoder.stride == 8


@torch.no_grad()
def test_an_embedding_depends_on_its_surroundings_alone(tiny: ResidualCnn) -> None:
    torch.manual_seed(1)
    clips = torch.rand(3, 200, 32)
    together = tiny(clips)
    for clip, found in zip(clips, together, strict=True):
        torch.testing.assert_close(tiny(clip[None])[0], found, atol=1e-5, rtol=1e-5)
    later = tiny(clips[:, 8:])
    torch.testing.assert_close(later[:, :, 8:], together[:, :, 9:], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_it_tells_bands_apart(tiny: ResidualCnn) -> None:
    tones = torch.zeros(2, 40, 32)
    tones[0, :, 5] = tones[1, :, 21] = 1.0
    low, high = tiny(tones).mean(dim=2)
    assert (low - high).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("name", "encoder", "everything"),
    [("jsqa-small-pretraining", 2.90, 3.06), ("jsqa-pretraining", 25.61, 26.20)],
)
def test_sizes_in_millions(name: str, encoder: float, everything: float) -> None:
    recipe = read_recipe(PretrainingRecipe, name, "systems")
    with torch.device("meta"):
        network = build_spectrogram_encoder(recipe.encoder, recipe.front_end.n_mels)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count / 1e6 == pytest.approx(encoder, abs=0.005)
    assert recipe.projection is not None
    hidden, size = recipe.projection.hidden, recipe.projection.size
    count += (2 * network.features + 1) * hidden + (hidden + 1) * size
    assert count / 1e6 == pytest.approx(everything, abs=0.005)


def test_the_small_one_takes_a_fifth_of_a_billion_multiplications_for_four_seconds() -> None:
    encoder = ResidualCnn().eval()
    found: list[int] = []

    def count(layer: nn.Module, _: object, output: Tensor) -> None:
        assert isinstance(layer, nn.Conv1d | nn.Conv2d)
        found.append(output.numel() * layer.weight[0].numel())

    for layer in encoder.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d):
            layer.register_forward_hook(count)
    with torch.no_grad():
        encoder(torch.zeros(CLIP))
    assert 0.15e9 < sum(found) < 0.205e9


def test_onnx_says_the_same() -> None:
    config = SystemConfig.model_validate(
        {
            "name": "demo", "tag": "v1", "summary": "", "licence": "MIT", "citation": "",
            "label_scale": {"low": 1, "high": 5}, "segment": 4.0,
            "front_end": {"n_fft": 1536, "hop": 768, "n_mels": 32},
            "encoder": {"kind": "residual_cnn", **TINY}, "pooling": {"kind": "mean"},
            "head": {"kind": "regression"},
        }
    )  # fmt: skip
    torch.manual_seed(0)
    system = build_system(config).eval()
    session = onnxruntime.InferenceSession(export_onnx(system, config))
    for frames in (16, 33, 251, 300):
        log_mel = torch.rand(2, frames, 32)
        (mean,) = session.run(["mean"], {"log_mel": log_mel.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(mean, system(log_mel).mean.numpy(), atol=1e-5)


def test_every_stage_has_its_blocks() -> None:
    with pytest.raises(ValidationError, match="as many"):
        ResidualCnnConfig(kind="residual_cnn", channels=(4, 8), blocks=(1,))
