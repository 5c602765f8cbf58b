"""Pictures of an evaluation: scores against labels, and how far intervals keep their word.

matplotlib is an extra (`auricle[report]`) and imported only here.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from auricle.core.errors import MissingDependencyError
from auricle.core.spec import PERCENT, Scale
from auricle.evaluation.benchmark import Evaluation
from auricle.stats.vectors import matched_vectors, number_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "os^vDP<>X*"
_SHADES = 10
# More names than this hide the picture.
_MOST_NAMED = 20


def require_matplotlib() -> None:
    """Raise `MissingDependencyError` when plots cannot be drawn."""
    try:
        importlib.import_module("matplotlib")
    except ImportError as error:
        raise MissingDependencyError("matplotlib", extra="report") from error


def draw_scatter(
    label: ArrayLike,
    predicted: ArrayLike,
    recordings: Sequence[str],
    path: Path,
    *,
    title: str = "",
    axis: str = "label",
    scale: Scale = PERCENT,
) -> None:
    """Write a PNG of predictions over labels, all `[clip]` on a scale, with the diagonal.

    Every recording has a colour and marker of its own, named beside the picture when there are 20
    or fewer; from the 101st on they come again. `axis` names the horizontal axis. Raises
    `MissingDependencyError` without matplotlib, `DataError` when lengths differ.
    """
    x, y = matched_vectors(label, predicted)
    names, places = number_groups(recordings, x.size)
    figure, axes = _square(title, axis, "predicted", scale)
    for place, name in enumerate(names):
        rows = places == place
        axes.plot(
            x[rows],
            y[rows],
            linestyle="none",
            color=f"C{place % _SHADES}",
            marker=_MARKERS[place // _SHADES % len(_MARKERS)],
            markersize=4.0 if x.size <= 2000 else 2.0,
            alpha=0.7,
            markeredgewidth=0.0,
            # A leading underscore would keep a name out of the legend.
            label=str(name).lstrip("_"),
        )
    if len(names) <= _MOST_NAMED:
        axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=7, frameon=False)
    save_figure(figure, path)


def draw_reliability(evaluation: Evaluation, path: Path) -> None:
    """Write a PNG of the share of labels inside intervals over their nominal share, in percent.

    Bars are 95% intervals, bootstrapped as `Evaluation` says. Raises `MissingDependencyError`
    without matplotlib.
    """
    found = {level: share for level, share in evaluation.reliability().items() if share}
    nominal = 100.0 * np.array(list(found))
    ends = np.array([(e.value, e.low, e.high) for e in found.values()]).reshape(-1, 3)
    share, low, high = 100.0 * ends.T
    title = f"{evaluation.metric}, {evaluation.split} split"
    figure, axes = _square(title, "nominal share, %", "labels inside, %", PERCENT)
    axes.errorbar(nominal, share, yerr=(share - low, high - share), marker="o", capsize=3.0)
    save_figure(figure, path)


def _square(title: str, horizontal: str, vertical: str, scale: Scale) -> tuple[Figure, Axes]:
    require_matplotlib()
    # Not pyplot: its state is the caller's, and it may look for a display.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 5.0))
    axes = figure.add_subplot()
    ends, margin = (scale.low, scale.high), 0.02 * scale.span
    limits = (scale.low - margin, scale.high + margin)
    axes.plot(ends, ends, color="0.6", linewidth=1.0, label="_diagonal")
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set(title=title, xlabel=horizontal, ylabel=vertical)
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    return figure, axes


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG, with the folders that lead there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the version of matplotlib in it, equal pictures are equal files.
    figure.savefig(path, dpi=120, bbox_inches="tight", metadata={"Software": None}, format="png")
