"""One opinion out of several metrics': the mean of the ranks they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.core.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Consensus:
    """Tables from what each metric says to a rank of 0..1, 1 being what cannot be told apart.

    A table holds knots `[2, knot]`, values that rise and their ranks, joined by straight lines; so
    a rank is a function of the label, and holds for clips that the tables were not made from.
    """

    tables: Mapping[str, Floats]

    def apply(self, labels: Mapping[str, ArrayLike]) -> Floats:
        """Return the mean rank of clips `[clip]`, over the metrics that say something of each.

        `labels` are `[clip]` by metric, NaN where there is none; metrics without a table don't
        count. A clip without labels gets NaN. Raises `DataError` when lengths differ, or no metric
        has a table.
        """
        known = {
            name: np.asarray(labels[name], np.float64) for name in self.tables if name in labels
        }
        if len({column.shape for column in known.values()}) != 1:
            raise DataError(f"labels of {', '.join(self.tables)} are needed, of one length")
        # Outside a table its ends hold, and NaN stays NaN.
        ranks = np.stack([np.interp(known[name], *self.tables[name]) for name in known])
        counted = np.isfinite(ranks)
        total = np.where(counted, ranks, 0.0).sum(axis=0)
        heard = counted.sum(axis=0)
        return np.where(heard > 0, total / np.maximum(heard, 1), np.nan)

    def express(self, ranks: ArrayLike, metric: str) -> Floats:
        """Return ranks `[clip]` on the scale of a metric: the label which has that rank.

        Raises `DataError` for a metric without a table.

        >>> found = fit_consensus({"mos": [1.0, 2.0, 4.0]}, {"mos": 5.0})
        >>> found.express([0.5, 1.0], "mos").tolist()
        [2.0, 5.0]
        """
        if metric not in self.tables:
            raise DataError(f"no clip has a label of {metric}: ask it as well")
        values, known = self.tables[metric]
        order = np.argsort(known, kind="stable")
        found: Floats = np.interp(np.asarray(ranks, np.float64), known[order], values[order])
        return found


def fit_consensus(labels: Mapping[str, ArrayLike], identity: Mapping[str, float]) -> Consensus:
    """Fit the tables of a consensus on the labels of degraded clips.

    Reference metrics err in different ways: one is deaf to lost bandwidth, another to noise that
    codecs shape, a third counts what nobody hears. Each is trusted for the order of clips alone,
    since their scales differ and bend, and errors that they don't share are averaged out. Ranks are
    among the clips that a metric was asked about: those asked of speech alone rank speech.

    `labels` are `[clip]` by metric, NaN where there is none; a metric without any is left out.
    `identity` is what each says of a clip that is its reference. That is rank 1, and says which end
    of the scale is the good one; a label's rank is the share of clips that are worse, half of
    those that are equal among them.

    Raises `DataError` when no metric says anything, or one says the same of all clips.

    >>> found = fit_consensus({"mos": [1.0, 2.0, 4.0], "db": [9.0, np.nan, 3.0]},
    ...                       {"mos": 5.0, "db": 0.0})
    >>> found.apply({"mos": [1.0, 4.0, 5.0], "db": [np.nan, 3.0, 0.0]}).round(3).tolist()
    [0.167, 0.792, 1.0]
    """
    columns = {name: np.asarray(column, dtype=np.float64) for name, column in labels.items()}
    heard = {name: column[np.isfinite(column)] for name, column in columns.items()}
    tables = {name: _rank(name, x, identity[name]) for name, x in heard.items() if x.size}
    if not tables:
        raise DataError("a consensus needs labels: no metric says anything of these clips")
    return Consensus(tables)


def _rank(name: str, labels: Floats, identity: float) -> Floats:
    sign = 1.0 if identity > np.median(labels) else -1.0
    goodness, counts = np.unique(sign * labels, return_counts=True)
    if goodness.size < 2:
        raise DataError(f"{name} says the same of all {labels.size} clips: it ranks none")
    ranks = (np.cumsum(counts) - 0.5 * counts) / labels.size
    # What is as good as the reference, or better by the metric's own slips, ranks as it does.
    worse = goodness < sign * identity
    knots = np.array([[*goodness[worse], sign * identity], [*ranks[worse], 1.0]])
    return knots if sign > 0.0 else np.stack([-knots[0, ::-1], knots[1, ::-1]])
