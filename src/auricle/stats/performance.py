"""How well predictions agree with their targets, clip by clip and system by system."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from auricle.core.errors import DataError
from auricle.stats.correlation import kendall, mae, mse, pearson, rmse, spearman
from auricle.stats.intervals import Estimate, Statistic, bootstrap_interval
from auricle.stats.vectors import Labels, Vector, finite_vector, matched_vectors, number_groups

_FEWEST = 3


@dataclass(frozen=True, slots=True)
class Agreement:
    """Correlations and errors of `items` predictions, each with its interval.

    `pcc` is Pearson's, `srcc` Spearman's, `ktau` Kendall's correlation (tau-b); `rmse` and `mae`
    are in the unit of the predictions, `mse` in its square.
    """

    items: int
    pcc: Estimate
    srcc: Estimate
    ktau: Estimate
    rmse: Estimate
    mse: Estimate
    mae: Estimate


@dataclass(frozen=True, slots=True)
class AgreementByLevel:
    """Agreement over clips, and over the means of systems where systems are known."""

    utterance: Agreement
    system: Agreement | None


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
        mse=estimate(mse),
        mae=estimate(mae),
    )


def agree(
    predicted: ArrayLike,
    label: ArrayLike,
    systems: Labels | None = None,
    *,
    groups: Labels | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> AgreementByLevel:
    """Return how well `[clip]` predictions agree with labels, per clip and per system.

    With `systems`, a label per clip such as the generator that made it, also over systems: both
    arrays are averaged over the clips of each first. Intervals resample clips at utterance level,
    or whole `groups` (a label per clip, such as its recording), and systems at system level; all
    measures of a level see the same resamples.

    Raises `DataError` for fewer than three clips or systems, arrays that do not match, values that
    are not finite, constant predictions or labels, and where too few items differ for an interval;
    `ConfigError` for a confidence outside 0..1 or too few resamples.

    Source: Huang et al., "The VoiceMOS Challenge 2022", Interspeech 2022.

    >>> label = np.array([1.0, 2.0, 3.0, 4.0, 4.5, 6.0, 6.5, 9.0])
    >>> found = agree(label + 0.5, label, systems=list("aabbccdd"), resamples=200)
    >>> found.utterance.mse.value, round(found.utterance.ktau.value, 3), found.system.items
    (0.25, 1.0, 4)
    """
    first, second = matched_vectors(predicted, label)
    measure = partial(agreement, confidence=confidence, resamples=resamples, seed=seed)
    _require(first.size, "clips")
    utterance = measure(first, second, groups=groups)
    if systems is None:
        return AgreementByLevel(utterance, None)
    first, second = (aggregate_by(values, systems)[1] for values in (first, second))
    _require(first.size, "systems")
    return AgreementByLevel(utterance, measure(first, second))


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


def _require(count: int, items: str) -> None:
    if count < _FEWEST:
        raise DataError(
            f"agreement needs {_FEWEST} {items} or more, not {count}: "
            "any two of them correlate perfectly"
        )
