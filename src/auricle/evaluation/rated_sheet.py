"""One listening test with the values of all metrics: measures on the whole and on resamples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from auricle.data.listening_sets import RatedPair
from auricle.stats.correlation import excess
from auricle.stats.cross_mapping import Folds, map_by_item
from auricle.stats.mappings import DEGREES, MappingKind
from auricle.stats.resamples import Matrix, average, correlate, draw_weights, replicate
from auricle.stats.vectors import Vector, number_groups

Mask = NDArray[np.bool_]
Replicates = tuple[float, Vector]
Measure = Literal[
    "srcc", "pcc", "ktau", "mapped", "rmse", "mse", "mae", "bias", "epsilon_rmse", "outlier_ratio"
]
MEASURES: tuple[Measure, ...] = get_args(Measure)
# With fewer, whole items tell nothing of how others would do, and clips are drawn instead.
FEWEST_ITEMS = 5
# With fewer, a mapping for one item is fitted on a single other.
FEWEST_MAPPED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """What is compared, `[point]` each: clips, or the means of systems.

    `values` are those of a metric, negated for distances, `predicted` the ratings that the mapping
    makes of them, `interval` half the width of the 95% interval of each `rating` (NaN where it is
    not known), and `weights` `[resample, point]` how often each was drawn.
    """

    values: Vector
    predicted: Vector
    rating: Vector
    interval: Vector
    weights: Matrix

    def keep(self, there: Mask) -> Points:
        """Return some of the points."""
        return Points(
            self.values[there],
            self.predicted[there],
            self.rating[there],
            self.interval[there],
            self.weights[:, there],
        )

    def replicate(self, measure: Measure) -> Replicates:
        """Return a measure of all points, and of each resample; NaN where it is undefined."""
        if not self._has(measure):
            return math.nan, np.full(len(self.weights), math.nan)
        if measure in ("srcc", "pcc", "ktau", "mapped"):
            values = self.predicted if measure == "mapped" else self.values
            kind = "pcc" if measure == "mapped" else measure
            return replicate(
                lambda weights: correlate(values, self.rating, weights, kind), self.weights
            )
        cost = self._cost(measure)
        whole, each = replicate(lambda weights: average(cost, weights), self.weights)
        if measure in ("rmse", "epsilon_rmse"):
            return math.sqrt(whole), np.sqrt(each)
        return whole, each

    def _has(self, measure: Measure) -> bool:
        """Whether everything is known that a measure looks at."""
        needed = [self.values]
        if measure not in ("srcc", "pcc", "ktau"):
            needed.append(self.predicted)
        if measure in ("epsilon_rmse", "outlier_ratio"):
            needed.append(self.interval)
        return self.values.size > 0 and all(bool(np.isfinite(one).all()) for one in needed)

    def _cost(self, measure: Measure) -> Vector:
        """Return what an error measure averages over points."""
        error: Vector = self.predicted - self.rating
        if measure == "bias":
            return error
        if measure == "mae":
            return np.abs(error)
        if measure in ("epsilon_rmse", "outlier_ratio"):
            beyond = excess(self.predicted, self.rating, self.interval)
            cost: Vector = np.square(beyond) if measure == "epsilon_rmse" else np.sign(beyond)
            return cost
        return np.square(error)


class Sheet:
    """The ratings of one test `[clip]` with every metric's values, and resamples of its clips.

    `signed` holds the values of each metric, negated for distances and NaN where there is none,
    `intervals` half the width of the 95% interval of each rating, NaN where it is not known.
    """

    def __init__(
        self,
        pairs: Sequence[RatedPair],
        signed: dict[str, Vector],
        distances: frozenset[str],
        intervals: Vector,
        *,
        mapping: MappingKind,
        resamples: int,
        seed: int,
    ) -> None:
        self.pairs = pairs
        self.test = pairs[0].test
        self.signed = signed
        self.rating = np.array([pair.score for pair in pairs])
        self.items = [pair.item for pair in pairs]
        self.grouped = len(set(self.items)) >= FEWEST_ITEMS
        self.lost = DEGREES[mapping]
        self.folds = {
            # A distance is on no scale of ratings: without a mapping it has no errors.
            name: Folds(0, 0, np.full(values.size, math.nan))
            if mapping == "none" and name in distances
            else self._map(values, mapping)
            for name, values in signed.items()
        }
        self._intervals = intervals
        self._resamples, self._seed = resamples, seed
        groups = self.items if self.grouped else list(range(len(pairs)))
        self._weights = (
            draw_weights(len(pairs), groups=groups, resamples=resamples, seed=seed)
            if len(pairs) > 1
            else np.ones((resamples, 1))
        )
        self._known: dict[tuple[str, Measure, bytes], Replicates] = {}

    def _map(self, values: Vector, mapping: MappingKind) -> Folds:
        """Predict ratings; NaN where a mapping had to be guessed from a single item, or nothing."""
        folds = map_by_item(values, self.rating, self.items, mapping)
        there = np.isfinite(values)
        fitted = folds.count >= FEWEST_MAPPED and np.unique(self.rating[there]).size > 1
        known = fitted if mapping != "none" else int(there.sum()) > 1
        return folds if known else replace(folds, predicted=np.full(values.size, math.nan))

    @property
    def drawn(self) -> int:
        """How many items, or clips, a resample draws."""
        return len(set(self.items)) if self.grouped else len(self.items)

    def there(self, metric: str, beside: str | None = None) -> Mask:
        """Return which clips a metric has a value for, and another one, too."""
        return np.isfinite(self.signed[metric]) & np.isfinite(self.signed[beside or metric])

    def points(self, metric: str, there: Mask) -> Points:
        """Return some of the clips as a metric sees them."""
        return Points(
            self.signed[metric],
            self.folds[metric].predicted,
            self.rating,
            self._intervals,
            self._weights,
        ).keep(there)

    def systems(self, metric: str) -> Points:
        """Return the means of systems, of the clips that a metric has a value for."""
        there = self.there(metric)
        clips = self.points(metric, there)
        labels = [pair.system for pair, known in zip(self.pairs, there, strict=True) if known]
        names, places = number_groups(labels, len(labels))
        counts = np.bincount(places, minlength=len(names))

        def mean(values: Vector) -> Vector:
            return np.asarray(np.bincount(places, weights=values, minlength=len(names)) / counts)

        weights = (
            draw_weights(len(names), resamples=self._resamples, seed=self._seed)
            if len(names) > 1
            else np.ones((self._resamples, len(names)))
        )
        # Errors of clips are taken for independent.
        interval = np.sqrt(mean(np.square(clips.interval)) / counts)
        return Points(
            mean(clips.values), mean(clips.predicted), mean(clips.rating), interval, weights
        )

    def replicate(self, metric: str, measure: Measure, beside: str | None = None) -> Replicates:
        """Return a measure of a metric, on clips that the metric `beside` has a value for, too."""
        there = self.there(metric, beside)
        key = metric, measure, there.tobytes()
        if key not in self._known:
            self._known[key] = self.points(metric, there).replicate(measure)
        return self._known[key]

    def subtract(self, first: str, second: str, measure: Measure) -> Replicates:
        """Return a measure of one metric less that of another, on clips that both have."""
        a, b = (
            self.replicate(one, measure, two) for one, two in ((first, second), (second, first))
        )
        return a[0] - b[0], a[1] - b[1]
