"""Which system is better, where listeners and items are samples of more: a mixed-effects model.

A rating is `mean of the system + listener + item + listener x system + item x system + rest`; all
but the first are random, normal, independent. So a mean or a difference holds for other listeners
and other items of the same kind, not just for those of the test.

Variances are fitted by restricted maximum likelihood. statsmodels' `MixedLM` does the same while
all variances are positive, but does not converge where one is 0, which small panels often meet, and
takes quantiles of the normal distribution, which make small panels look surer than they are. Here a
variance may be 0, and quantiles are those of Student's t with Satterthwaite's degrees of freedom.

Numbers agree with those of R's lme4, lmerTest and emmeans. Kenward and Roger's correction, which R
has, too, is not made; it differs where a variance is estimated as 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from auricle.core.errors import ConfigError, DataError
from auricle.stats.intervals import Estimate, check_confidence
from auricle.stats.multiplicity import Correction, adjust
from auricle.stats.variance_fit import VarianceFit, fit_variances
from auricle.stats.vectors import Labels, Vector, finite_vector, number_groups

_REST = "rest"


@dataclass(frozen=True, slots=True)
class Component:
    """A source of variance: its variance in squared units of scores, and its share of the total."""

    name: str
    variance: float
    share: float


@dataclass(frozen=True, slots=True)
class SystemMean:
    """A system's estimated marginal mean, with the degrees of freedom behind its interval."""

    system: str
    mean: Estimate
    freedom: float


@dataclass(frozen=True, slots=True)
class Contrast:
    """The difference `first - second` of two systems' means.

    The interval of `difference` is for this pair alone, that of `simultaneous` one of a set that
    holds all differences at once (Bonferroni's). `p` is of a two-sided t test, `corrected` the same
    corrected for the number of contrasts.
    """

    first: str
    second: str
    difference: Estimate
    simultaneous: Estimate
    freedom: float
    p: float
    corrected: float


@dataclass(frozen=True, slots=True)
class MixedEffects:
    """A fitted model: systems with their means `[system]`, components, and what was doubtful."""

    ratings: int
    systems: tuple[str, ...]
    means: Vector
    components: tuple[Component, ...]
    warnings: tuple[str, ...]
    fit: VarianceFit

    def estimate(self, weights: ArrayLike, level: float) -> tuple[Estimate, float, float]:
        """Return a weighted sum of means with its interval, degrees of freedom and p-value.

        `weights` is `[system]`; the p-value is of the two-sided test against 0.
        """
        vector = np.asarray(weights, dtype=np.float64)
        value = float(vector @ self.means)
        variance, freedom = self.fit.precision(vector)
        error = float(np.sqrt(variance))
        reach = float(stats.t.ppf(0.5 + level / 2.0, freedom)) * error
        p = 2.0 * float(stats.t.sf(abs(value) / error, freedom))
        return Estimate(value, value - reach, value + reach, level), freedom, p


def fit_mixed_effects(
    scores: ArrayLike,
    systems: Labels,
    listeners: Labels,
    items: Labels,
    *,
    interactions: bool = True,
) -> MixedEffects:
    """Fit the model to `[rating]` scores with the labels of each.

    Without `interactions` listeners and items are taken to shift all systems alike, which makes
    intervals too narrow where they don't. A component that the ratings cannot tell apart from
    another (items that were heard through one system each, one rating per listener and system) is
    left out, which `warnings` tell; they tell of a variance of 0, too, and of a fit that did not
    converge.

    Raises `DataError` for fewer than two systems or listeners, labels that do not match, scores
    that are not finite, all equal, or explained without a rest.

    >>> who, what, codec = (one.ravel() for one in np.indices((8, 6, 2)))
    >>> noise = np.random.default_rng(0).normal(size=96)
    >>> model = fit_mixed_effects(60 + 3 * who - 9 * codec + 4 * noise, codec, who, what)
    >>> [found] = compare_systems(model)
    >>> found.first, found.second, found.difference.low < 9 < found.difference.high
    ('0', '1', True)
    """
    vector = finite_vector(scores, "scores")
    names, places = number_groups(systems, vector.size)
    heard, listener_places = number_groups(listeners, vector.size)
    _, item_places = number_groups(items, vector.size)
    if len(names) < 2 or len(heard) < 2:
        raise DataError(
            "a mixed-effects model needs two systems and two listeners at least: "
            f"there are {len(names)} and {len(heard)}"
        )
    if vector.size <= len(names) + 1 or not np.ptp(vector):
        raise DataError("a mixed-effects model needs scores that differ, and more than systems")
    factors = {"listener": listener_places, "item": item_places}
    if interactions:
        for name in ("listener", "item"):
            factors[f"{name} x system"] = factors[name] * len(names) + places
    kept, warnings = _keep_distinct(factors, places)
    # About their mean scores lose fewer digits; each system's mean gets it back.
    middle = float(vector.mean())
    fit = fit_variances(vector - middle, places, list(kept.values()))
    variances = dict(zip((*kept, _REST), fit.variances.tolist(), strict=True))
    warnings += _doubts(variances, fit.converged)
    total = sum(variances.values())
    return MixedEffects(
        vector.size,
        tuple(str(name) for name in names),
        fit.means + middle,
        tuple(Component(name, one, one / total) for name, one in variances.items()),
        tuple(warnings),
        fit,
    )


