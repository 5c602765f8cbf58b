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
    ConvolutionAggregation,
    HiddenBlstm,
    MeanAggregation,
    StatisticsAggregation,
    TimeBlstm,
)
from auricle.heads.axes import AxisHeads
from auricle.heads.axis_layers import AxisLayersHead
from auricle.heads.fusion import BranchInput, FusionHead, Shape
from auricle.heads.member import MemberHead
from auricle.heads.multi_gauss import MultiGaussHead
from auricle.systems.fusion_config import AggregationConfig, FusionConfig, MemberConfig


class Fusion(nn.Module):
    """Frozen encoders, and the members that read them."""

    def __init__(
        self,
        encoders: Mapping[str, WaveformEncoder],
        members: Sequence[MemberHead],
        config: FusionConfig,
    ) -> None:
        super().__init__()
        # Typed as what they are; the dictionary registers them.
        self.by_name = dict(encoders)
        self.encoders = nn.ModuleDict(encoders)
        self.members = nn.ModuleList(members)
        self.reads = tuple(member.encoders for member in config.members)
        self.frame_rate = config.frame_rate
        self.tells_covariance = config.tells_covariance

    def forward(self, prepared: Mapping[str, Tensor], bins: Tensor) -> tuple[Tensor, Tensor]:
        """Return the ratings `[member, axis]` of one clip, on the axes' scales, and the factors.

        Those are of the covariance of each member's errors, `[member, axis, axis]`, and empty
        `[member, 0, 0]` unless all members know it.

        `prepared` holds the front ends' outputs `[1, step, channel]` by encoder; `bins` `[bin]` has
        as many elements as the clip has embeddings.
        """
        embeddings = {
            name: embed_at_rate(self.by_name[name], values, self.frame_rate, bins.shape[0])
            for name, values in prepared.items()
        }
        count = torch.full((1,), bins.shape[0])
        found = [
            member([embeddings[name] for name in reads], count)
            for member, reads in zip(self.members, self.reads, strict=True)
        ]
        ratings = torch.cat([one.mean for one in found])
        if not self.tells_covariance:
            return ratings, ratings.new_zeros(len(found), 0, 0)
        return ratings, torch.cat([one.factor for one in found])


def build_member(config: MemberConfig, shapes: Mapping[str, Shape], axes: int) -> MemberHead:
    """Build a member that reads encoders of these shapes, with fresh weights.

    >>> member = build_member(MemberConfig(encoders=("mel",)), {"mel": Shape(1, 64)}, axes=2)
    >>> member([torch.zeros(3, 1, 50, 64)], torch.tensor([50, 50, 10])).mean.shape
    torch.Size([3, 2])
    """
    if (layers := config.axis_layers) is not None:
        (name,) = config.encoders
        return AxisLayersHead(
            shapes[name],
            axes,
            blocks=layers.blocks,
            hidden=config.hidden,
            layer_norm=layers.layer_norm,
            dropout=config.dropout,
        )
    branches = [
        BranchInput(shapes[name], weighted=name in config.weighted) for name in config.encoders
    ]
    features = sum(shapes[name].features for name in config.encoders)
    aggregation = _build_aggregation(config.aggregation, features)
    kind = MultiGaussHead if config.head == "multi_gauss" else AxisHeads
    heads = kind(aggregation.features, axes, config.hidden, config.dropout)
    return FusionHead(branches, aggregation, heads, axes)


def _build_aggregation(config: AggregationConfig, features: int) -> Aggregation:
    if config.kind == "blstm_h":
        return HiddenBlstm(features, config.hidden)
    if config.kind == "blstm_t":
        return TimeBlstm(features, config.hidden)
    if config.kind == "attention":
        return AttentionAggregation(features, config.hidden)
    if config.kind == "convolution":
        return ConvolutionAggregation(features, config.hidden)
    return MeanAggregation(features) if config.kind == "mlp" else StatisticsAggregation(features)
