"""Fréchet audio distance: how far two recordings lie apart as clouds of embeddings."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.core.audio import Audio, Samples
from auricle.core.errors import DataError, SignalError
from auricle.core.spec import MetricSpec, Scale
from auricle.reference.base import ReferenceMetric

Frames = NDArray[np.float64]
Embed = Callable[[Samples], NDArray[np.floating]]


def frechet_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Return the Fréchet distance between the Gaussians of two clouds `[frame, feature]`.

    `|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`, with covariances over `frames - 1`. No root of a
    matrix is taken: with `C = X'X` for centred frames X, `tr (C1 C2)^(1/2)` is the sum of the
    singular values of `X1 X2'`, exactly, also when there are fewer frames than features and the
    covariances have no inverse. Nothing corrects the bias of small clouds: they lie further apart
    than what they are drawn from.

    Raises `DataError` for clouds of different features, fewer than two frames, or values that are
    not finite.

    Source: D. Dowson and B. Landau, "The Fréchet distance between multivariate normal
    distributions", Journal of Multivariate Analysis 12, 1982, Eq. 4.

    >>> frechet_distance([[0.0], [2.0]], [[5.0], [9.0]])
    38.0
    """
    ours, theirs = _cloud(first), _cloud(second)
    if ours.shape[1] != theirs.shape[1]:
        raise DataError(f"frames of {ours.shape[1]} and {theirs.shape[1]} features: no distance")
    (mean, root), (other, turned) = _gaussian(ours), _gaussian(theirs)
    apart = float(np.square(mean - other).sum())
    shared = float(np.linalg.svd(root @ turned.T, compute_uv=False).sum())
    spread = float(np.square(root).sum() + np.square(turned).sum())
    # Rounding may leave a little less than nothing of equal clouds.
    return apart + max(spread - 2.0 * shared, 0.0)


def make_frechet_metric(
    encoder: str, embed: Embed, *, sample_rate: int, shortest: float, licence: str
) -> type[ReferenceMetric]:
    """Return the class of `fad-ENCODER`: the distance between the frames of both recordings.

    `embed` turns mono samples `[time]` at `sample_rate` (Hz) into `[frame, feature]`; `shortest`
    (seconds) is what it needs for two frames. 0 for a recording compared with itself; the unit is
    the square of the embedding's.

    Source: K. Kilgour et al., "Fréchet Audio Distance: A Reference-Free Metric for Evaluating
    Music Enhancement Algorithms", Interspeech 2019, Eq. 1, which compares with a set of clean
    music where this compares each recording with its own reference.

    >>> metric = make_frechet_metric(
    ...     "levels", lambda x: np.abs(x).reshape(-1, 10), sample_rate=8000, shortest=0.1,
    ...     licence="MIT",
    ... )()
    >>> noise = np.random.default_rng(0).normal(0.0, 0.1, 8000)
    >>> pair = Audio.from_array(noise, 8000), Audio.from_array(0.5 * noise, 8000)
    >>> metric(pair[0], pair[0]).value < 1e-9 < metric(*pair).value
    True
    """

    class Frechet(ReferenceMetric):
        spec: ClassVar = MetricSpec(
            name=f"fad-{encoder}",
            tag="v1",
            summary=f"Fréchet audio distance of {encoder} embeddings, 0 is identical",
            domain="any",
            needs_reference=True,
            sample_rate=sample_rate,
            channels=1,
            shortest=shortest,
            scale=Scale(0.0, math.inf, higher_is_better=False),
            listens_to_level=True,
            licence=licence,
            citation="K. Kilgour et al., Fréchet Audio Distance, Interspeech 2019",
        )

        def _measure(self, reference: Audio, degraded: Audio) -> float:
            try:
                return frechet_distance(*(embed(a.samples[0]) for a in (reference, degraded)))
            except DataError as error:
                raise SignalError(f"{self.spec.full_name}: {error}") from error

    return Frechet


def _cloud(frames: ArrayLike) -> Frames:
    cloud = np.asarray(frames, dtype=np.float64)
    if cloud.ndim != 2 or len(cloud) < 2:
        raise DataError(f"a cloud is [frame, feature] of two frames or more, not {cloud.shape}")
    if not np.isfinite(cloud).all():
        raise DataError("embeddings must be finite")
    return cloud


def _gaussian(cloud: Frames) -> tuple[Frames, Frames]:
    """Return the mean, and a matrix X with few rows whose `X'X` is the covariance."""
    mean = cloud.mean(axis=0)
    root = (cloud - mean) / math.sqrt(len(cloud) - 1)
    if len(root) > root.shape[1]:
        # Turning frames does not change X'X; of the triangle that is left the same sum follows.
        root = np.linalg.qr(root, mode="r")
    return mean, root
