"""What comes out of metrics on ladders of degraded clips."""

from __future__ import annotations

from dataclasses import dataclass

from auricle.evaluation.ladder_scores import RungScore
from auricle.evaluation.ladder_table import ALL, Ladder
from auricle.evaluation.rated_metrics import Contender
from auricle.stats.intervals import Estimate


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean or share over clips, and its 95% bootstrap interval, None with a single clip."""

    value: float
    interval: Estimate | None


@dataclass(frozen=True, slots=True)
class Order:
    """Pairs of rungs: `ordered` ones score worse where harder, `tied` ones exactly the same.

    `share` is that of ordered pairs among all, None without a pair.
    """

    pairs: int
    ordered: int
    tied: int
    inverted: int
    share: Mean | None


@dataclass(frozen=True, slots=True)
class Step:
    """A rung's mean score over `clips`, on the metric's own scale; `process` "" is the clean clip.

    `change` is the mean difference to what the same clips score when clean. None: no clip has it.
    """

    process: str
    clips: int
    mean: Mean | None
    change: Mean | None


@dataclass(frozen=True, slots=True)
class LadderResult:
    """A metric on a ladder, or on all of them (`ladder` is `ALL`, without a `curve`).

    `clips` is how many have a pair. `every` counts all pairs of a clip's rungs, `adjacent`
    neighbours only. `tau` is the mean of Kendall's tau-b over the clips (and ladders) of which it
    is defined. `beyond` counts the inverted pairs of `every` whose scores differ by more than half
    the width of the metric's own interval, None from metrics that tell none.
    """

    metric: str
    ladder: str
    clips: int
    every: Order
    adjacent: Order
    tau: Mean | None
    beyond: int | None
    curve: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A rung that a clip cannot feel, and why; it makes no pairs."""

    clip: str
    ladder: str
    process: str
    reason: str


@dataclass(frozen=True, slots=True)
class LadderFailure:
    """What could not be read or degraded (`metric` is ""), or scored, on these rungs."""

    clip: str
    metric: str
    processes: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class LadderResults:
    """All that came out: a result per metric and ladder, then one of all ladders per metric."""

    contenders: tuple[Contender, ...]
    ladders: tuple[Ladder, ...]
    clips: tuple[str, ...]
    results: tuple[LadderResult, ...]
    left_out: tuple[LeftOut, ...]
    failures: tuple[LadderFailure, ...]
    scores: tuple[RungScore, ...]

    def find(self, metric: str, ladder: str = ALL) -> LadderResult:
        """Return the result of a metric, by `Contender.name`, on a ladder; raises `KeyError`."""
        for result in self.results:
            if (result.metric, result.ladder) == (metric, ladder):
                return result
        raise KeyError((metric, ladder))
