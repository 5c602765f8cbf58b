"""What fused systems say on several axes, and how segments and members become one answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.systems.fusion_config import Axis

Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """Ratings `mean` `[..., axis]` and the `covariance` of their errors `[..., axis, axis]`.

    Of systems that know no uncertainty the covariance is empty, `[..., 0, 0]`.
    """

    mean: Floats
    covariance: Floats

    def to_shares(self, axes: Sequence[Axis]) -> tuple[Floats, Floats]:
        """Return mean and deviation `[..., axis]` as shares of the scales, the mean within 0..1.

        Without a covariance all deviations are one.

        >>> told = Estimate(np.array([4.0]), np.array([[0.25]]))
        >>> [share.item() for share in told.to_shares([Axis(name="quality", low=1.0, high=5.0)])]
        [0.75, 0.125]
        """
        low, span = (np.array([getattr(axis, end) for axis in axes]) for end in ("low", "span"))
        mean: Floats = np.clip((self.mean - low) / span, 0.0, 1.0)
        if not self.covariance.size:
            return mean, np.ones_like(mean)
        variance = np.diagonal(self.covariance, axis1=-2, axis2=-1)
        return mean, np.sqrt(variance) / span

    @property
    def correlation(self) -> Floats:
        """Correlations of the errors `[..., axis, axis]`, empty without a covariance."""
        deviation = np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))
        found: Floats = self.covariance / (deviation[..., :, None] * deviation[..., None, :])
        return found


def combine_segments(segments: Sequence[Estimate], weights: ArrayLike) -> Estimate:
    """Return the mean over the segments of one recording, weighted by what is new in each.

    The covariance is the segments' mean as well, not divided by their number: errors of one
    recording go together.

    >>> parts = [Estimate(np.array([x]), np.array([[x]])) for x in (1.0, 4.0)]
    >>> combine_segments(parts, [2.0, 1.0])
    Estimate(mean=array([2.]), covariance=array([[2.]]))
    """
    means, covariances = (np.stack(column) for column in zip(*segments, strict=True))
    shares = np.asarray(weights, dtype=np.float64)
    shares = shares / shares.sum()
    return Estimate(
        np.einsum("s,s...->...", shares, means), np.einsum("s,s...->...", shares, covariances)
    )


def combine_members(members: Sequence[Estimate]) -> Estimate:
    """Return what an ensemble says: the mean of its members' distributions, as one.

    Its covariance is the mean of theirs and the covariance of their means (law of total variance;
    Lakshminarayanan et al., NeurIPS 2017, Sec. 2.4), empty if one of them has none.

    >>> parts = [Estimate(np.array([x]), np.array([[0.5]])) for x in (1.0, 3.0)]
    >>> combine_members(parts)
    Estimate(mean=array([2.]), covariance=array([[1.5]]))
    """
    means = np.stack([member.mean for member in members])
    mean = means.mean(axis=0)
    if not all(member.covariance.size for member in members):
        return Estimate(mean, np.zeros((*mean.shape[:-1], 0, 0)))
    within = np.mean([member.covariance for member in members], axis=0)
    apart = means - mean
    between = np.einsum("m...i,m...j->...ij", apart, apart) / len(members)
    return Estimate(mean, within + between)
