import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.encoders.drawn import draw_music, draw_weights

from auricle.core.errors import ConfigError
from auricle.encoders.m2d import M2d, M2dConfig, load_m2d

GOLDEN = Path(__file__).parents[1] / "golden" / "encoders" / "m2d.json"
CASES = json.loads(GOLDEN.read_text())["cases"]
TINY = {"embed_dim": 16, "depth": 2, "num_heads": 2, "mlp_ratio": 2}


def tiny_config(case: Any) -> dict[str, Any]:
    return M2dConfig.from_name(case["name"]).model_dump() | TINY


def tiny_state(case: Any) -> dict[str, torch.Tensor]:
    """A tiny file of weights by all the names of the published encoders."""
    drawn = draw_weights(case["shapes"], 12)
    state = {name: torch.from_numpy(np.asarray(values)) for name, values in drawn.items()}
    return state | {"norm_stats": torch.tensor([-7.1, 4.2])}


def load_tiny(case: Any, folder: Path) -> M2d:
    path = folder / "model.safetensors"
    save_file(tiny_state(case), path)
    return load_m2d(tiny_config(case), path, "bb11")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_last_layer_is_that_of_the_portable_runtime(case: Any, tmp_path: Path) -> None:
    m2d = load_tiny(case, tmp_path)
    with torch.no_grad():
        embedding = m2d.embed([draw_music(case["seconds"], case["rate"], 4)])
    assert embedding.frames.tolist() == [case["frames"]]
    ours = embedding.values[0, -1, :, :: case["every"]]
    torch.testing.assert_close(ours, torch.tensor(case["embedding"]), atol=2e-4, rtol=0.0)


def test_facts_and_names_of_published_weights() -> None:
    config = M2dConfig.from_name("m2d_vit_base-80x608p16x16-221006-mr7_enconly")
    assert (config.grid, config.sample_rate) == ((5, 38), 16000)
    with torch.device("meta"):
        m2d = M2d(config)
    facts = m2d.facts
    assert (facts.sample_rate, facts.hop, facts.layers, facts.features) == (16000, 2560, 13, 3840)
    # A ViT-B of 85.05 million in its blocks, the last normalisation, 190 positions and patches.
    assert round(sum(p.numel() for p in m2d.parameters()) / 1e4) == 8540
    assert M2dConfig.from_name("m2d_s_vit_base-80x512p80x2-230301").grid == (1, 256)
    assert M2dConfig.from_name("m2d_clap_vit_base-80x608p16x16p16kpBpTI-2025").grid == (5, 38)
    with pytest.raises(ConfigError, match="m2d_vit_base-80x608p16x16"):
        M2dConfig.from_name("wavlm-base-plus")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@torch.no_grad()
def test_a_batch_of_unequal_lengths_equals_one_by_one(case: Any, tmp_path: Path) -> None:
    m2d = load_tiny(case, tmp_path)
    lengths = (1.6, 0.03, 0.7, 0.64)
    clips = [draw_music(length, case["rate"], seed) for seed, length in enumerate(lengths)]
    together = m2d.embed(clips)
    for number, clip in enumerate(clips):
        alone = m2d.embed([clip])
        count = int(alone.frames[0])
        assert together.frames[number] == count == alone.values.shape[2]
        torch.testing.assert_close(
            together.values[number, :, :count], alone.values[0], atol=1e-4, rtol=0.0
        )
        assert not together.values[number, :, count:].any()


@pytest.mark.parametrize("steps", [1, 16, 17, 63, 64, 65, 72, 73, 74, 128, 146, 219, 220])
def test_frames_are_as_many_as_come_out(steps: int) -> None:
    for length in (64, 73):
        m2d = M2d(M2dConfig(input_size=(80, length), **TINY)).eval()
        counted = int(m2d.frames(torch.tensor([steps]))[0])
        assert m2d(torch.zeros(1, steps, 80), torch.tensor([steps])).shape[2] == counted


@pytest.mark.parametrize("prefix", ["", "backbone.", "module.ar.runtime.backbone."])
def test_published_files_with_all_that_lies_beside_the_encoder_load(
    prefix: str, tmp_path: Path
) -> None:
    case = CASES["80x64p16x16, 0.4 s"]
    state = {prefix + name: value for name, value in tiny_state(case).items()}
    beside = ("mask_token", "decoder_blocks.0.attn.qkv.weight", "target_norm.bias", "head.weight")
    state |= {prefix + name: torch.zeros(2) for name in beside}
    path = tmp_path / "checkpoint-300.pth"
    torch.save({"model": state, "args": argparse.Namespace(epochs=300)}, path)
    clip = [draw_music(0.4, 16000, 4)]
    with torch.no_grad():
        loaded = load_m2d(tiny_config(case), path).embed(clip)
        torch.testing.assert_close(loaded.values, load_tiny(case, tmp_path).embed(clip).values)


def test_statistics_come_with_the_weights(tmp_path: Path) -> None:
    case = CASES["80x64p16x16, 0.4 s"]
    path = tmp_path / "model.safetensors"
    save_file(tiny_state(case) | {"norm_stats": torch.tensor([-5.0, 3.0])}, path)
    m2d = load_m2d(tiny_config(case), path)
    assert (m2d.front_end.mean, m2d.front_end.deviation) == (-5.0, 3.0)
    state = tiny_state(case)
    del state["norm_stats"]
    save_file(state, path)
    assert load_m2d(tiny_config(case), path).front_end.mean == pytest.approx(-7.1)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    case = CASES["80x64p16x16, 0.4 s"]
    path = tmp_path / "model.safetensors"
    save_file(tiny_state(case), path)
    with pytest.raises(ConfigError, match="not those of M2d"):
        load_m2d(tiny_config(case) | {"depth": 3}, path)
    with pytest.raises(ConfigError, match="3 heads"):
        load_m2d(tiny_config(case) | {"num_heads": 3}, path)
    with pytest.raises(ConfigError, match="larger than the input"):
        load_m2d(tiny_config(case) | {"patch_size": (16, 65)}, path)
    with pytest.raises(ConfigError, match="patches"):
        load_m2d(tiny_config(case) | {"patches": 3}, path)
    save_file(tiny_state(case) | {"blocks.0.stranger": torch.zeros(1)}, path)
    with pytest.raises(ConfigError, match="stranger"):
        load_m2d(tiny_config(case), path)
    broken = tmp_path / "checkpoint.pth"
    broken.write_bytes(b"no weights")
    with pytest.raises(ConfigError, match="damaged"):
        load_m2d(tiny_config(case), broken)
    torch.save({"model": {"epoch": 3}}, broken)
    with pytest.raises(ConfigError, match="something else"):
        load_m2d(tiny_config(case), broken)
