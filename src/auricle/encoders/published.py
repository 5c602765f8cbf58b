"""Published weights: by their published names, all of them, and nothing left over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from auricle.core.errors import ConfigError


def load_published(
    network: nn.Module,
    state: Mapping[str, Tensor],
    *,
    source: object,
    prefix: str = "",
    left_out: Sequence[str] = (),
) -> None:
    """Load weights whose names in `state` are the network's own after `prefix`.

    Weights whose names (after the prefix) begin with one of `left_out` are not needed; any other
    difference raises `ConfigError`, which names the network and the `source` of the weights.

    >>> import torch
    >>> linear = nn.Linear(2, 1)
    >>> state = {"a.weight": torch.ones(1, 2), "a.bias": torch.zeros(1), "a.loss": torch.ones(3)}
    >>> load_published(linear, state, source="memory", prefix="a.", left_out=["loss"])
    >>> linear(torch.tensor([1.0, 2.0])).tolist()
    [3.0]
    """
    own = {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if not name.removeprefix(prefix).startswith(tuple(left_out))
    }
    try:
        network.load_state_dict(own, strict=True)
    except RuntimeError as error:
        raise ConfigError(
            f"the weights in {source} are not those of {type(network).__name__} with this"
            f" configuration: {error}"
        ) from error
