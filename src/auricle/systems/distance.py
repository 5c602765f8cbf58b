"""The assembled network of a system that judges by distance, in torch."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from auricle.core.errors import ConfigError
from auricle.encoders.lora import add_lora, merged_state
from auricle.encoders.waveform import WaveformEncoder
from auricle.heads.projection import ProjectionHead, count_windows
from auricle.systems.distance_config import DistanceConfig
from auricle.systems.encoders import build_encoder, load_encoder


class DistanceNetwork(nn.Module):
    """An encoder and the projection of its frames, by windows of `window` frames or by clip."""

    def __init__(self, encoder: WaveformEncoder, head: ProjectionHead, window: int | None) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.window = window

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation mode; an encoder that does not learn stays as it is heard."""
        super().train(mode)
        if not any(parameter.requires_grad for parameter in self.encoder.parameters()):
            self.encoder.eval()
        return self

    def forward(self, prepared: Tensor, steps: Tensor) -> Tensor:
        """Return embeddings `[batch, window, size]`; those beyond a clip's windows are zero.

        `prepared` `[batch, step, channel]` is the front end's output padded by zeros, `steps`
        `[batch]` how many of its steps each clip really has.
        """
        frames = self.encoder.frames(steps)
        embeddings: Tensor = self.head(self.encoder(prepared, steps), frames, self.window)
        return embeddings.unsqueeze(1) if self.window is None else embeddings

    def windows(self, steps: Tensor) -> Tensor:
        """Return how many embeddings `[batch]` clips of so many steps `[batch]` have."""
        return count_windows(self.encoder.frames(steps), self.window)


def build_distance_network(config: DistanceConfig) -> tuple[DistanceNetwork, DistanceConfig]:
    """Load the encoder, put a fresh projection on it, and say what of them learns.

    Returned beside it is the resolved configuration, in which `hop` and the encoder's settings,
    front end, checksum and licence are filled in. With `train_encoder` "lora" only the adapters and
    the projection learn, with "frozen" only the projection.

    Raises `ConfigError` that says how to get weights which are not there, when no layer is called
    like a target of LoRA, and when the encoder wants another sample rate.

    >>> config = DistanceConfig.model_validate({
    ...     "name": "demo", "tag": "v1", "summary": "", "licence": "", "citation": "", "size": 8,
    ...     "encoder": {"kind": "mel_statistics", "settings": {}}, "window": 24})
    >>> network, resolved = build_distance_network(config)
    >>> network.windows(torch.tensor([376])), resolved.encoder.front_end["kind"]
    (tensor([4]), 'LogMel')
    """
    encoder, source = load_encoder(config.encoder)
    encoder.requires_grad_(config.train_encoder == "full")
    if (lora := config.lora) is not None:
        add_lora(encoder, lora.rank, lora.alpha, lora.targets, lora.dropout)
    resolved = config.model_copy(update={"encoder": source, "hop": encoder.facts.hop})
    return _assemble(encoder, config), resolved


def merge_adapters(network: DistanceNetwork, config: DistanceConfig) -> DistanceNetwork:
    """Return a copy to be run or saved: adapters merged into the weights, in evaluation mode.

    `config` is the resolved configuration of the network.
    """
    # Fresh weights are drawn and thrown away: nobody's random numbers are to change by that.
    with torch.random.fork_rng(devices=[]):
        merged = rebuild_distance_network(config)
    merged.load_state_dict(merged_state(network), strict=True)
    return merged.eval()


def rebuild_distance_network(config: DistanceConfig) -> DistanceNetwork:
    """Build the network of a bundle, adapters merged, by a resolved configuration.

    Its weights are fresh: the bundle's are loaded into it. Raises `ConfigError` for settings that
    its encoder does not know.
    """
    return _assemble(build_encoder(config.encoder), config)


def _assemble(encoder: WaveformEncoder, config: DistanceConfig) -> DistanceNetwork:
    if encoder.facts.sample_rate != config.sample_rate:
        raise ConfigError(
            f"encoder {config.encoder.kind} hears {encoder.facts.sample_rate} Hz: set sample_rate"
            f" to that, not to {config.sample_rate}"
        )
    head = ProjectionHead(encoder.facts.layers, encoder.facts.features, config.size, config.dropout)
    return DistanceNetwork(encoder, head, config.window)
