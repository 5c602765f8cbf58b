"""How well predictions agree with labels, clip by clip and system by system.

The four measures of the VoiceMOS and AudioMOS challenges, with intervals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from auricle.core.errors import DataError
from auricle.stats.correlation import kendall, pearson, spearman
from auricle.stats.intervals import Estimate, Statistic, bootstrap_interval
from auricle.stats.performance import aggregate_by
from auricle.stats.vectors import Labels, Vector, matched_vectors

_FEWEST = 3


@dataclass(frozen=True, slots=True)
class LevelAgreement:
    """Agreement over `items` clips or systems, each measure with its interval.

    `mse` is the mean squared error, in the squared unit of the labels; `lcc` Pearson's, `srcc`
    Spearman's, `ktau` Kendall's correlation (tau-b).
    """

    items: int
    mse: Estimate
    lcc: Estimate
    srcc: Estimate
    ktau: Estimate


@dataclass(frozen=True, slots=True)
class AgreementByLevel:
    """Agreement over clips, and over the means of systems where systems are known."""

    utterance: LevelAgreement
    system: LevelAgreement | None


def mse(predicted: ArrayLike, label: ArrayLike) -> float:
    """Return the mean squared error of two `[item]` arrays, in their squared unit.

    Raises `DataError` for empty arrays, unequal lengths or values that are not finite.

    >>> mse([1, 2, 3, 4], [1, 2, 3, 6])
    1.0
    """
    first, second = matched_vectors(predicted, label)
    return float(np.mean(np.square(first - second)))


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
    """Return MSE, LCC, SRCC and KTAU of `[clip]` predictions, with bootstrap intervals.

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
    utterance = _level(first, second, "clips", confidence, resamples, seed, groups)
    if systems is None:
        return AgreementByLevel(utterance, None)
    first, second = (aggregate_by(values, systems)[1] for values in (first, second))
    return AgreementByLevel(
        utterance, _level(first, second, "systems", confidence, resamples, seed)
    )


def _level(
    predicted: Vector,
    label: Vector,
    items: str,
    confidence: float,
    resamples: int,
    seed: int,
    groups: Labels | None = None,
) -> LevelAgreement:
    if predicted.size < _FEWEST:
        raise DataError(
            f"agreement needs {_FEWEST} {items} or more, not {predicted.size}: "
            "any two of them correlate perfectly"
        )

    def estimate(statistic: Statistic) -> Estimate:
        return bootstrap_interval(
            statistic,
            predicted,
            label,
            groups=groups,
            confidence=confidence,
            resamples=resamples,
            seed=seed,
        )

    return LevelAgreement(
        items=predicted.size,
        mse=estimate(mse),
        lcc=estimate(pearson),
        srcc=estimate(spearman),
        ktau=estimate(kendall),
    )
