"""Low-rank adaptation (LoRA) of any network's linear layers.

The weight itself is parametrized, rather than the layer wrapped (as peft does), for some networks
hand `layer.weight` to a function and never call the layer: WavLM of transformers is one, where
peft's adapters of the attention get no gradient and change nothing, without a word.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.utils import parametrize

from auricle.core.errors import ConfigError


class LowRank(nn.Module):
    """A weight plus a product of two thin matrices: `W + alpha / rank * up @ down`.

    Hu et al. (2021), Sec. 4.1: `down` `[rank, in]` starts at random (Kaiming), `up` `[out, rank]`
    at zero, so that nothing changes at first. In training, `dropout` is the probability that an
    input of the adapter is dropped, for the whole batch at once.

    >>> import torch
    >>> weight = torch.ones(3, 2)
    >>> torch.equal(LowRank(weight, rank=1, alpha=1.0)(weight), weight)
    True
    """

    def __init__(self, weight: Tensor, rank: int, alpha: float, dropout: float = 0.0) -> None:
        super().__init__()
        self.scale = alpha / rank
        self.dropout = nn.Dropout(dropout)
        self.down = nn.Parameter(weight.new_empty(rank, weight.shape[1]))
        self.up = nn.Parameter(weight.new_zeros(weight.shape[0], rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5.0))

    def forward(self, weight: Tensor) -> Tensor:
        """Return the adapted weight `[out, in]`."""
        kept = self.dropout(self.down.new_ones(self.down.shape[1]))
        adapted: Tensor = weight + self.scale * (self.up @ (self.down * kept))
        return adapted


def add_lora(
    module: nn.Module,
    rank: int,
    alpha: float,
    targets: Sequence[str],
    dropout: float = 0.0,
) -> list[str]:
    """Freeze a network and adapt its linear layers of these names; return their full names.

    A target is the end of a layer's name, of one part or more ("q_proj", "attention.q_proj"). What
    else is to learn (a head) is made trainable afterwards, or lives outside `module`.

    Raises `ConfigError` for impossible sizes, and when a target is no linear layer's name or names
    one that is parametrized already.

    >>> network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    >>> add_lora(network, rank=1, alpha=1.0, targets=["1"])
    ['1']
    >>> round(trainable_share(network), 3)
    0.167
    """
    if rank < 1 or alpha <= 0 or not 0 <= dropout < 1:
        raise ConfigError(
            "LoRA needs a rank of 1 or more, a positive alpha and a dropout from 0 to below 1, not"
            f" rank {rank}, alpha {alpha}, dropout {dropout}"
        )
    names = _linear_layers(module, targets)
    module.requires_grad_(False)
    for name in names:
        layer = module.get_submodule(name)
        weight: Tensor = layer.weight  # type: ignore[assignment]
        adapter = LowRank(weight.detach(), rank, alpha, dropout).train(module.training)
        parametrize.register_parametrization(layer, "weight", adapter)
    return names


def merged_state(module: nn.Module) -> dict[str, Tensor]:
    """Return a network's state with the adapters written into the weights, under the original keys.

    A network without adapters computes the same with it (in evaluation: dropout is off). The
    adapted network stays as it is. Its copy must not have its parametrizations removed instead:
    torch would break the original, whose class it shares.

    >>> network = nn.Sequential(nn.Linear(4, 2))
    >>> added = add_lora(network, rank=1, alpha=1.0, targets=["0"])
    >>> sorted(merged_state(network))
    ['0.bias', '0.weight']
    """
    adapted = _adapters(module)
    inside = tuple(f"{name}.parametrizations." for name in adapted)
    state = {name: v for name, v in module.state_dict().items() if not name.startswith(inside)}
    for name, adapter in adapted.items():
        layer = module.get_submodule(name)
        weight: Tensor = layer.parametrizations["weight"].original  # type: ignore[index,union-attr]
        state[f"{name}.weight"] = (weight + adapter.scale * (adapter.up @ adapter.down)).detach()
    return state


def trainable_share(module: nn.Module) -> float:
    """Return which share of the parameters learns, 0..1."""
    sizes = [(p.numel(), p.requires_grad) for p in module.parameters()]
    return sum(size for size, learns in sizes if learns) / max(1, sum(size for size, _ in sizes))


def _adapters(module: nn.Module) -> dict[str, LowRank]:
    """The adapters by the names of their layers."""
    found = {}
    for name, layer in module.named_modules():
        if parametrize.is_parametrized(layer, "weight"):
            (adapter, *_) = layer.parametrizations["weight"]
            if isinstance(adapter, LowRank):
                found[name] = adapter
    return found


def _linear_layers(module: nn.Module, targets: Sequence[str]) -> list[str]:
    linear = {name: part for name, part in module.named_modules() if isinstance(part, nn.Linear)}
    names = [
        name for name in linear if any(f".{name}".endswith(f".{target}") for target in targets)
    ]
    for target in targets:
        if not any(f".{name}".endswith(f".{target}") for name in names):
            known = ", ".join(sorted({name.rpartition(".")[2] for name in linear}))
            raise ConfigError(f"{target} names no linear layer; there are {known}")
    for name in names:
        if parametrize.is_parametrized(linear[name], "weight"):
            raise ConfigError(f"{name} is parametrized already: merge its adapter first")
    if not names:
        raise ConfigError("LoRA needs the names of the layers to adapt")
    return names
