"""What comes out when metrics are judged by ratings: measures, differences, noise ceilings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from auricle.data.listening_sets import RatedPair
from auricle.evaluation.rated_metrics import Contender
from auricle.evaluation.rated_scores import RatedValue
from auricle.stats.intervals import Estimate
from auricle.stats.mappings import MappingKind
from auricle.stats.multiplicity import Correction
from auricle.stats.reliability import NoiseCeiling

Level = Literal["clip", "system"]
Method = Literal["bootstrap", "formula"]


@dataclass(frozen=True, slots=True, eq=False)
class SetResult:
    """How well a metric agrees with one test, on the `clips` of `of` that it gave a value for.

    At `level` "system" the points are the means of systems, of clips and of ratings, and `clips`
    and `of` count systems. `items` is how many items the clips are of, `drawn` what was resampled:
    "items", "clips" or "systems".

    `srcc` is Spearman's, `ktau` Kendall's (tau-b), `pcc` Pearson's correlation of the values,
    negated for distances, with the mean ratings. All others are after the mapping that was fitted
    without the item it is applied to, on the ratings' scale: `mapped` is Pearson's correlation,
    `rmse`, `mse` and `mae` are errors, `bias` their mean (positive where a metric says too much).
    `epsilon_rmse` counts what of an error lies beyond the 95% interval of the rating, and
    `outlier_ratio` is the share of points whose error leaves it; both need listeners.

    None is undefined. For `constant_folds` of the items no rising mapping was better than a
    constant, which then is what the item is given.
    """

    test: str
    metric: str
    level: Level
    clips: int
    of: int
    items: int
    drawn: str
    srcc: Estimate | None
    pcc: Estimate | None
    ktau: Estimate | None
    mapped: Estimate | None
    rmse: Estimate | None
    mse: Estimate | None
    mae: Estimate | None
    bias: Estimate | None
    epsilon_rmse: Estimate | None
    outlier_ratio: Estimate | None
    constant_folds: int


@dataclass(frozen=True, slots=True)
class MeanResult:
    """A metric's means over `tests`; those of `pcc` and `mapped` are plain, without intervals.

    None is undefined, because a part of it is.
    """

    metric: str
    tests: tuple[str, ...]
    srcc: Estimate | None
    pcc: float | None
    mapped: float | None


@dataclass(frozen=True, slots=True)
class Significance:
    """Whether a difference of a measure may be chance.

    `p` is two-sided, `adjusted` the same, corrected for all pairs of metrics of the test: compare
    it with .05. `method` "bootstrap" honours items (a t-test of the difference with the standard
    error of its paired resamples), "formula" takes clips for independent: Williams' t of "pcc", the
    same of ranks for "srcc" (an approximation), the F-test of ITU-T P.1401 for "rmse" and
    "epsilon_rmse", its test of two proportions for "outlier_ratio".
    """

    measure: str
    method: Method
    p: float
    adjusted: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Measures of `first` less those of `second`, on clips that both gave a value for.

    They are those of `SetResult`; `test` is None for the mean SRCC over tests of overall quality.
    None is undefined. `tests` say whether they may be chance, where that is known.
    """

    test: str | None
    first: str
    second: str
    srcc: Estimate | None
    pcc: Estimate | None = None
    rmse: Estimate | None = None
    tests: tuple[Significance, ...] = ()

    def find(self, measure: str, method: Method = "bootstrap") -> Significance | None:
        """Return the test of a measure; None where there is none."""
        return next(
            (one for one in self.tests if (one.measure, one.method) == (measure, method)), None
        )


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What the listeners' noise leaves to reach in a test: a perfect metric is expected there."""

    test: str
    ceiling: NoiseCeiling


@dataclass(frozen=True, slots=True, eq=False)
class RatedBenchmark:
    """All that came out: results per test and metric, means over the overall tests, differences.

    `values` are those of `pairs`, by metric. `results` are clip by clip; `systems` has the same
    over means of systems, for tests with three of them or more. `ceilings` has the tests whose
    single listeners are known. `mapping` and `correction` are what was asked for.
    """

    pairs: tuple[RatedPair, ...]
    contenders: tuple[Contender, ...]
    values: Mapping[str, Sequence[RatedValue]]
    mapping: MappingKind
    correction: Correction
    results: tuple[SetResult, ...]
    systems: tuple[SetResult, ...]
    means: tuple[MeanResult, ...]
    differences: tuple[Difference, ...]
    ceilings: tuple[Ceiling, ...]
