"""How well predictions agree with their targets, per item or per system."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from auricle.stats.correlation import kendall, mae, pearson, rmse, spearman
from auricle.stats.intervals import Estimate, Statistic, bootstrap_interval
from auricle.stats.vectors import Labels, Vector, finite_vector, number_groups


@dataclass(frozen=True, slots=True)
class Agreement:
    """Correlations and errors of `items` predictions, each with its interval.

    `pcc` is Pearson's, `srcc` Spearman's, `ktau` Kendall's correlation; `rmse` and `mae` are in
    the unit of the predictions.
    """

    items: int
    pcc: Estimate
    srcc: Estimate
    ktau: Estimate
    rmse: Estimate
    mae: Estimate


def agreement(
    predicted: ArrayLike,
    target: ArrayLike,
    *,
    groups: Labels | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Agreement:
    """Return how well `[item]` predictions agree with their targets.

    Intervals are bootstrapped over items, or over whole groups (a label per item, such as its
    recording); all measures see the same resamples. Raises what `bootstrap_interval` and the
    measures raise.

    >>> target = np.linspace(0, 1, 40)
    >>> found = agreement(target + 0.1, target)
    >>> round(found.pcc.value, 3), round(found.rmse.value, 3)
    (1.0, 0.1)
    """

    def estimate(statistic: Statistic) -> Estimate:
        return bootstrap_interval(
            statistic,
            predicted,
            target,
            groups=groups,
            confidence=confidence,
            resamples=resamples,
            seed=seed,
        )

    return Agreement(
        items=finite_vector(predicted).size,
        pcc=estimate(pearson),
        srcc=estimate(spearman),
        ktau=estimate(kendall),
        rmse=estimate(rmse),
        mae=estimate(mae),
    )


def aggregate_by(values: ArrayLike, systems: Labels) -> tuple[tuple[Hashable, ...], Vector]:
    """Return the systems in order of appearance, and the mean of the values of each.

    `values` and `systems` are `[item]`; the means are `[system]`, so that two arrays aggregated by
    the same labels can go straight to `agreement`. Raises `DataError` for values that are not
    finite, missing labels, or unequal lengths.

    >>> aggregate_by([1.0, 4.0, 3.0], ["opus", "mp3", "opus"])
    (('opus', 'mp3'), array([2., 4.]))
    """
    vector = finite_vector(values)
    names, places = number_groups(systems, vector.size)
    return names, np.bincount(places, weights=vector) / np.bincount(places)
