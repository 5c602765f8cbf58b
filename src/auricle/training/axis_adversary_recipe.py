"""Domain-adversarial training of fused systems, as data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auricle.systems.fusion_config import AxisName
from auricle.training.adversary_recipe import (
    AdversaryConfig,
    ClusterDomainsConfig,
    RandomDomainsConfig,
    SourceDomainsConfig,
)

RatedSource = Literal["dataset", "system", "domain"]
"""The data set is where a clip's path begins, the system what made it, the domain its kind."""


class RatedSourceDomainsConfig(SourceDomainsConfig):
    """`auricle.data.domains.find_source_domains`: what a column of the rated clips names."""

    of: RatedSource = "dataset"


RatedDomainsConfig = Annotated[
    RatedSourceDomainsConfig | ClusterDomainsConfig | RandomDomainsConfig,
    Field(discriminator="kind"),
]


class RatedAdversaryConfig(AdversaryConfig):
    """A discriminator of the domains of rated clips."""

    domains: RatedDomainsConfig


class AxisAdversaryConfig(RatedAdversaryConfig):
    """A discriminator that reads what some `axes` are told from, of all axes where none is named.

    Where all axes are told from one latent vector it reads that, whatever the axes.
    """

    axes: tuple[AxisName, ...] = ()
