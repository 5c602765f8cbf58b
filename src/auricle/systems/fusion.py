"""The assembled fusion of encoders and members in torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from auricle.encoders.clock import embed_at_rate
from auricle.encoders.waveform import WaveformEncoder
from auricle.heads.aggregation import (
    Aggregation,
    AttentionAggregation,
    HiddenBlstm,
    MeanAggregation,
    StatisticsAggregation,
    TimeBlstm,
)
from auricle.heads.axes import AxisHeads
from auricle.heads.fusion import BranchInput, FusionHead, Shape
from auricle.systems.fusion_config import AggregationConfig, FusionConfig, MemberConfig


class Fusion(nn.Module):
    """Frozen encoders, and the members that read them."""

    def __init__(
        self,
        encoders: Mapping[str, WaveformEncoder],
        members: Sequence[FusionHead],
        config: FusionConfig,
    ) -> None:
        super().__init__()
        # Typed as what they are; the dictionary registers them.
        self.by_name = dict(encoders)
        self.encoders = nn.ModuleDict(encoders)
        self.members = nn.ModuleList(members)
        self.reads = tuple(member.encoders for member in config.members)
        self.frame_rate = config.frame_rate

    def forward(self, prepared: Mapping[str, Tensor], bins: Tensor) -> Tensor:
        """Return the ratings `[member, axis]` of one clip, on the axes' scales.

        `prepared` holds the front ends' outputs `[1, step, channel]` by encoder; `bins` `[bin]` has
        as many elements as the clip has embeddings.
        """
        embeddings = {
            name: embed_at_rate(self.by_name[name], values, self.frame_rate, bins.shape[0])
            for name, values in prepared.items()
        }
        count = torch.full((1,), bins.shape[0])
        ratings = [
            member([embeddings[name] for name in reads], count)
            for member, reads in zip(self.members, self.reads, strict=True)
        ]
        return torch.cat(ratings)


def build_member(config: MemberConfig, shapes: Mapping[str, Shape], axes: int) -> FusionHead:
    """Build a member that reads encoders of these shapes, with fresh weights.

    >>> member = build_member(MemberConfig(encoders=("mel",)), {"mel": Shape(1, 64)}, axes=2)
    >>> member([torch.zeros(3, 1, 50, 64)], torch.tensor([50, 50, 10])).shape
    torch.Size([3, 2])
    """
    branches = [
        BranchInput(shapes[name], weighted=name in config.weighted) for name in config.encoders
    ]
    features = sum(shapes[name].features for name in config.encoders)
    aggregation = _build_aggregation(config.aggregation, features)
    heads = AxisHeads(aggregation.features, axes, config.hidden, config.dropout)
    return FusionHead(branches, aggregation, heads, axes)


def _build_aggregation(config: AggregationConfig, features: int) -> Aggregation:
    if config.kind == "blstm_h":
        return HiddenBlstm(features, config.hidden)
    if config.kind == "blstm_t":
        return TimeBlstm(features, config.hidden)
    if config.kind == "attention":
        return AttentionAggregation(features, config.hidden)
    return MeanAggregation(features) if config.kind == "mlp" else StatisticsAggregation(features)
