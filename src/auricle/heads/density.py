"""How much likelier an embedding is for other material than for what a model learned from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from auricle.core.errors import DataError
from auricle.heads.calibration import conformal_scale

Array = NDArray[np.float64]
Finite = Annotated[float, Field(allow_inf_nan=False)]

# Directions with less than this share of the greatest variance are rounding, not material.
_FLAT = 1e-6


class Contrast(BaseModel):
    """The log-ratio `weights . embedding + offset` of one other kind's density to the domain's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Annotated[tuple[Finite, ...], Field(min_length=1)]
    offset: Finite


class Density(BaseModel):
    """Log-ratios of the densities of other kinds of audio to that of a model's own domain.

    An embedding is out of the domain when the largest is above `threshold`, which the share
    `false_alarms` at most of unseen recordings exceeds that are like the `clips` it was set on.

    >>> speech = Contrast(weights=(1.0, 0.0), offset=-1.0)
    >>> density = Density(contrasts={"speech": speech}, threshold=2.0, false_alarms=0.01, clips=99)
    >>> density.log_ratios([[4.0, 7.0], [0.0, 7.0]]).tolist()
    [[3.0], [-1.0]]
    >>> density.find_kind([4.0, 7.0]), density.find_kind([0.0, 7.0])
    ('speech', None)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contrasts: Annotated[dict[str, Contrast], Field(min_length=1)]
    threshold: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    false_alarms: Annotated[float, Field(gt=0.0, lt=1.0)]
    clips: Annotated[int, Field(gt=0)]

    @model_validator(mode="after")
    def _same_size(self) -> Self:
        if len({len(contrast.weights) for contrast in self.contrasts.values()}) > 1:
            raise ValueError("all contrasts must be of embeddings of one size")
        return self

    @property
    def size(self) -> int:
        """Number of values of an embedding."""
        return len(next(iter(self.contrasts.values())).weights)

    def log_ratios(self, embeddings: ArrayLike) -> Array:
        """Return `[clip, kind]` for `embeddings` `[clip, size]`, in the order of `contrasts`."""
        weights = np.array([contrast.weights for contrast in self.contrasts.values()])
        offsets = np.array([contrast.offset for contrast in self.contrasts.values()])
        return np.asarray(np.asarray(embeddings, dtype=np.float64) @ weights.T + offsets)

    def find_kind(self, embedding: ArrayLike) -> str | None:
        """Return what an `embedding` `[size]` is more like; None when it is within the domain."""
        (ratios,) = self.log_ratios(np.asarray(embedding)[np.newaxis])
        nearest = int(ratios.argmax())
        return tuple(self.contrasts)[nearest] if ratios[nearest] > self.threshold else None


def fit_density(
    inside: ArrayLike,
    outside: Mapping[str, ArrayLike],
    held_out: ArrayLike,
    false_alarms: float = 0.01,
) -> Density:
    """Fit Gaussians with one covariance to embeddings `[clip, size]` of a domain and other kinds.

    A log-ratio is half of the difference of two squared Mahalanobis distances, to the domain's
    mean and to the other kind's: the relative Mahalanobis distance (Ren et al., "A Simple Fix to
    Mahalanobis Distance for Improving Near-OOD Detection", 2021) with the classes' common
    covariance (Lee et al., NeurIPS 2018, Eq. 1). What all kinds have in common, such as damage,
    cancels; no affine map of the embeddings changes anything. `held_out` are embeddings of the
    domain that were not used for training: the threshold is a conformal quantile of theirs, but
    never below 0, where both densities are the same.

    Raises `DataError` when there are too few clips, or a value is not finite.

    >>> rng = np.random.default_rng(0)
    >>> inside, held_out = rng.normal(size=(2, 500, 3))
    >>> density = fit_density(inside, {"speech": rng.normal(5.0, 1.0, (500, 3))}, held_out)
    >>> density.find_kind([5.0, 5.0, 5.0]), density.find_kind([0.0, 0.0, 0.0])
    ('speech', None)
    """
    groups = [_read(embeddings) for embeddings in (inside, *outside.values())]
    if not outside or len({group.shape[1] for group in groups}) > 1:
        raise DataError("a density needs another kind or more, and embeddings of one size")
    means = [group.mean(axis=0) for group in groups]
    apart = np.concatenate([group - mean for group, mean in zip(groups, means, strict=True)])
    if len(apart) <= apart.shape[1] + len(groups):
        raise DataError(
            f"a density of embeddings of {apart.shape[1]} values needs more than"
            f" {apart.shape[1] + len(groups)} clips, not {len(apart)}"
        )
    precision = _invert(apart.T @ apart / (len(apart) - len(groups)))
    domain, *others = means
    contrasts = {}
    for kind, mean in zip(outside, others, strict=True):
        weights = precision @ (mean - domain)
        offset = -0.5 * float(weights @ (mean + domain))
        contrasts[kind] = Contrast(weights=tuple(weights.tolist()), offset=offset)
    own = _read(held_out)
    fitted = Density(contrasts=contrasts, threshold=1.0, false_alarms=false_alarms, clips=len(own))
    threshold = conformal_scale(fitted.log_ratios(own).max(axis=1), 1.0 - false_alarms)
    return fitted.model_copy(update={"threshold": threshold})


def _read(embeddings: ArrayLike) -> Array:
    array = np.asarray(embeddings, dtype=np.float64)
    if array.ndim != 2 or array.size == 0 or not np.isfinite(array).all():
        raise DataError("a density needs finite embeddings [clip, size] of every kind")
    return array


def _invert(covariance: Array) -> Array:
    """Return the inverse on the space in which embeddings vary at all."""
    scale = np.sqrt(np.diag(covariance))
    scale[scale == 0.0] = 1.0
    inverse = np.linalg.pinv(covariance / np.outer(scale, scale), rcond=_FLAT, hermitian=True)
    return np.asarray(inverse / np.outer(scale, scale))
