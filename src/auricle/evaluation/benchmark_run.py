"""All that a benchmark found out: agreement with listeners, ladders, costs, and what to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from auricle.core.spec import Domain
from auricle.data.listening_sets import RatedPair
from auricle.evaluation.footprint import Footprint
from auricle.evaluation.ladder_results import LadderResults
from auricle.evaluation.rated_metrics import Contender
from auricle.evaluation.rated_results import RatedBenchmark, SetResult
from auricle.evaluation.rated_scores import RatedValue
from auricle.stats.intervals import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class BenchmarkRun:
    """Results of a benchmark for its reports.

    `footprints` are by metric, on `machine`; `domains` by set, as far as somebody told them.
    `command` is what was typed.
    """

    found: RatedBenchmark
    notes: tuple[str, ...] = ()
    footprints: Mapping[str, Footprint] = field(default_factory=dict)
    machine: str = ""
    ladders: LadderResults | None = None
    domains: Mapping[str, Domain] = field(default_factory=dict)
    command: str = ""

    @property
    def tests(self) -> tuple[str, ...]:
        """Sets with their attributes: those that ask about the sound as a whole come first."""
        pairs = sorted(self.found.pairs, key=lambda pair: not pair.overall)
        return tuple(dict.fromkeys(pair.test for pair in pairs))

    @property
    def correction(self) -> str:
        """Who the correction of p-values is named after."""
        return self.found.correction.title()

    def is_outside(self, contender: Contender, test: str) -> bool:
        """Tell whether a test is of another domain than the metric's; not where one is "any"."""
        domain = self.domains.get(test.partition("/")[0], "any")
        return "any" not in (domain, contender.domain) and domain != contender.domain

    def result(self, metric: str, test: str) -> SetResult:
        """Return how well a metric agrees with a test, clip by clip; raises `KeyError`."""
        for one in self.found.results:
            if (one.metric, one.test) == (metric, test):
                return one
        raise KeyError((metric, test))

    def srcc(self, metric: str, test: str | None) -> Estimate | None:
        """Return a metric's SRCC with a test, or its mean over tests of overall quality (None)."""
        if test is not None:
            return self.result(metric, test).srcc
        return next((one.srcc for one in self.found.means if one.metric == metric), None)

    def ceiling(self, test: str) -> Estimate | None:
        """Return the SRCC that a perfect metric is expected to reach, if listeners tell."""
        ceilings = {one.test: one.ceiling.srcc.ceiling for one in self.found.ceilings}
        return ceilings.get(test)

    def rank(self, test: str | None) -> list[Contender]:
        """Return the metrics whose SRCC is known, the best first."""
        known = [(one, self.srcc(one.name, test)) for one in self.found.contenders]
        ranked = [(found.value, one) for one, found in known if found is not None]
        return [one for _, one in sorted(ranked, key=lambda pair: -pair[0])]

    def p_value(self, first: str, second: str, test: str | None) -> float | None:
        """Return the corrected p-value of a difference of SRCC, by paired bootstrap."""
        for one in self.found.differences:
            if one.test == test and {one.first, one.second} == {first, second}:
                tested = one.find("srcc")
                return None if tested is None else tested.adjusted
        return None

    def judged(self, metric: str) -> list[RatedValue]:
        """Return what a metric said of each pair of files, once where several questions were."""
        return list({one.key: one for one in self.found.values[metric]}.values())

    def processor_share(self, metric: str) -> float | None:
        """Return processor seconds per second of audio; None when it scored nothing."""
        values = [one for one in self.judged(metric) if one.value is not None]
        duration = sum(one.duration for one in values)
        return sum(one.seconds for one in values) / duration if duration else None


def pairs_of(pairs: Sequence[RatedPair], test: str) -> list[tuple[int, RatedPair]]:
    """Return the pairs of a test with their places."""
    return [(place, pair) for place, pair in enumerate(pairs) if pair.test == test]


def find_references(pairs: Sequence[RatedPair], count: int) -> list[Path]:
    """Return the first `count` references of each set that are there, each file once."""
    known: dict[str, dict[Path, None]] = {}
    for pair in pairs:
        files = known.setdefault(pair.set, {})
        if len(files) < count and pair.reference.is_file():
            files[pair.reference] = None
    return list(dict.fromkeys(path for files in known.values() for path in files))
