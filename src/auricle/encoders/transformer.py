"""WavLM, HuBERT, wav2vec 2.0 and MERT: convolutions over samples, then a transformer."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn
from transformers import (
    HubertConfig,
    HubertModel,
    PreTrainedConfig,
    PreTrainedModel,
    Wav2Vec2Config,
    Wav2Vec2Model,
    WavLMConfig,
    WavLMModel,
)
from transformers.models.wavlm.modeling_wavlm import WavLMAttention

from auricle.core.errors import ConfigError, SignalError
from auricle.encoders.checkpoints import Checkpoint
from auricle.encoders.masking import mark_real
from auricle.encoders.published import load_published
from auricle.encoders.waveform import EncoderFacts, WaveformEncoder
from auricle.signal.speech_front_ends import Standardise

TransformerKind = Literal["wavlm", "hubert", "wav2vec2", "mert"]

# Parts of published files that an encoder lacks: heads of fine-tuned models beside the encoder,
# and, in the encoder, what masks the input of pretraining or shortens the output of a translator.
_HEADS = ("lm_head.", "classifier.", "projector.", "layer_weights")
_SPEAKER_HEADS = ("tdnn.", "feature_extractor.", "objective.")
_PRETRAINING_HEADS = ("quantizer.", "project_q.", "project_hid.")
_LEFT_OUT = ("masked_spec_embed", "adapter.")
# Nothing is dropped or masked at random but by ordinary dropout, and no layer is left out.
_SWITCHES = {
    "layerdrop": 0.0,
    "apply_spec_augment": False,
    "mask_time_prob": 0.0,
    "mask_feature_prob": 0.0,
    "add_adapter": False,
    "return_dict": True,
}
# Options of MERT's own code, at the values at which it is HuBERT.
_MERT_OPTIONS = {"feature_extractor_cqt": False, "deepnorm": False, "attention_relax": -1.0}


@dataclass(frozen=True, slots=True)
class _Architecture:
    """How a kind is published: `model_type` in config.json, prefix of its keys, heads beside it."""

    model_type: str
    config: type[PreTrainedConfig]
    network: type[PreTrainedModel]
    prefix: str
    heads: tuple[str, ...]


_KINDS: dict[TransformerKind, _Architecture] = {
    "wavlm": _Architecture(
        "wavlm", WavLMConfig, WavLMModel, "wavlm.", _HEADS + _SPEAKER_HEADS
    ),
    "hubert": _Architecture("hubert", HubertConfig, HubertModel, "hubert.", _HEADS),
    "wav2vec2": _Architecture(
        "wav2vec2", Wav2Vec2Config, Wav2Vec2Model, "wav2vec2.",
        _HEADS + _SPEAKER_HEADS + _PRETRAINING_HEADS,
    ),
    "mert": _Architecture("mert_model", HubertConfig, HubertModel, "mert.", _HEADS),
}  # fmt: skip


class Convolutions(nn.Module):
    """The convolutions over samples, with each clip normalised over its own frames only.

    Models of norm "group" normalise every channel over time (Baevski et al., 2020, Sec. 2),
    padding included; here padding is left out, so a clip's features do not depend on it.
    """

    def __init__(self, layers: nn.ModuleList) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, samples: Tensor, steps: Tensor) -> Tensor:
        """Return `[batch, channel, frame]` for `samples` `[batch, step]`, `steps` `[batch]`."""
        hidden, frames = samples.unsqueeze(1), steps
        for layer in self.layers:
            convolution = cast(nn.Conv1d, layer.conv)
            frames = _frames(frames, convolution.kernel_size[0], convolution.stride[0])
            norm = getattr(layer, "layer_norm", None)
            if isinstance(norm, nn.GroupNorm):
                hidden = _normalise(convolution(hidden), frames, norm)
                hidden = cast(nn.Module, layer.activation)(hidden)
            else:
                hidden = layer(hidden)
        return hidden


class TransformerEncoder(WaveformEncoder):
    """WavLM, HuBERT, wav2vec 2.0 (so XLS-R too) or MERT, of any size.

    Its layers are the input of the first transformer layer and the output of each; of networks
    with a normalisation after the last one, the last layer is the normalised one.

    Sources: Chen et al. (2022, WavLM), Hsu et al. (2021, HuBERT), Baevski et al. (2020,
    wav2vec 2.0), Babu et al. (2022, XLS-R), Li et al. (2024, MERT). The networks are those of
    the package transformers.

    >>> sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    >>> config = {"model_type": "hubert", "intermediate_size": 32, "conv_dim": [8] * 7, **sizes}
    >>> encoder = build_transformer(
    ...     "hubert", config, sample_rate=16000, do_normalize=True, licence="none"
    ... )
    >>> encoder(torch.zeros(1, 16000, 1), torch.tensor([16000])).shape
    torch.Size([1, 3, 49, 16])
    """

    def __init__(
        self, network: PreTrainedModel, front_end: Standardise, licence: str, sha256: str = ""
    ) -> None:
        super().__init__()
        for module in network.modules():
            if type(module) is WavLMAttention:
                module.__class__ = _MaskedAttention
        # The convolutions need to know the lengths, which the network would not pass on.
        self.convolutions = Convolutions(
            cast(nn.ModuleList, cast(nn.Module, network.feature_extractor).conv_layers)
        )
        network.feature_extractor = nn.Identity()
        self.network = network
        self.front_end = front_end
        config: Any = network.config
        self.windows = tuple(zip(config.conv_kernel, config.conv_stride, strict=True))
        self.facts = EncoderFacts(
            sample_rate=front_end.sample_rate,
            hop=math.prod(config.conv_stride),
            layers=config.num_hidden_layers + 1,
            features=config.hidden_size,
            licence=licence,
            sha256=sha256,
        )

    def freeze_feature_encoder(self) -> None:
        """Keep the convolutions over samples as they are, and the backward pass out of them."""
        self.convolutions.requires_grad_(requires_grad=False)

    def frames(self, steps: Tensor) -> Tensor:
        """Number of frames `[batch]` that so many samples `[batch]` give."""
        for kernel, stride in self.windows:
            steps = _frames(steps, kernel, stride)
        return steps

    def forward(self, prepared: Tensor, steps: Tensor) -> Tensor:
        """Return `[batch, layer, frame, feature]` for `prepared` `[batch, step, 1]`.

        Raises `SignalError` for a clip that is too short for a frame.
        """
        frames = self.frames(steps)
        if int(frames.min()) < 1:
            raise SignalError(
                f"{int(steps.min())} samples are too short for this encoder, whose first frame"
                f" needs {self._shortest()}"
            )
        longest = int(steps.max())
        features = self.convolutions(prepared[:, :longest, 0], steps)
        output = self.network(
            features,
            attention_mask=mark_real(steps, longest).long(),
            output_hidden_states=True,
        )
        layers = torch.stack([*output.hidden_states[:-1], output.last_hidden_state], dim=1)
        padding = ~mark_real(frames, layers.shape[2])
        return layers.masked_fill(padding[:, None, :, None], 0.0)

    def _shortest(self) -> int:
        """How many samples the first frame needs."""
        samples = 1
        for kernel, stride in reversed(self.windows):
            samples = (samples - 1) * stride + kernel
        return int(samples)


def build_transformer(
    kind: TransformerKind,
    config: Mapping[str, Any],
    *,
    sample_rate: int,
    do_normalize: bool,
    licence: str,
    sha256: str = "",
) -> TransformerEncoder:
    """Return an encoder with random weights, by the fields of a published config.json.

    Fields that transformers does not know, such as a pointer to code, are not looked at.

    Raises `ConfigError` when the configuration is of another kind, or impossible.
    """
    architecture = _KINDS[kind]
    if config.get("model_type") != architecture.model_type:
        raise ConfigError(
            f"config.json says model_type {config.get('model_type')!r}, but {kind} needs"
            f" {architecture.model_type!r}"
        )
    if kind == "mert":
        _check_mert(config)
    known = set(inspect.signature(architecture.config).parameters) - {"dtype"}
    fields = {name: value for name, value in config.items() if name in known}
    switches = {name: value for name, value in _SWITCHES.items() if name in known}
    try:
        network = architecture.network(architecture.config(**fields | switches))
    except (StrictDataclassError, TypeError, ValueError) as error:
        raise ConfigError(f"no {kind} network has this configuration: {error}") from error
    return TransformerEncoder(network, Standardise(sample_rate, do_normalize), licence, sha256)


def load_transformer(
    kind: TransformerKind,
    checkpoint: Checkpoint,
    *,
    licence: str,
    sample_rate: int | None = None,
    do_normalize: bool | None = None,
    freeze_feature_encoder: bool = False,
) -> TransformerEncoder:
    """Return an encoder with published weights, loaded strictly, in evaluation mode.

    `sample_rate` in Hz and `do_normalize` are read from preprocessor_config.json unless given.
    Of the file's tensors only heads that an encoder lacks may be left over.

    Raises `ConfigError` when anything else is left over or missing, or the preprocessing is not
    known.
    """
    preprocessor = checkpoint.preprocessor()
    rate = sample_rate or preprocessor.get("sampling_rate")
    if do_normalize is None:
        do_normalize = preprocessor.get("do_normalize")
    if rate is None or do_normalize is None:
        raise ConfigError(
            f"{checkpoint.folder} does not say what these weights want of samples: copy"
            " preprocessor_config.json there, or give sample_rate and do_normalize"
        )
    encoder = build_transformer(
        kind,
        checkpoint.config,
        sample_rate=rate,
        do_normalize=do_normalize,
        licence=licence,
        sha256=checkpoint.sha256,
    )
    tensors = _encoder_tensors(checkpoint.tensors(), _KINDS[kind])
    load_published(encoder, tensors, source=checkpoint.weights)
    if freeze_feature_encoder:
        encoder.freeze_feature_encoder()
    return encoder.eval()


class _MaskedAttention(WavLMAttention):
    """WavLM's attention with the padding in the position bias.

    The original gives torch two masks of different types, which torch is about to refuse, and asks
    for the attention weights, which is slow.
    """

    def torch_multi_head_self_attention(  # type: ignore[override]  # it may return no weights
        self, hidden_states: Tensor, attention_mask: Tensor | None, gated_position_bias: Tensor
    ) -> tuple[Tensor, None]:
        shape = (*hidden_states.shape[:2], self.num_heads, self.head_dim)
        bias = gated_position_bias.view(shape[0], shape[2], shape[1], shape[1])
        if attention_mask is not None:
            bias = bias.masked_fill(~attention_mask[:, None, None].bool(), -math.inf)
        projections = (self.q_proj, self.k_proj, self.v_proj)
        query, key, value = (
            projection(hidden_states).view(shape).transpose(1, 2) for projection in projections
        )
        attended = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=bias, dropout_p=self.dropout if self.training else 0.0
        )
        return self.out_proj(attended.transpose(1, 2).flatten(2)), None


def _encoder_tensors(state: Mapping[str, Tensor], architecture: _Architecture) -> dict[str, Tensor]:
    """The tensors of the encoder by our names; heads are left out."""
    prefix = architecture.prefix
    if any(name.startswith(prefix) for name in state):
        strangers = [name for name in state if not name.startswith((prefix, *architecture.heads))]
        if strangers:
            raise ConfigError(f"these weights belong to another network: {', '.join(strangers)}")
        state = {
            name.removeprefix(prefix): value
            for name, value in state.items()
            if name.startswith(prefix)
        }
    ours = {}
    for name, value in state.items():
        if not name.startswith(_LEFT_OUT):
            head, _, tail = name.partition("feature_extractor.conv_layers.")
            ours[f"convolutions.layers.{tail}" if tail and not head else f"network.{name}"] = value
    return ours


def _check_mert(config: Mapping[str, Any]) -> None:
    for name, value in _MERT_OPTIONS.items():
        if config.get(name, value) != value:
            raise ConfigError(
                f"MERT with {name} {config[name]} is not supported, only {value} (MERT-v1-95M)"
            )


def _frames(steps: Tensor, kernel: int, stride: int) -> Tensor:
    return torch.div(steps - kernel, stride, rounding_mode="floor") + 1


def _normalise(hidden: Tensor, frames: Tensor, norm: nn.GroupNorm) -> Tensor:
    """Normalise each channel of `[batch, channel, frame]` over the first frames `[batch]`."""
    if int(frames.min()) == hidden.shape[2]:
        normalised: Tensor = norm(hidden)
        return normalised
    count = frames[:, None, None]
    within = mark_real(frames, hidden.shape[2])[:, None]
    mean = hidden.masked_fill(~within, 0.0).sum(dim=2, keepdim=True) / count
    centred = (hidden - mean).masked_fill(~within, 0.0)
    variance = centred.square().sum(dim=2, keepdim=True) / count
    weight, bias = norm.weight[:, None], norm.bias[:, None]
    return centred * (variance + norm.eps).rsqrt() * weight + bias
