"""Whether differences between metrics may be chance, corrected for the number of pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from auricle.core.errors import DataError
from auricle.evaluation.rated_results import Difference, Method, Significance
from auricle.evaluation.rated_sheet import Measure, Replicates, Sheet
from auricle.stats.correlation import pearson, spearman
from auricle.stats.dependent_correlations import williams_t_test
from auricle.stats.error_tests import outlier_z_test, rmse_f_test
from auricle.stats.multiplicity import Correction, adjust

TESTED: tuple[Measure, ...] = ("srcc", "pcc", "rmse", "epsilon_rmse", "outlier_ratio")


def find_significance(sheet: Sheet, first: str, second: str) -> tuple[Significance, ...]:
    """Return the tests of two metrics on one listening test that are defined, not yet corrected."""
    found: list[tuple[Measure, Method, float | None]] = []
    for measure in TESTED:
        difference = sheet.subtract(first, second, measure)
        found.append((measure, "bootstrap", bootstrap_p(difference, sheet.drawn - 1)))
        found.append((measure, "formula", _formula(sheet, first, second, measure)))
    return tuple(Significance(one, how, p, p) for one, how, p in found if p is not None)


def bootstrap_p(difference: Replicates, degrees: int) -> float | None:
    """Return the two-sided p-value of a paired difference against its resamples' standard error.

    By Student's t with as many degrees of freedom as units were drawn less one: resamples of few
    items scatter too little for the normal distribution. None where the difference is undefined.

    >>> round(bootstrap_p((2.0, np.array([1.0, 2.0, 3.0])), 10), 3)
    0.073
    """
    value, replicates = difference
    known = replicates[np.isfinite(replicates)]
    if not math.isfinite(value) or known.size < 0.9 * replicates.size or degrees < 1:
        return None
    error = float(known.std(ddof=1))
    if error <= 1e-12 * max(1.0, abs(value)):
        return 1.0 if abs(value) <= 1e-12 else 0.0
    return 2.0 * float(stats.t.sf(abs(value) / error, degrees))


def correct(differences: Sequence[Difference], correction: Correction) -> list[Difference]:
    """Return the differences with p-values corrected over all pairs of metrics of a test.

    Each measure and method is a family of its own.
    """
    families: dict[tuple[str | None, str, str], list[float]] = {}
    for one in differences:
        for test in one.tests:
            families.setdefault((one.test, test.measure, test.method), []).append(test.p)
    adjusted = {key: iter(adjust(ps, correction).tolist()) for key, ps in families.items()}
    return [
        replace(
            one,
            tests=tuple(
                replace(test, adjusted=next(adjusted[one.test, test.measure, test.method]))
                for test in one.tests
            ),
        )
        for one in differences
    ]


def _formula(sheet: Sheet, first: str, second: str, measure: Measure) -> float | None:
    """Return the p-value of the test for clips that are independent; None where there is none."""
    there = sheet.there(first, second)
    clips = int(there.sum())
    values = [
        sheet.replicate(one, measure, two)[0] for one, two in ((first, second), (second, first))
    ]
    if not all(map(math.isfinite, values)):
        return None
    try:
        if measure in ("srcc", "pcc"):
            statistic = spearman if measure == "srcc" else pearson
            between = statistic(sheet.signed[first][there], sheet.signed[second][there])
            return williams_t_test(values[0], values[1], between, clips).p
        if measure == "outlier_ratio":
            return outlier_z_test(values[0], clips, values[1], clips).p
        if sheet.lost is None:
            return None
        return rmse_f_test(values[0], values[1], clips - sheet.lost).p
    except DataError:
        return None
