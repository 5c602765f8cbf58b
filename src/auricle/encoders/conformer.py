"""Conformer blocks as in wav2vec2-conformer, with rotary positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import glu, scaled_dot_product_attention

Activation = Literal["swish", "silu", "gelu", "relu"]
_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "swish": nn.SiLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "relu": nn.ReLU,
}


@dataclass(frozen=True, slots=True)
class ConformerOptions:
    """Sizes of a `Conformer`; `hidden` is that of the feed-forward parts, `kernel` is odd."""

    width: int
    depth: int
    hidden: int
    heads: int
    kernel: int = 31
    activation: Activation = "swish"
    eps: float = 1e-5
    rotary_base: float = 10000.0


class Conformer(nn.Module):
    """A stack of conformer blocks under a last normalisation.

    Each block is half a feed-forward step, self-attention, a depthwise convolution over time and
    another half step, all residual, and normalised (Gulati et al., Conformer, Interspeech 2020,
    Fig. 1). As in the public wav2vec2-conformer, rotary positions (Su et al., 2021) turn the
    input of the query and key projections, not their output, and batch normalisation follows the
    depthwise convolution. Parameters go by the names of that implementation. Nothing is dropped
    out in training.

    >>> conformer = Conformer(ConformerOptions(8, depth=2, hidden=16, heads=2, kernel=3))
    >>> [tuple(states.shape) for states in conformer(torch.zeros(1, 5, 8), torch.ones(1, 5) > 0)]
    [(1, 5, 8), (1, 5, 8), (1, 5, 8)]
    """

    def __init__(self, options: ConformerOptions) -> None:
        super().__init__()
        self.embed_positions = _Rotary(options.width // options.heads, options.rotary_base)
        self.layers = nn.ModuleList(_Block(options) for _ in range(options.depth))
        self.layer_norm = nn.LayerNorm(options.width, eps=options.eps)

    def forward(self, frames: Tensor, real: Tensor) -> list[Tensor]:
        """Return the input of every block and the normalised output, `[batch, frame, width]`.

        `real` `[batch, frame]` is true where `frames` `[batch, frame, width]` is no padding.
        """
        frames = frames * real.unsqueeze(-1)
        states = []
        for block in self.layers:
            states.append(frames)
            frames = block(frames, real, self.embed_positions(frames.shape[1]))
        return [*states, self.layer_norm(frames)]


class _Rotary(nn.Module):
    """Cosines and sines `[frame, head_width]` of each frame's angles."""

    inv_freq: Tensor

    def __init__(self, width: int, base: float) -> None:
        super().__init__()
        exponents = torch.arange(0, width, 2, dtype=torch.float32) / width
        self.register_buffer("inv_freq", 1.0 / base**exponents)

    def forward(self, frames: int) -> tuple[Tensor, Tensor]:
        places = torch.arange(frames, device=self.inv_freq.device).to(self.inv_freq)
        angles = torch.outer(places, self.inv_freq).repeat(1, 2)
        return angles.cos(), angles.sin()


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.linear_q = nn.Linear(width, width)
        self.linear_k = nn.Linear(width, width)
        self.linear_v = nn.Linear(width, width)
        self.linear_out = nn.Linear(width, width)

    def forward(self, frames: Tensor, real: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
        turned = self._turn(frames, *angles)
        query, key, value = (
            projected.view(*frames.shape[:2], self.heads, -1).transpose(1, 2)
            for projected in (self.linear_q(turned), self.linear_k(turned), self.linear_v(frames))
        )
        seen = scaled_dot_product_attention(query, key, value, attn_mask=real[:, None, None])
        projected: Tensor = self.linear_out(seen.transpose(1, 2).flatten(2))
        return projected

    def _turn(self, frames: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        heads = frames.view(*frames.shape[:2], self.heads, -1)
        begin, end = heads.chunk(2, dim=-1)
        across = torch.cat((-end, begin), dim=-1)
        turned = heads * cosine.unsqueeze(1) + across * sine.unsqueeze(1)
        return turned.flatten(2)


class _Convolution(nn.Module):
    def __init__(self, width: int, kernel: int, activation: Activation) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(width)
        self.pointwise_conv1 = nn.Conv1d(width, 2 * width, 1, bias=False)
        self.depthwise_conv = nn.Conv1d(
            width, width, kernel, padding=kernel // 2, groups=width, bias=False
        )
        self.batch_norm = nn.BatchNorm1d(width)
        self.activation = _ACTIVATIONS[activation]()
        self.pointwise_conv2 = nn.Conv1d(width, width, 1, bias=False)

    def forward(self, frames: Tensor, real: Tensor) -> Tensor:
        inner = glu(self.pointwise_conv1(self.layer_norm(frames).transpose(1, 2)), dim=1)
        inner = self.depthwise_conv(inner * real.unsqueeze(1))
        output: Tensor = self.pointwise_conv2(self.activation(self.batch_norm(inner)))
        return output.transpose(1, 2)


class _FeedForward(nn.Module):
    def __init__(self, width: int, hidden: int, activation: Activation) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(width, hidden)
        self.activation = _ACTIVATIONS[activation]()
        self.output_dense = nn.Linear(hidden, width)

    def forward(self, frames: Tensor) -> Tensor:
        output: Tensor = self.output_dense(self.activation(self.intermediate_dense(frames)))
        return output


class _Block(nn.Module):
    def __init__(self, options: ConformerOptions) -> None:
        super().__init__()
        width, hidden, activation = options.width, options.hidden, options.activation
        self.ffn1_layer_norm = nn.LayerNorm(width)
        self.ffn1 = _FeedForward(width, hidden, activation)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.self_attn = _Attention(width, options.heads)
        self.conv_module = _Convolution(width, options.kernel, activation)
        self.ffn2_layer_norm = nn.LayerNorm(width)
        self.ffn2 = _FeedForward(width, hidden, activation)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, frames: Tensor, real: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
        frames = frames + 0.5 * self.ffn1(self.ffn1_layer_norm(frames))
        frames = frames + self.self_attn(self.self_attn_layer_norm(frames), real, angles)
        frames = frames + self.conv_module(frames, real)
        frames = frames + 0.5 * self.ffn2(self.ffn2_layer_norm(frames))
        normalised: Tensor = self.final_layer_norm(frames)
        return normalised
