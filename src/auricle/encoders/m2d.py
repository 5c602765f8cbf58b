"""Masked Modeling Duo (M2D), a vision transformer that was trained on sounds without labels."""

from __future__ import annotations

import argparse
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator
from torch import Tensor, nn
from torch.nn.functional import gelu, pad, scaled_dot_product_attention

from auricle.core.errors import ConfigError
from auricle.encoders.image_weights import read_weights
from auricle.encoders.masking import mark_real
from auricle.encoders.published import load_published
from auricle.encoders.waveform import EncoderFacts, WaveformEncoder
from auricle.signal.music_front_ends import M2dMel

Pair = tuple[PositiveInt, PositiveInt]

_MELS = 80
# Models fine-tuned in its authors' evaluation package, and in their runtime, nest the network.
_PREFIXES = ("module.ar.runtime.backbone.", "backbone.")
# Of use in training only: the decoder, the target network, what else was predicted; the heads of
# fine-tuned models; and the parts of M2D-CLAP beside the encoder.
_LEFT_OUT = (
    "mask_token", "decoder_", "target_", "offline_predictor.", "head.", "logit_scale",
    "audio_proj.", "text_proj.", "text_encoder.",
)  # fmt: skip
# Models of 2022 do not hold the mean and deviation of the spectrograms they were trained on.
_FIRST_STATISTICS = (-7.1, 4.2)


