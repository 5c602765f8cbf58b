"""Scores, failures, and the report that holds them in input order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auricle.core.errors import AuricleError
from auricle.core.spec import Scale


@dataclass(frozen=True, slots=True)
class Notice:
    """A reason to read a score with care; `kind` is stable, `message` is for people."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch of time, in seconds, with its score."""

    start: float
    end: float
    score: float


@dataclass(frozen=True, slots=True)
class Score:
    """What a metric says about one recording.

    `interval` is the 90% interval `(low, high)`, `track` the value over time (silent stretches
    are missing from it), `duration` the length in seconds.
    """

    value: float
    interval: tuple[float, float]
    track: tuple[Moment, ...]
    scale: Scale
    metric: str
    duration: float
    warnings: tuple[Notice, ...] = ()

    @property
    def worst(self) -> Moment:
        """The worst moment of the track, by the scale's direction."""
        sign = 1.0 if self.scale.higher_is_better else -1.0
        return min(self.track, key=lambda moment: sign * moment.score)


@dataclass(frozen=True, slots=True)
class Result:
    """One requested score: `score` or `error` is there, never both, never neither.

    >>> Result("a.wav", "codec-music.v1", "")
    Traceback (most recent call last):
    ValueError: a result holds either a score or an error
    """

    path: str
    metric: str
    model_sha256: str
    score: Score | None = None
    error: AuricleError | None = None

    def __post_init__(self) -> None:
        if (self.score is None) == (self.error is None):
            raise ValueError("a result holds either a score or an error")


@dataclass(frozen=True, slots=True)
class Report:
    """All results of a request, in the order in which they were asked for."""

    results: tuple[Result, ...]

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    @property
    def scores(self) -> tuple[Score, ...]:
        """The scores that could be given."""
        return tuple(result.score for result in self.results if result.score is not None)

    @property
    def failures(self) -> tuple[Result, ...]:
        """The results that hold an error."""
        return tuple(result for result in self.results if result.error is not None)
