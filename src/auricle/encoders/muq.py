"""MuQ, a network that was trained on music without labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator
from torch import Tensor, nn

from auricle.core.errors import ConfigError
from auricle.encoders.conformer import Activation, Conformer, ConformerOptions
from auricle.encoders.image_weights import read_weights
from auricle.encoders.masking import mark_real, rest_batch_norms
from auricle.encoders.published import load_published
from auricle.encoders.waveform import EncoderFacts, WaveformEncoder
from auricle.signal.music_front_ends import MuqMel

# Of use in the training of MuQ only: quantisers of the targets, projections to tokens and to the
# spectrogram; and what its networks hold but never call.
_LEFT_OUT = (
    "rvq.",
    "quantizer_",
    "linear.",
    "recon_proj.",
    "cls_token",
    "conformer.pos_conv_embed.",
)
# Strides over time of the two convolutions, by embeddings a second.
_STRIDES: dict[int, tuple[int, int]] = {25: (2, 2), 50: (2, 1)}


class _Published(BaseModel):
    """A published configuration also says how the network was trained: that is not read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Wav2vec2Config(_Published):
    """What is read of `w2v2_config`, with the names and values of wav2vec2-conformer."""

    hidden_act: Activation = "swish"
    intermediate_size: PositiveInt = 4096
    num_attention_heads: PositiveInt = 16
    conv_depthwise_kernel_size: PositiveInt = 31
    layer_norm_eps: float = 1e-5
    position_embeddings_type: Literal["rotary"]
    rotary_embedding_base: float = 10000.0


class MelStatisticsConfig(_Published):
    """What is read of `stat`: the spectrogram's mean and standard deviation in dB."""

    melspec_2048_mean: float
    melspec_2048_std: float = Field(gt=0.0)


class MuqConfig(_Published):
    """What is read of MuQ's published config.json."""

    label_rate: Literal[25, 50] = 25
    hop_length: PositiveInt = 240
    n_mels: Literal[128] = 128
    conv_dim: PositiveInt = 512
    encoder_dim: PositiveInt = 1024
    encoder_depth: PositiveInt = 12
    stat: MelStatisticsConfig
    w2v2_config: Wav2vec2Config

    @model_validator(mode="after")
    def _fits(self) -> Self:
        blocks = self.w2v2_config
        if self.encoder_dim % (2 * blocks.num_attention_heads):
            raise ValueError(
                f"{blocks.num_attention_heads} heads of even width do not fit {self.encoder_dim}"
            )
        if blocks.conv_depthwise_kernel_size % 2 == 0:
            raise ValueError("the depthwise kernel must be of odd size")
        return self

    def conformer(self) -> ConformerOptions:
        """Return the options of the conformer blocks."""
        blocks = self.w2v2_config
        return ConformerOptions(
            width=self.encoder_dim, depth=self.encoder_depth, hidden=blocks.intermediate_size,
            heads=blocks.num_attention_heads, kernel=blocks.conv_depthwise_kernel_size,
            activation=blocks.hidden_act, eps=blocks.layer_norm_eps,
            rotary_base=blocks.rotary_embedding_base,
        )  # fmt: skip


class Muq(WaveformEncoder):
    """Two residual convolutions over a mel spectrogram, and conformer blocks; 25 frames a second.

    The layers are all hidden states: the input of each of the conformer blocks (the first is the
    convolutions' output) and the normalised output of the last. Zhu et al., MuQ: self-supervised
    music representation learning with Mel residual vector quantization, 2025; the public weights
    (OpenMuQ/MuQ-large-msd-iter) may not be used commercially.
    """

    front_end: MuqMel

    def __init__(
        self, config: MuqConfig, *, licence: str = "CC-BY-NC-4.0", sha256: str = ""
    ) -> None:
        super().__init__()
        self.front_end = MuqMel(
            config.stat.melspec_2048_mean, config.stat.melspec_2048_std, config.hop_length
        )
        self.conv = _Subsampling(
            config.conv_dim, config.encoder_dim, config.n_mels, _STRIDES[config.label_rate]
        )
        self.conformer = Conformer(config.conformer())
        self.facts = EncoderFacts(
            sample_rate=self.front_end.sample_rate,
            hop=config.hop_length * 100 // config.label_rate,
            layers=config.encoder_depth + 1,
            features=config.encoder_dim,
            licence=licence,
            sha256=sha256,
        )

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation mode; batch normalisation stays as it was trained."""
        super().train(mode)
        rest_batch_norms(self)
        return self

    def frames(self, steps: Tensor) -> Tensor:
        """Number of frames `[batch]`: a quarter (or half) of the steps, rounded up twice."""
        for stride in self.conv.strides:
            steps = _over(steps, stride)
        return steps

    def forward(self, prepared: Tensor, steps: Tensor) -> Tensor:
        """Return `[batch, layer, frame, feature]` for `prepared` `[batch, step, 128]`."""
        frames = self.conv(prepared, steps)
        real = mark_real(self.frames(steps), frames.shape[1])
        states = torch.stack(self.conformer(frames, real), dim=1)
        return states * real[:, None, :, None]


def load_muq(config: Mapping[str, Any], weights: Path, sha256: str = "") -> Muq:
    """Return MuQ with published weights, in evaluation mode.

    `config` is what is in the config.json beside them, `weights` a .safetensors or .bin file by
    the published names. Quantisers and projections that only its training needs are left out.

    Raises `ConfigError` when the configuration is another network's or the weights don't fit it.
    """
    try:
        muq = Muq(MuqConfig.model_validate(config), sha256=sha256)
    except ValidationError as error:
        raise ConfigError(f"the configuration beside {weights} is not MuQ's: {error}") from error
    load_published(muq, read_weights(weights), source=weights, prefix="model.", left_out=_LEFT_OUT)
    return muq.eval()


def _over(steps: Tensor, stride: int) -> Tensor:
    return (steps + stride - 1) // stride


class _Subsampling(nn.Module):
    def __init__(self, channels: int, features: int, bands: int, strides: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.ModuleList(
            [_Residual(1, channels, strides[0]), _Residual(channels, channels, strides[1])]
        )
        self.strides = strides
        self.linear = nn.Linear(channels * bands // 4, features)

    def forward(self, prepared: Tensor, steps: Tensor) -> Tensor:
        image = prepared.transpose(1, 2).unsqueeze(1)
        for block, stride in zip(self.conv, self.strides, strict=True):
            steps = _over(steps, stride)
            image = block(image, steps)
        frames: Tensor = self.linear(image.flatten(1, 2).transpose(1, 2))
        return frames


class _Residual(nn.Module):
    """Images `[batch, channel, band, step]`; the bands are halved, the steps too with stride 2.

    `steps` `[batch]` is how many of the steps that come out are real.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, padding=1, stride=(2, stride))
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(after)
        self.conv3 = nn.Conv2d(before, after, 3, padding=1, stride=(2, stride))
        self.bn3 = nn.BatchNorm2d(after)

    def forward(self, image: Tensor, steps: Tensor) -> Tensor:
        inner = torch.relu(self.bn1(self.conv1(image)))
        real = mark_real(steps, inner.shape[-1])[:, None, None]
        inner = self.bn2(self.conv2(inner * real))
        return torch.relu(inner + self.bn3(self.conv3(image))) * real
