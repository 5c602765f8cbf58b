"""Domain-adversarial training, as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from auricle.data.domains import (
    FEWEST,
    MOST,
    Domains,
    draw_domains,
    find_clusters,
    find_source_domains,
)
from auricle.systems.bundle import DOMAINS
from auricle.systems.config import Part, Size


class SourceDomainsConfig(Part):
    """`auricle.data.domains.find_source_domains`: the data set that a clip is of."""

    kind: Literal["source"]


class ClusterDomainsConfig(Part):
    """`auricle.data.domains.find_clusters`: what clips sound like before the training."""

    kind: Literal["kmeans"]
    clusters: Annotated[int, Field(ge=FEWEST, le=MOST)] = 8


class RandomDomainsConfig(Part):
    """`auricle.data.domains.draw_domains`: a control."""

    kind: Literal["random"]
    domains: Annotated[int, Field(ge=FEWEST)] = 8


DomainsConfig = Annotated[
    SourceDomainsConfig | ClusterDomainsConfig | RandomDomainsConfig, Field(discriminator="kind")
]


class AdversaryConfig(Part):
    """A discriminator that tries to tell the domain, against which the rest is trained.

    Its gradient reaches the rest reversed and times `weight` (lambda), by the schedule "ramp" times
    `auricle.losses.adversarial.sigmoid_ramp` of the training's progress, which is counted in
    `max_epochs`. The discriminator learns with `lr` times the learning rate: one that lags behind
    what it reads takes nothing out of it.
    """

    domains: DomainsConfig
    weight: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 0.1
    schedule: Literal["constant", "ramp"] = "ramp"
    hidden: Size = 64
    lr: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 10.0


def domains_file(folder: Path) -> Path | None:
    """Return the file of a training's domains, None where it had no adversary."""
    path = folder / DOMAINS
    return path if path.is_file() else None


def find_domains(
    config: DomainsConfig,
    sources: Sequence[str],
    vectors: Callable[[], ArrayLike],
    training: NDArray[np.int64],
    seed: int,
) -> Domains:
    """Return the domains of clips by their `sources` `[clip]` or `vectors()` `[clip, feature]`.

    Raises `DataError` when there are too few for the domains wanted.
    """
    if config.kind == "source":
        return find_source_domains(sources, training)
    if config.kind == "kmeans":
        return find_clusters(vectors(), training, config.clusters, seed)
    return draw_domains(len(sources), config.domains, seed)
