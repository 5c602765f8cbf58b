"""The part of a network that the rest is trained against."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from auricle.data.batches import Batches
from auricle.data.domains import Domains
from auricle.heads.domain import DomainHead
from auricle.losses.adversarial import domain_loss, reverse_gradient, sigmoid_ramp
from auricle.systems.bundle import DOMAINS
from auricle.training.adversary_recipe import AdversaryConfig, find_domains
from auricle.training.recipe import Recipe


def write_domains(adversaries: Sequence[Adversary], folder: Path) -> None:
    """Write what a network is trained against, if anything, as `domains.json` into `folder`.

    Each has its configuration, the names of its domains, and the clusters where they are some.
    """
    path = folder / DOMAINS
    path.unlink(missing_ok=True)
    facts = [
        {
            **adversary.config.model_dump(mode="json"),
            "names": adversary.domains.names,
            "clusters": adversary.domains.clusters and adversary.domains.clusters.model_dump(),
        }
        for adversary in adversaries
    ]
    if facts:
        path.write_text(json.dumps(facts) + "\n", encoding="utf-8")


class Adversary(nn.Module):
    """The discriminator with the domains of all clips.

    >>> from auricle.data.domains import draw_domains
    >>> config = AdversaryConfig.model_validate({"domains": {"kind": "random", "domains": 2}})
    >>> adversary = Adversary(config, 8, draw_domains(4, 2))
    >>> bool(adversary(torch.randn(4, 8), np.arange(4), progress=0.5) > 0.0)
    True
    """

    def __init__(self, config: AdversaryConfig, features: int, domains: Domains) -> None:
        super().__init__()
        self.config = config
        self.domains = domains
        self.head = DomainHead(features, len(domains), config.hidden)
        self._domain = torch.from_numpy(domains.of)

    def forward(self, vectors: Tensor, rows: NDArray[np.int64], progress: float) -> Tensor:
        """Return the loss to be added: how badly domains are told from `[batch, feature]`.

        `rows` `[batch]` are the clips' places, `progress` (0..1) the share of the training done. A
        clip alone has no loss.
        """
        if len(vectors) == 1:  # which cannot be normalised
            return 0.0 * vectors.sum()
        ramp = sigmoid_ramp(progress) if self.config.schedule == "ramp" else 1.0
        logits = self.head(reverse_gradient(vectors, self.config.weight * ramp))
        return domain_loss(logits, self._domain[rows])


def build_adversaries(
    recipe: Recipe, training: Batches, size: int, describe: Callable[[], ArrayLike]
) -> list[Adversary]:
    """Return the adversary that a recipe wants of vectors of a `size`, or none.

    `describe()` tells what clips sound like before the training, `[clip, feature]`.
    """
    if recipe.adversary is None:
        return []
    sources = [clip.source for clip in training.features.clips]
    domains = find_domains(recipe.adversary.domains, sources, describe, training.rows, recipe.seed)
    return [Adversary(recipe.adversary, size, domains)]
