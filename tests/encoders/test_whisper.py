"""Whisper's encoder against that of the package transformers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from auricle.core.errors import ConfigError, SignalError
from auricle.encoders.checkpoints import Checkpoint, find_checkpoint
from auricle.encoders.whisper import Whisper, build_whisper, load_whisper

SIZES: dict[str, Any] = {
    "d_model": 16,
    "encoder_layers": 2,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "num_mel_bins": 80,
    "decoder_layers": 1,
    "decoder_attention_heads": 2,
    "decoder_ffn_dim": 32,
    "vocab_size": 60,
    "pad_token_id": 1,
    "bos_token_id": 2,
    "eos_token_id": 3,
    "decoder_start_token_id": 4,
}


@pytest.fixture(scope="module")
def model() -> WhisperForConditionalGeneration:
    torch.manual_seed(0)
    made = WhisperForConditionalGeneration(WhisperConfig(**SIZES)).eval()
    with torch.no_grad():  # so that attention and biases are seen in the output
        for parameter in made.model.encoder.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape))
    return made


def save(folder: Path, state: dict[str, torch.Tensor]) -> Checkpoint:
    (folder / "config.json").write_text(json.dumps({"model_type": "whisper", **SIZES}))
    kept = {name: value.clone() for name, value in state.items() if name != "proj_out.weight"}
    save_file(kept, folder / "model.safetensors")
    return find_checkpoint(folder)


@pytest.fixture
def encoder(model: WhisperForConditionalGeneration, tmp_path: Path) -> Whisper:
    return load_whisper(save(tmp_path, model.state_dict()), licence="MIT")


def noise(samples: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(samples)).astype(np.float32)


def test_thirty_seconds_give_what_transformers_gives(
    encoder: Whisper, model: WhisperForConditionalGeneration
) -> None:
    clip = noise(480000)
    features = WhisperFeatureExtractor()(clip, sampling_rate=16000, return_tensors="pt")
    with torch.no_grad():
        theirs = model.model.encoder(features.input_features, output_hidden_states=True)
        ours = encoder.embed([clip])
    assert ours.values.shape == (1, 3, 1500, 16)
    wanted = torch.stack([*theirs.hidden_states[:-1], theirs.last_hidden_state], dim=1)
    torch.testing.assert_close(ours.values, wanted, atol=2e-4, rtol=1e-4)
    assert encoder.facts.hop == 320
    assert encoder.facts.layers == 3


def test_a_shorter_clip_is_a_network_of_fewer_positions(encoder: Whisper) -> None:
    # Transformers refuses other lengths, but takes a network that was made for them.
    shorter = WhisperEncoder(WhisperConfig(**SIZES, max_source_positions=60)).eval()
    state = dict(encoder.network.state_dict())
    state["embed_positions.weight"] = state["embed_positions.weight"][:60]
    shorter.load_state_dict(state)
    prepared = torch.randn(2, 120, 80)
    with torch.no_grad():
        wanted = shorter(prepared.transpose(1, 2)).last_hidden_state
        ours = encoder(prepared, torch.tensor([120, 120]))
    torch.testing.assert_close(ours[:, -1], wanted, atol=1e-5, rtol=1e-5)


def test_a_clip_gives_the_same_alone_and_beside_others(encoder: Whisper) -> None:
    batch = [noise(size, seed) for seed, size in enumerate((16000, 5281, 160, 9760))]
    with torch.no_grad():
        together = encoder.embed(batch)
        for row, clip in enumerate(batch):
            alone = encoder.embed([clip])
            frames = int(alone.frames[0])
            assert int(together.frames[row]) == frames == alone.values.shape[2]
            torch.testing.assert_close(
                together.values[row, :, :frames], alone.values[0], atol=1e-5, rtol=1e-4
            )
            assert (together.values[row, :, frames:] == 0.0).all()


def test_beyond_thirty_seconds_is_refused(encoder: Whisper) -> None:
    with pytest.raises(SignalError, match="cut longer ones"):
        encoder.embed([noise(480000 + 160)])


def test_the_layout_without_the_decoder_is_read(
    model: WhisperForConditionalGeneration, encoder: Whisper, tmp_path: Path
) -> None:
    folder = tmp_path / "base"
    folder.mkdir()
    other = load_whisper(save(folder, model.model.state_dict()), licence="MIT")
    clip = noise(3200)
    torch.testing.assert_close(other.embed([clip]).values, encoder.embed([clip]).values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("model.encoder.conv1.bias"), "Missing key"),
        (lambda state: state.update({"model.encoder.odd": torch.ones(1)}), "Unexpected key"),
        (lambda state: state.update({"odd": torch.ones(1)}), "Unexpected key"),
    ],
)
def test_other_weights_are_refused(
    change: Any, message: str, model: WhisperForConditionalGeneration, tmp_path: Path
) -> None:
    state = dict(model.state_dict())
    change(state)
    with pytest.raises(ConfigError, match=message):
        load_whisper(save(tmp_path, state), licence="MIT")


def test_another_configuration_is_refused() -> None:
    with pytest.raises(ConfigError, match="not 'whisper'"):
        build_whisper({"model_type": "wavlm"}, licence="none")
    with pytest.raises(ConfigError, match="no Whisper encoder"):
        build_whisper({"model_type": "whisper", **SIZES, "d_model": 15}, licence="none")


def test_every_parameter_but_the_positions_learns() -> None:
    encoder = build_whisper({"model_type": "whisper", **SIZES}, licence="none").train()
    output = encoder(torch.randn(2, 50, 80), torch.tensor([50, 31]))
    (output * torch.randn_like(output)).sum().backward()
    still = [name for name, p in encoder.named_parameters() if p.grad is None]
    assert still == ["network.embed_positions.weight"]
