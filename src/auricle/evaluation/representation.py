"""Pictures of representations: clips as points in a plane, coloured by a label and by quality.

matplotlib is an extra (`auricle[report]`), and so is scikit-learn (`auricle[train]`), which only
the method `tsne` needs; both are imported only here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.core.errors import DataError, MissingDependencyError
from auricle.evaluation.plots import require_matplotlib, save_figure
from auricle.evaluation.probes import Matrix, finite_matrix
from auricle.stats.vectors import matched_vectors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Method = Literal["pca", "tsne"]

# Told apart by the colour-blind, too (M. Okabe and K. Ito, "Color universal design", 2008), without
# the yellow, which is faint on white.
_COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#000000")
_MARKERS: Final = "o^s"
_MOST_NAMED: Final = len(_COLOURS) * len(_MARKERS)
_FEWEST_CLIPS: Final = 5


def project(vectors: ArrayLike, method: Method = "pca", seed: int = 0) -> Matrix:
    """Return `vectors` `[clip, feature]` as points of a plane, `[clip, 2]`.

    Features are standardised. `pca` takes the two directions of largest variance, each with the
    sign that makes its largest weight positive; `tsne` keeps neighbours together, but distances
    between groups mean nothing (L. van der Maaten and G. Hinton, "Visualizing data using t-SNE",
    JMLR 9, 2008). Raises `DataError` for fewer than five clips and vectors that are not finite or
    all alike, `MissingDependencyError` when `tsne` lacks scikit-learn.

    >>> np.abs(project([[0, 0], [1, 1], [2, 2], [3, 3], [4, 4]])).round(2).tolist()[0]
    [2.0, 0.0]
    """
    values = finite_matrix(vectors, len(np.asarray(vectors)))
    if len(values) < _FEWEST_CLIPS:
        raise DataError(f"{len(values)} clips: a picture of a representation needs {_FEWEST_CLIPS}")
    moving = values[:, (values != values[0]).any(axis=0)]
    standard = (moving - moving.mean(axis=0)) / moving.std(axis=0)
    return _embed_neighbours(standard, seed) if method == "tsne" else _project_widest(standard)


def draw_representations(
    representations: Mapping[str, ArrayLike],
    labels: Sequence[str],
    values: ArrayLike,
    path: Path,
    *,
    label: str = "label",
    method: Method = "pca",
    seed: int = 0,
) -> None:
    """Write a PNG with a row for each of `representations`: titles and vectors `[clip, feature]`.

    On the left points have the colour of their quality, `values` `[clip]` in 0..1, on the right
    that of their `labels` `[clip]` (`label` says what they are), the most frequent first; from the
    22nd class on they are grey. Raises `DataError` when lengths differ and as `project` does,
    `MissingDependencyError` without matplotlib.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    (quality,) = matched_vectors(values)
    if len(labels) != quality.size:
        raise DataError(f"{quality.size} clips need as many labels, not {len(labels)}")
    if not representations:
        raise DataError("there is no representation to draw")
    planes = {}
    for title, vectors in representations.items():
        planes[title] = project(finite_matrix(vectors, quality.size), method, seed)
    figure = Figure(figsize=(10.0, 4.6 * len(planes)), layout="constrained")
    # Nobody is always on top.
    order = np.random.default_rng(seed).permutation(quality.size)
    rows = figure.subplots(len(planes), 2, squeeze=False)
    for (left, right), (title, points) in zip(rows, planes.items(), strict=True):
        _frame(left, f"{title}: quality", method)
        _frame(right, f"{title}: {label}", method)
        place = points[order]
        shades = left.scatter(
            place[:, 0], place[:, 1], c=quality[order], vmin=0.0, vmax=1.0, **_dots(quality.size)
        )
        figure.colorbar(shades, ax=left, label="quality")
        _scatter_classes(right, place, [labels[row] for row in order])
    save_figure(figure, path)


def _project_widest(standard: Matrix) -> Matrix:
    _, _, directions = np.linalg.svd(standard, full_matrices=False)
    found = np.zeros((2, standard.shape[1]))
    found[: len(directions[:2])] = directions[:2]
    largest = np.take_along_axis(found, np.abs(found).argmax(axis=1)[:, None], axis=1)
    plane: Matrix = standard @ (found * np.where(largest < 0.0, -1.0, 1.0)).T
    return plane


def _embed_neighbours(standard: Matrix, seed: int) -> Matrix:
    try:
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise MissingDependencyError("scikit-learn", extra="train") from error
    # As many neighbours as is usual; few clips have fewer.
    perplexity = min(30.0, (len(standard) - 1) / 3.0)
    start = _project_widest(standard)
    # Of small spread, as the method asks for.
    start = 1e-4 * start / start[:, 0].std()
    model = TSNE(2, perplexity=perplexity, init=start.astype(np.float32), random_state=seed)
    found: NDArray[np.float32] = model.fit_transform(standard)
    return found.astype(np.float64)


def _frame(axes: Axes, title: str, method: Method) -> None:
    name = {"pca": "principal component", "tsne": "t-SNE dimension"}[method]
    axes.set(title=title, xlabel=f"{name} 1", ylabel=f"{name} 2")
    # Positions have no unit.
    axes.set(xticks=[], yticks=[])


class _Dots(TypedDict):
    s: float
    alpha: float
    linewidths: float


def _dots(clips: int) -> _Dots:
    return {"s": 16.0 if clips <= 2000 else 6.0, "alpha": 0.7, "linewidths": 0.0}


def _scatter_classes(axes: Axes, points: Matrix, labels: Sequence[str]) -> None:
    counts = Counter(labels)
    # By name where equally frequent, so that the order of clips changes nothing.
    names = sorted(counts, key=lambda name: (-counts[name], name))
    numbers = np.array([names.index(name) for name in labels])
    dots = _dots(len(labels))
    others = numbers >= _MOST_NAMED
    if others.any():
        rest = f"{len(names) - _MOST_NAMED} others"
        axes.scatter(points[others, 0], points[others, 1], color="0.8", label=rest, **dots)
    shades = np.array(_COLOURS)[numbers % len(_COLOURS)]
    for shape, marker in enumerate(_MARKERS):
        rows = numbers // len(_COLOURS) == shape
        axes.scatter(points[rows, 0], points[rows, 1], c=shades[rows], marker=marker, **dots)
    for number, name in enumerate(names[:_MOST_NAMED]):
        colour, marker = _COLOURS[number % len(_COLOURS)], _MARKERS[number // len(_COLOURS)]
        # An empty class of its own for the legend; a leading underscore would keep a name out.
        axes.scatter([], [], color=colour, marker=marker, label=name.lstrip("_") or "none")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=8, frameon=False)
