"""The encoder of Whisper, for clips of any length up to the 30 s it was trained on."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from auricle.core.errors import ConfigError, SignalError
from auricle.encoders.checkpoints import Weights
from auricle.encoders.masking import mark_real
from auricle.encoders.published import load_published
from auricle.encoders.waveform import EncoderFacts, WaveformEncoder
from auricle.signal.speech_front_ends import WhisperMel

# Where the encoder's tensors are in published files, and what else these hold.
_PREFIXES = ("model.encoder.", "encoder.")
_LEFT_OUT = (
    "model.decoder.", "decoder.", "proj_out.", "projector.", "classifier.", "layer_weights",
)  # fmt: skip
# Log-mel steps per frame: the stride of the second convolution.
_STRIDE = 2


class Whisper(WaveformEncoder):
    """The encoder of Whisper (Radford et al., 2022, Sec. 2.2), of any size.

    Its layers are the input of the first transformer layer and the output of each, the last one
    normalised. The original pads every clip to 30 s with silence, which it then attends to; here
    the positions end with the clip and padding is masked, so a clip of 10 s costs a third. At 30 s
    the two are the same.

    >>> config = {"model_type": "whisper", "d_model": 16, "encoder_layers": 2,
    ...           "encoder_attention_heads": 2, "encoder_ffn_dim": 32}
    >>> encoder = build_whisper(config, licence="none")
    >>> encoder(torch.zeros(1, 100, 80), torch.tensor([100])).shape
    torch.Size([1, 3, 50, 16])
    """

    def __init__(self, network: WhisperEncoder, licence: str, sha256: str = "") -> None:
        super().__init__()
        self.network = network
        config = network.config
        self.front_end = WhisperMel(config.num_mel_bins)
        self.longest = _STRIDE * config.max_source_positions
        self.facts = EncoderFacts(
            sample_rate=self.front_end.sample_rate,
            hop=_STRIDE * self.front_end.hop,
            layers=config.encoder_layers + 1,
            features=config.d_model,
            licence=licence,
            sha256=sha256,
        )

    def frames(self, steps: Tensor) -> Tensor:
        """Number of frames `[batch]` that so many log-mel steps `[batch]` give."""
        return torch.div(steps + _STRIDE - 1, _STRIDE, rounding_mode="floor")

    def forward(self, prepared: Tensor, steps: Tensor) -> Tensor:
        """Return `[batch, layer, frame, feature]` for `prepared` `[batch, step, mel]`.

        Raises `SignalError` for a clip without steps or beyond the 30 s.
        """
        longest = prepared.shape[1]
        if not 1 <= longest <= self.longest:
            raise SignalError(
                f"Whisper takes clips of 1 to {self.longest} steps of 10 ms, not of {longest}:"
                " cut longer ones into segments"
            )
        network, frames = self.network, self.frames(steps)
        # What lies beyond a clip's end has to be zero for each convolution, as at the batch's end.
        beyond = ~mark_real(steps, longest)[:, None]
        image = prepared.transpose(1, 2)
        image = nn.functional.gelu(network.conv1(image)).masked_fill(beyond, 0.0)
        hidden = nn.functional.gelu(network.conv2(image)).transpose(1, 2)
        hidden = hidden + network.embed_positions.weight[: hidden.shape[1]]
        hidden = nn.functional.dropout(hidden, network.dropout, self.training)
        padding = ~mark_real(frames, hidden.shape[1])
        mask = torch.zeros_like(padding, dtype=hidden.dtype)
        mask = mask.masked_fill(padding, torch.finfo(hidden.dtype).min)[:, None, None]
        layers = [hidden]
        for layer in network.layers:
            layers.append(layer(layers[-1], mask))
        layers[-1] = network.layer_norm(layers[-1])
        return torch.stack(layers, dim=1).masked_fill(padding[:, None, :, None], 0.0)


def build_whisper(config: Mapping[str, Any], *, licence: str, sha256: str = "") -> Whisper:
    """Return an encoder with random weights, by the fields of a published config.json.

    Raises `ConfigError` when the configuration is not Whisper's, or impossible.
    """
    if config.get("model_type") != "whisper":
        raise ConfigError(f"model_type is {config.get('model_type')!r}, not 'whisper'")
    known = set(inspect.signature(WhisperConfig).parameters) - {"dtype"}
    fields = {name: value for name, value in config.items() if name in known}
    try:
        network = WhisperEncoder(WhisperConfig(**fields))
    except (StrictDataclassError, TypeError, ValueError) as error:
        raise ConfigError(f"no Whisper encoder has this configuration: {error}") from error
    return Whisper(network, licence, sha256)


def load_whisper(weights: Weights, *, licence: str) -> Whisper:
    """Return an encoder with published weights, loaded strictly, in evaluation mode.

    Of the file's tensors only the decoder and heads are left out. Raises `ConfigError` when
    anything is missing or left over.
    """
    encoder = build_whisper(weights.config, licence=licence, sha256=weights.sha256)
    state = weights.tensors()
    prefix = next((prefix for prefix in _PREFIXES if any(n.startswith(prefix) for n in state)), "")
    wanted = {name: value for name, value in state.items() if not name.startswith(_LEFT_OUT)}
    source = f"the file with SHA-256 {weights.sha256}"
    load_published(encoder.network, wanted, source=source, prefix=prefix)
    return encoder.eval()