def average_systems(model: MixedEffects, *, confidence: float = 0.95) -> tuple[SystemMean, ...]:
    """Return every system's estimated marginal mean with its t interval.

    Over listeners and items that all systems would share: a system that only harsh listeners heard
    is not punished for that. Raises `ConfigError` for a confidence outside 0..1.

    >>> who, what, codec = (one.ravel() for one in np.indices((4, 3, 2)))
    >>> scores = 50.0 + 3 * who - 9 * codec + [1, -2, 0, 4, -1, 3] * 4
    >>> model = fit_mixed_effects(scores, codec, who, what, interactions=False)
    >>> [(found.system, round(found.mean.value, 2)) for found in average_systems(model)]
    [('0', 54.5), ('1', 47.17)]
    """
    check_confidence(confidence)
    found = []
    for name, row in zip(model.systems, np.eye(len(model.systems)), strict=True):
        mean, freedom, _ = model.estimate(row, confidence)
        found.append(SystemMean(name, mean, freedom))
    return tuple(found)


def compare_systems(
    model: MixedEffects,
    *,
    against: str | None = None,
    correction: Correction = "holm",
    confidence: float = 0.95,
) -> tuple[Contrast, ...]:
    """Return the contrasts of all pairs of systems, or of all others `against` one.

    Raises `ConfigError` for a system that is not in the model, an unknown correction, or a
    confidence outside 0..1.

    >>> who, what, codec = (one.ravel() for one in np.indices((4, 3, 2)))
    >>> scores = 50.0 + 3 * who - 9 * codec + [1, -2, 0, 4, -1, 3] * 4
    >>> model = fit_mixed_effects(scores, codec, who, what, interactions=False)
    >>> [found] = compare_systems(model, against="1")
    >>> print(found.first, found.second, round(found.difference.value, 2), found.p < 0.05)
    0 1 7.33 True
    """
    check_confidence(confidence)
    if against is not None and against not in model.systems:
        raise ConfigError(f"no system {against!r} in the model: it has {', '.join(model.systems)}")
    places = {name: place for place, name in enumerate(model.systems)}
    pairs = (
        list(combinations(model.systems, 2))
        if against is None
        else [(name, against) for name in model.systems if name != against]
    )
    units = np.eye(len(places))
    weights = [units[places[first]] - units[places[second]] for first, second in pairs]
    found = [model.estimate(weight, confidence) for weight in weights]
    together = 1.0 - (1.0 - confidence) / len(pairs)
    corrected = adjust([p for _, _, p in found], correction)
    return tuple(
        Contrast(
            first,
            second,
            difference,
            model.estimate(weight, together)[0],
            freedom,
            p,
            float(own),
        )
        for (first, second), weight, (difference, freedom, p), own in zip(
            pairs, weights, found, corrected, strict=True
        )
    )


def _keep_distinct(
    factors: dict[str, NDArray[np.intp]], systems: NDArray[np.intp]
) -> tuple[dict[str, NDArray[np.intp]], list[str]]:
    """Return factors that the ratings tell apart from each other, systems and the rest."""
    kept: dict[str, NDArray[np.intp]] = {}
    warnings: list[str] = []
    for name, raw in factors.items():
        places = np.unique(raw, return_inverse=True)[1].astype(np.intp)
        levels = int(places.max()) + 1
        like = next(
            (
                other
                for other, own in {**kept, "system": systems}.items()
                if _pairs(own, places) == levels == int(own.max()) + 1
            ),
            None,
        )
        if levels == 1:
            warnings.append(f"{name} is left out of the model: there is one only")
        elif levels == places.size:
            warnings.append(f"{name} is left out of the model: each has one rating")
        elif like is not None:
            warnings.append(f"{name} is left out of the model: it cannot be told from {like}")
        else:
            kept[name] = places
    if not kept:
        raise DataError("a mixed-effects model needs listeners or items with several ratings")
    return kept, warnings


def _doubts(variances: dict[str, float], converged: bool) -> list[str]:
    doubts = [
        f"the variance of {name} is estimated as 0, and then taken as known: "
        "intervals may be too narrow"
        for name, variance in variances.items()
        if variance == 0.0
    ]
    if not converged:
        doubts.append("the fit did not converge: read variances and intervals with care")
    return doubts


def _pairs(first: NDArray[np.intp], second: NDArray[np.intp]) -> int:
    return len(set(zip(first.tolist(), second.tolist(), strict=True)))
