"""What a frozen representation still tells of a label: linear probes.

A logistic regression learns to tell the label (the data set a clip is from, its codec) from the
vectors of some recordings, and is asked about others. What it finds is there to be used; what it
does not find may still be there, but not along straight lines (G. Alain and Y. Bengio,
"Understanding intermediate layers using linear classifier probes", ICLR workshop 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.core.errors import ConfigError, DataError, MissingDependencyError
from auricle.stats.intervals import Estimate, bootstrap_interval, paired_bootstrap_difference
from auricle.stats.vectors import Vector, number_groups

Matrix = NDArray[np.float64]

FOLDS: Final = 5
# Of standardised features, up to hardly any slope: hundreds of features take the strong ones.
_PENALTIES: Final = (10.0, 100.0, 1_000.0, 10_000.0)
_MOST_STEPS: Final = 5_000


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """How well a label is told from vectors of recordings that were not learned from.

    `accuracy` is the share of clips that is right, `chance` that of always saying the most
    frequent class; `balanced` is the mean over the classes of the share that is right, which knows
    nothing of how frequent they are: its chance is one by their number.
    """

    classes: tuple[str, ...]
    clips: int
    accuracy: Estimate
    balanced: Estimate
    chance: float

    @property
    def above_chance(self) -> Estimate:
        """How far `balanced` is on the way from chance (0) to always right (1)."""
        chance, found = 1.0 / len(self.classes), self.balanced
        value, low, high = (
            (share - chance) / (1.0 - chance) for share in (found.value, found.low, found.high)
        )
        return Estimate(value, low, high, found.confidence)


@dataclass(frozen=True, slots=True)
class ProbeChange:
    """What became of a label from one representation of the same clips to another.

    `accuracy` and `balanced` are differences, negative where less is told afterwards. `fall` is the
    share of the way to chance that `balanced` has gone, (before - after) / (before - chance): 1
    when nothing is left, None when there was nothing above chance to begin with.
    """

    before: ProbeResult
    after: ProbeResult
    accuracy: Estimate
    balanced: Estimate
    fall: Estimate | None


def probe(
    vectors: ArrayLike,
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    folds: int = FOLDS,
    seed: int = 0,
    resamples: int = 1000,
    penalties: Sequence[float] = _PENALTIES,
) -> ProbeResult:
    """Return how well `labels` `[clip]` are told from `vectors` `[clip, feature]`.

    Multinomial logistic regression on standardised features, cross-validated: the clips of one
    group (a recording) are in one fold, which has classes as frequent as all others where that can
    be. Of the `penalties` (on half the squared weights, beside the sum of the clips' losses) each
    fold takes the one that is right most often in the other folds, the first of equals. Intervals
    of 95% are bootstrapped over groups: they hold the chance of having asked about these clips, not
    that of having learned from them.

    Raises `DataError` for vectors that are not finite or all alike, fewer than two classes, and a
    class in fewer groups than folds; `ConfigError` for fewer than two folds;
    `MissingDependencyError` without scikit-learn.

    >>> rng = np.random.default_rng(0)
    >>> labels = ["mp3", "opus"] * 50
    >>> groups = [f"song {clip // 5}" for clip in range(100)]
    >>> told = rng.normal(size=(100, 3)) + [[9.0 * (label == "mp3"), 0, 0] for label in labels]
    >>> print(probe(told, labels, groups).accuracy)
    1.000 [1.000, 1.000]
    """
    task = _Task(labels, groups, folds, seed, resamples, penalties)
    return task.assess(task.predict(vectors))


def compare_representations(
    before: ArrayLike,
    after: ArrayLike,
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    folds: int = FOLDS,
    seed: int = 0,
    resamples: int = 1000,
) -> ProbeChange:
    """Return how much less is told of a label by `after` than by `before`, `[clip, feature]` both.

    Both are probed as by `probe`, in the same folds and on the same resamples, so that differences
    are paired. They may differ in how many features they have. Raises what `probe` raises.

    >>> rng = np.random.default_rng(0)
    >>> labels = ["mp3", "opus"] * 50
    >>> groups = [f"song {clip // 5}" for clip in range(100)]
    >>> hidden = rng.normal(size=(100, 3))
    >>> told = hidden + [[9.0 * (label == "mp3"), 0, 0] for label in labels]
    >>> found = compare_representations(told, hidden, labels, groups)
    >>> found.accuracy.high < -0.2, found.fall.value > 0.5
    (True, True)
    """
    task = _Task(labels, groups, folds, seed, resamples, _PENALTIES)
    return task.compare(task.predict(before), task.predict(after))


def frequent_rows(
    labels: Sequence[str], groups: Sequence[str], least: int = FOLDS
) -> NDArray[np.int64]:
    """Return the rows of the classes that are heard in `least` groups or more.

    >>> frequent_rows(["a", "b", "a"], ["x", "y", "z"], 2).tolist()
    [0, 2]
    """
    heard: dict[str, set[str]] = {}
    for label, group in zip(labels, groups, strict=True):
        heard.setdefault(label, set()).add(group)
    return np.flatnonzero([len(heard[label]) >= least for label in labels]).astype(np.int64)


def finite_matrix(vectors: ArrayLike, clips: int) -> Matrix:
    """Return the vectors of `clips` clips as float64 `[clip, feature]`, some of which differ.

    Raises `DataError` for another shape, values that are not finite, and vectors all alike.

    >>> finite_matrix([[1, 2], [1, 3]], 2).shape
    (2, 2)
    """
    values = np.asarray(vectors, dtype=np.float64)
    if values.ndim != 2 or len(values) != clips:
        raise DataError(f"{clips} clips need vectors [clip, feature], not of shape {values.shape}")
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise DataError(f"the vector of clip {row} is not finite")
    if values.size == 0 or (values == values[0]).all():
        raise DataError("the vectors of all clips are the same: there is nothing in them to tell")
    return values


class _Task:
    """A label to be told, with the folds and resamples that all representations share."""

    def __init__(
        self,
        labels: Sequence[str],
        groups: Sequence[str],
        folds: int,
        seed: int,
        resamples: int,
        penalties: Sequence[float],
    ) -> None:
        if folds < 2:
            raise ConfigError(f"a probe needs two folds at least, not {folds}")
        names, self.truth = number_groups(labels, len(labels))
        self.classes = tuple(map(str, names))
        self.groups = number_groups(groups, len(labels))[1]
        self.folds, self.seed, self.resamples = folds, seed, resamples
        self.penalties = penalties
        if len(names) < 2:
            raise DataError(f"a probe needs two classes at least, not {', '.join(self.classes)!r}")
        for place, name in enumerate(self.classes):
            heard = np.unique(self.groups[self.truth == place]).size
            if heard < folds:
                raise DataError(
                    f"{name!r} is in {heard} of the groups only, {folds} folds need as many: leave"
                    " the class out, or ask for fewer folds"
                )

    def predict(self, vectors: ArrayLike) -> Vector:
        """Return the class number of each clip, said by who never met its group."""
        try:
            from sklearn.linear_model import LogisticRegression
            from sklearn.model_selection import StratifiedGroupKFold
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import StandardScaler
        except ImportError as error:
            raise MissingDependencyError("scikit-learn", extra="train") from error
        x = finite_matrix(vectors, self.truth.size)
        fold = np.empty(self.truth.size, dtype=np.intp)
        said = np.empty((len(self.penalties), self.truth.size))
        parts = StratifiedGroupKFold(self.folds, shuffle=True, random_state=self.seed)
        for number, (others, own) in enumerate(parts.split(x, self.truth, self.groups)):
            fold[own] = number
            for place, penalty in enumerate(self.penalties):
                regression = LogisticRegression(C=1.0 / penalty, max_iter=_MOST_STEPS)
                model = make_pipeline(StandardScaler(), regression)
                said[place, own] = model.fit(x[others], self.truth[others]).predict(x[own])
        right = said == self.truth
        found = np.empty(self.truth.size)
        for number in range(self.folds):
            # Not by its own clips: the best of several guesses at them is better than any is.
            best = right[:, fold != number].sum(axis=1).argmax()
            found[fold == number] = said[best, fold == number]
        return found

    def assess(self, predicted: Vector) -> ProbeResult:
        """Return how good predicted class numbers `[clip]` are."""
        accuracy, balanced = (
            bootstrap_interval(
                statistic,
                *(predicted, self.truth),
                groups=self.groups,
                resamples=self.resamples,
                seed=self.seed,
            )
            for statistic in (_accuracy, _balanced_accuracy)
        )
        chance = float(np.bincount(self.truth).max()) / self.truth.size
        return ProbeResult(self.classes, self.truth.size, accuracy, balanced, chance)

    def compare(self, before: Vector, after: Vector) -> ProbeChange:
        """Return the change from one representation's class numbers to another's, both `[clip]`."""
        accuracy, balanced = (
            paired_bootstrap_difference(
                statistic,
                *(self.truth, after, before),
                groups=self.groups,
                resamples=self.resamples,
                seed=self.seed,
            )
            for statistic in (_accuracy, _balanced_accuracy)
        )
        fall = self._fall(before, after)
        return ProbeChange(self.assess(before), self.assess(after), accuracy, balanced, fall)

    def _fall(self, before: Vector, after: Vector) -> Estimate | None:
        chance = 1.0 / len(self.classes)

        def fall(truth: Vector, before: Vector, after: Vector) -> float:
            from_, to = _balanced_accuracy(before, truth), _balanced_accuracy(after, truth)
            if from_ <= chance:
                raise DataError("what is at chance cannot fall to it")
            return (from_ - to) / (from_ - chance)

        try:
            return bootstrap_interval(
                fall,
                *(self.truth, before, after),
                groups=self.groups,
                resamples=self.resamples,
                seed=self.seed,
            )
        except DataError:
            return None


def _accuracy(predicted: Vector, truth: Vector) -> float:
    return float((truth == predicted).mean())


def _balanced_accuracy(predicted: Vector, truth: Vector) -> float:
    """The mean over the classes that are there, which in a resample need not be all."""
    places = truth.astype(np.intp)
    clips = np.bincount(places)
    right = np.bincount(places, weights=truth == predicted)
    return float((right[clips > 0] / clips[clips > 0]).mean())
