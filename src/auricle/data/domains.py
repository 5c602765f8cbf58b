"""Which domain each clip is of: by its source, by clusters of what it sounds like, or by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field

from auricle.core.errors import DataError, MissingDependencyError

FEWEST, MOST = 2, 32
"""How many clusters there may be."""

Vector = Annotated[tuple[float, ...], Field(min_length=1)]


class Clusters(BaseModel):
    """K-means clusters of standardised vectors: all that is needed to say which one a clip is of.

    `mean` and `scale` `[feature]` standardise, `centres` `[cluster, feature]` are in standardised
    units.

    >>> clusters = Clusters(mean=(0.0,), scale=(2.0,), centres=((-1.0,), (1.0,)))
    >>> clusters.assign([[-3.0], [0.5]]).tolist()
    [0, 1]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: Vector
    scale: Vector
    centres: Annotated[tuple[Vector, ...], Field(min_length=FEWEST, max_length=MOST)]

    def assign(self, vectors: ArrayLike) -> NDArray[np.int64]:
        """Return the nearest centre of each of `vectors` `[clip, feature]`, `[clip]`."""
        standard = (np.asarray(vectors, dtype=np.float64) - self.mean) / self.scale
        centres = np.array(self.centres)
        distances = (centres**2).sum(axis=1) - 2.0 * standard @ centres.T
        nearest: NDArray[np.int64] = distances.argmin(axis=1).astype(np.int64)
        return nearest


@dataclass(frozen=True, slots=True, eq=False)
class Domains:
    """The domain number of every clip, `of` `[clip]` (-1: none that was trained on), and names.

    `clusters` tells the domain of any other clip, where domains are clusters.
    """

    names: tuple[str, ...]
    of: NDArray[np.int64]
    clusters: Clusters | None = None

    def __len__(self) -> int:
        return len(self.names)


def find_source_domains(sources: Sequence[str], training: ArrayLike) -> Domains:
    """Return the sources of the clips as domains, as far as they are among the `training` rows.

    A clip without a source ("") is of none. Raises `DataError` for fewer than two sources.

    >>> find_source_domains(["b", "a", "b", "c"], [0, 1, 2]).of.tolist()
    [1, 0, 1, -1]
    """
    rows = np.asarray(training, dtype=np.int64)
    names = tuple(sorted({sources[row] for row in rows.tolist()} - {""}))
    if len(names) < FEWEST:
        raise DataError(
            f"all clips to be trained on come from {names[0] if names else 'no named source'!r}:"
            " domains by source need two sources or more"
        )
    number = {name: place for place, name in enumerate(names)}
    return Domains(names, np.array([number.get(name, -1) for name in sources], dtype=np.int64))


def find_clusters(vectors: ArrayLike, training: ArrayLike, clusters: int, seed: int = 0) -> Domains:
    """Return clusters of `vectors` `[clip, feature]` as domains, fitted on the `training` rows.

    K-means (scikit-learn, ten starts) on standardised features; features that don't move are left
    as they are. Every clip gets its nearest centre. Raises `DataError` for fewer rows than clusters
    and vectors that are not finite, `MissingDependencyError` without scikit-learn.

    >>> found = find_clusters([[0.0], [0.1], [5.0], [5.1], [9.0]], [0, 1, 2, 3], 2)
    >>> found.of[0] == found.of[1] != found.of[2] == found.of[4]
    np.True_
    """
    values = np.asarray(vectors, dtype=np.float64)
    rows = np.asarray(training, dtype=np.int64)
    if not FEWEST <= clusters <= MOST:
        raise DataError(f"there may be {FEWEST} to {MOST} clusters, not {clusters}")
    if values.ndim != 2 or not np.isfinite(values).all():
        raise DataError("clusters need finite vectors [clip, feature]")
    if rows.size < clusters:
        raise DataError(f"{clusters} clusters need as many clips to train on, not {rows.size}")
    try:
        from sklearn.cluster import KMeans
    except ImportError as error:
        raise MissingDependencyError("scikit-learn", extra="train") from error
    mean, deviation = values[rows].mean(axis=0), values[rows].std(axis=0)
    scale = np.where(deviation > 1e-8, deviation, 1.0)
    fitted = KMeans(clusters, n_init=10, random_state=seed).fit((values[rows] - mean) / scale)
    found = Clusters(
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        centres=tuple(map(tuple, fitted.cluster_centers_.tolist())),
    )
    names = tuple(f"cluster {number}" for number in range(clusters))
    return Domains(names, found.assign(values), found)


def describe_bands(log_mel: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return mean and deviation over time of every band of `[clip, frame, mel]`, `[clip, 2 * mel]`.

    >>> describe_bands(np.array([[[0.0], [1.0]]])).tolist()
    [[0.5, 0.5]]
    """
    # One by one: features may lie on disk, and be larger than memory.
    clips = (np.asarray(clip, dtype=np.float32) for clip in log_mel)
    return np.stack([np.concatenate((clip.mean(axis=0), clip.std(axis=0))) for clip in clips])


def draw_domains(clips: int, domains: int, seed: int = 0) -> Domains:
    """Return domains by chance, the same for the same seed: a control that means nothing.

    >>> len(draw_domains(10, 4)), draw_domains(10, 4).of.max() < 4
    (4, np.True_)
    """
    if domains < FEWEST:
        raise DataError(f"there must be {FEWEST} domains or more, not {domains}")
    names = tuple(f"random {number}" for number in range(domains))
    return Domains(names, np.random.default_rng([seed, 1]).integers(0, domains, clips))


def draw_rows(
    rows: NDArray[np.int64], shares: NDArray[np.float64] | None, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return as many `rows` in random order, each once or, with `shares` `[row]`, by these.

    >>> draw_rows(np.arange(3), np.array([0.0, 1.0, 0.0]), np.random.default_rng(0)).tolist()
    [1, 1, 1]
    """
    if shares is None:
        return rng.permutation(rows)
    return rng.choice(rows, size=rows.size, p=shares / shares.sum())


def balance_sources(
    sources: Sequence[str], quality: ArrayLike, bins: int = 8
) -> NDArray[np.float64]:
    """Return a weight per clip, `[clip]`, by which every source has the labels of all together.

    `quality` `[clip]` is divided at its quantiles into `bins`; a clip of a source weighs what its
    bin has in all clips over what it has in the source, at most 10. So weighed, the quality says
    little about the source: nothing where every source has clips in every bin, and no weight is
    cut. Otherwise a representation that hides the source has to hide whatever
    quality goes with it (Zhao et al., "On learning invariant representations for domain
    adaptation", ICML 2019, Theorem 4.9).

    Raises `DataError` where there is one source only.

    >>> balance_sources(["a", "a", "a", "b"], [0.0, 0.0, 1.0, 1.0], bins=2).tolist()
    [0.75, 0.75, 1.5, 0.5]
    """
    if len(set(sources)) < FEWEST:
        raise DataError("all clips to be trained on are of one source: there is nothing to balance")
    values, names = np.asarray(quality, dtype=np.float64), np.asarray(sources)
    edges = np.unique(np.quantile(values, np.linspace(0.0, 1.0, bins + 1)[1:-1]))
    bin_of = np.searchsorted(edges, values, side="right")
    weights = np.ones(values.size)
    for name in np.unique(names):
        inside = names == name
        for place in np.unique(bin_of[inside]):
            both = inside & (bin_of == place)
            weights[both] = (bin_of == place).mean() / (both.sum() / inside.sum())
    return np.minimum(weights, 10.0)