class M2dConfig(BaseModel):
    """Sizes of the network; `input_size` and `patch_size` are bands by steps of 10 ms.

    Nothing but the name of the folder says them of published weights: `from_name` reads it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_size: tuple[Literal[80], PositiveInt] = (80, 608)
    patch_size: Pair = (16, 16)
    sample_rate: Literal[16000, 32000] = 16000
    embed_dim: PositiveInt = 768
    depth: PositiveInt = 12
    num_heads: PositiveInt = 12
    mlp_ratio: Annotated[float, Field(gt=0.0)] = 4.0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.embed_dim % self.num_heads:
            raise ValueError(f"{self.num_heads} heads do not fit {self.embed_dim} features")
        if min(self.grid) < 1:
            raise ValueError("a patch must not be larger than the input")
        return self

    @classmethod
    def from_name(cls, name: str) -> Self:
        """Read the name of a published folder; raises `ConfigError` when it is another one's.

        >>> M2dConfig.from_name("m2d_as_vit_base-80x1001p16x16p32k-240413_enconly").input_size
        (80, 1001)
        """
        found = re.fullmatch(r"m2d\w*_base-80x(\d+)p(\d+)x(\d+)(?:p(16k|32k)\w*)?-.*", name)
        if found is None:
            raise ConfigError(
                f"{name} is not the name of published M2D weights, such as"
                " m2d_vit_base-80x608p16x16-221006-mr7"
            )
        steps, bands, width, rate = found.groups()
        return cls(
            input_size=(80, int(steps)),
            patch_size=(int(bands), int(width)),
            sample_rate=32000 if rate == "32k" else 16000,
        )

    @property
    def grid(self) -> tuple[int, int]:
        """Number of patches along frequency and along time."""
        return (
            self.input_size[0] // self.patch_size[0],
            self.input_size[1] // self.patch_size[1],
        )


class M2d(WaveformEncoder):
    """A vision transformer over patches of a log-mel spectrogram; 6.25 frames a second at 16 x 16.

    A clip is heard in chunks of `input_size` steps, as in the authors' portable runtime, and a
    frame's embedding joins those of all patches of its time, from low to high frequency. The
    layers are the patch embeddings with their positions and the output of every block, that of
    the last one normalised. Where a chunk is no whole number of patches, its last steps are not
    heard; frames are then a little less than evenly spaced.

    Niizumi et al., Masked Modeling Duo: learning representations by encouraging both networks to
    model the input, ICASSP 2023. The public weights are for evaluation only, not for commerce.

    >>> sizes = {"embed_dim": 8, "depth": 1, "num_heads": 2}
    >>> m2d = M2d(M2dConfig(**sizes)).eval()
    >>> m2d(torch.zeros(1, 101, 80), torch.tensor([101])).shape
    torch.Size([1, 2, 7, 40])
    """

    front_end: M2dMel

    def __init__(
        self,
        config: M2dConfig,
        *,
        mean: float = _FIRST_STATISTICS[0],
        deviation: float = _FIRST_STATISTICS[1],
        licence: str = "NTT evaluation licence",
        sha256: str = "",
    ) -> None:
        super().__init__()
        self.config = config
        self.front_end = M2dMel(mean, deviation, config.sample_rate)
        width, (bands, steps) = config.embed_dim, config.grid
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + bands * steps, width))
        self.patch_embed = nn.ModuleDict(
            {"proj": nn.Conv2d(1, width, config.patch_size, config.patch_size)}
        )
        hidden = int(width * config.mlp_ratio)
        self.blocks = nn.ModuleList(
            _Block(width, config.num_heads, hidden) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.facts = EncoderFacts(
            sample_rate=config.sample_rate,
            hop=self.front_end.hop * config.patch_size[1],
            layers=config.depth + 1,
            features=width * bands,
            licence=licence,
            sha256=sha256,
        )

    def frames(self, steps: Tensor) -> Tensor:
        """Number of frames `[batch]`: one for every begun patch that a chunk has room for."""
        chunk, patch, room = self.config.input_size[1], self.config.patch_size[1], self._room
        begun = (steps % chunk + patch - 1) // patch
        return steps // chunk * room + begun.clamp_max(room)

    def forward(self, prepared: Tensor, steps: Tensor) -> Tensor:
        """Return `[batch, layer, frame, feature]` for `prepared` `[batch, step, 80]`."""
        batch, length = prepared.shape[:2]
        chunk, patch = self.config.input_size[1], self.config.patch_size[1]
        chunks = -(-length // chunk)
        width = chunk if chunks > 1 else min(chunk, -(-length // patch) * patch)
        padded = pad(prepared, (0, 0, 0, chunks * width - length))
        image = padded.reshape(batch * chunks, 1, width, _MELS).transpose(2, 3)
        patches = self.patch_embed["proj"](image)
        begins = self._room * torch.arange(chunks, device=steps.device)
        counts = (self.frames(steps)[:, None] - begins).flatten()
        real = mark_real(counts, patches.shape[-1])
        layers = torch.stack(self._transform(patches, real), dim=1)
        # [batch * chunk, layer, band, step, feature] -> [batch, layer, chunk * step, ...]
        layers = (layers * real[:, None, None, :, None]).transpose(2, 3).flatten(3)
        layers = layers.view(batch, chunks, *layers.shape[1:]).transpose(1, 2).flatten(2, 3)
        longest = length // chunk * self._room + min(-(-(length % chunk) // patch), self._room)
        return layers[:, :, :longest]

    @property
    def _room(self) -> int:
        """Frames of a whole chunk."""
        return self.config.grid[1]

    def _transform(self, patches: Tensor, real: Tensor) -> list[Tensor]:
        """Return each layer as `[chunk, band, step, feature]`."""
        bands, steps = patches.shape[2:]
        first, places = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        places = places.view(1, *self.config.grid, -1)[:, :, :steps].flatten(1, 2)
        tokens = patches.flatten(2).transpose(1, 2) + places
        summary = (self.cls_token + first).expand(len(tokens), -1, -1)
        tokens = torch.cat((summary, tokens), dim=1)
        heard = torch.cat((torch.ones_like(real[:, :1]), real.repeat(1, bands)), dim=1)
        layers = [tokens]
        for block in self.blocks:
            layers.append(block(layers[-1], heard))
        layers[-1] = self.norm(layers[-1])
        return [layer[:, 1:].reshape(len(layer), bands, steps, -1) for layer in layers]


def load_m2d(config: Mapping[str, Any], weights: Path, sha256: str = "") -> M2d:
    """Return M2D with published weights, in evaluation mode.

    `config` has the fields of `M2dConfig`, `weights` is a published .pth file or the same as
    .safetensors. The mean and deviation of the spectrograms are taken from the weights.

    Raises `ConfigError` when the configuration is impossible or the weights don't fit it.
    """
    try:
        sizes = M2dConfig.model_validate(config)
    except ValidationError as error:
        raise ConfigError(f"the configuration of {weights} is not M2D's: {error}") from error
    state = _read(weights)
    prefix = next((p for p in _PREFIXES if any(name.startswith(p) for name in state)), "")
    state = {name: value for name, value in state.items() if name.startswith(prefix)}
    mean, deviation = state.pop(f"{prefix}norm_stats", torch.tensor(_FIRST_STATISTICS)).tolist()
    m2d = M2d(sizes, mean=mean, deviation=deviation, sha256=sha256)
    load_published(m2d, state, source=weights, prefix=prefix, left_out=_LEFT_OUT)
    return m2d.eval()


def _read(weights: Path) -> dict[str, Tensor]:
    """Read named tensors; in a .pth file they may be nested in "model", beside other things."""
    if weights.suffix != ".pth" or not weights.is_file():
        return read_weights(weights)
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(weights, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ConfigError(f"{weights} is damaged, or no file of weights: {error}") from error
    if isinstance(content, dict) and isinstance(content.get("model"), dict):
        content = content["model"]
    if not isinstance(content, dict) or not all(isinstance(v, Tensor) for v in content.values()):
        raise ConfigError(f"{weights} holds something else than named tensors")
    return dict(content)


class _Block(nn.Module):
    """A block of a vision transformer, with the names of the package timm."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = _Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, hidden), "fc2": nn.Linear(hidden, width)})

    def forward(self, tokens: Tensor, heard: Tensor) -> Tensor:
        tokens = tokens + self.attn(self.norm1(tokens), heard)
        inner: Tensor = self.mlp["fc2"](gelu(self.mlp["fc1"](self.norm2(tokens))))
        return tokens + inner


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor, heard: Tensor) -> Tensor:
        projected = self.qkv(tokens).view(*tokens.shape[:2], 3, self.heads, -1)
        query, key, value = projected.permute(2, 0, 3, 1, 4).unbind(0)
        seen = scaled_dot_product_attention(query, key, value, attn_mask=heard[:, None, None])
        output: Tensor = self.proj(seen.transpose(1, 2).flatten(2))
        return output
