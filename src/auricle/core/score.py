"""Scores, failures, and the report that holds them in input order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

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
class Trace:
    """What may have been done to a recording, one of `auricle.core.traces.TRACES`.

    `probability` says how sure it is, `rate` how strongly it was done if it was: the octave
    `(low, high)` that it lies in, in bit/s per channel, for "lowpass" in Hz.
    """

    name: str
    probability: float
    rate: tuple[int, int]


@dataclass(frozen=True, slots=True)
class History:
    """What a recording went through before it came here, as far as it can be heard.

    `lossy` is the probability that it was lossily coded at least once, `verdict` whether that
    is above `threshold`, more than what recordings that were not give. `bandwidth_hz` is where
    the spectrum ends. `traces` are all there are, the likeliest first.

    >>> traces = (Trace("lossy", 0.98, (32_000, 64_000)), Trace("mp3", 0.91, (48_000, 96_000)))
    >>> History(0.98, "lossy", 16_000.0, traces).codec.name
    'mp3'
    """

    lossy: float
    verdict: Literal["lossy", "no trace"]
    bandwidth_hz: float
    traces: tuple[Trace, ...]
    threshold: float = 0.5

    @property
    def codec(self) -> Trace | None:
        """The codec of a recording found lossy; None when none is likelier than not."""
        likely = (
            trace
            for trace in self.traces
            if trace.name not in ("lossy", "lowpass") and trace.probability >= 0.5
        )
        return next(likely, None) if self.verdict == "lossy" else None


@dataclass(frozen=True, slots=True)
class AxisScore:
    """What a metric of several axes says on one of them; `interval` is the 90% interval.

    With the wider `joint` intervals, the chance is 90% that all axes lie in theirs at once; None
    where the metric was not calibrated for that.
    """

    name: str
    value: float
    interval: tuple[float, float]
    scale: Scale
    joint: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """What a metric says about one recording.

    `interval` is the 90% interval `(low, high)`, `sigma` the standard deviation of the error to be
    expected, `track` the value over time (silent stretches are missing from it), `duration` the
    length in seconds. `history` is None from metrics that don't tell it. `axes` are all axes of a
    metric that has several, of which the first is also `value`, and `correlation` `[axis][axis]`
    are those of the axes' errors, empty from metrics that don't tell them. `distance` is that of
    the embeddings from metrics that judge by one. Of metrics that compare with a reference the
    other ones tell neither error nor course: their `interval` and `track` are empty and their
    `sigma` is NaN.
    """

    value: float
    interval: tuple[float, ...]
    sigma: float
    track: tuple[Moment, ...]
    scale: Scale
    metric: str
    duration: float
    warnings: tuple[Notice, ...] = ()
    history: History | None = None
    axes: tuple[AxisScore, ...] = ()
    correlation: tuple[tuple[float, ...], ...] = ()
    distance: float | None = None

    @property
    def worst(self) -> Moment | None:
        """The worst moment of the track, by the scale's direction; None without a track."""
        sign = 1.0 if self.scale.higher_is_better else -1.0
        return min(self.track, key=lambda moment: sign * moment.score, default=None)


@dataclass(frozen=True, slots=True)
class Result:
    """One requested score: `score` or `error` is there, never both, never neither.

    `reference` is the file that `path` was compared with, or the bank of clean recordings, None
    where nothing was.

    >>> Result("a.wav", "codec-music.v3", "")
    Traceback (most recent call last):
    ValueError: a result holds either a score or an error
    """

    path: str
    metric: str
    model_sha256: str
    score: Score | None = None
    error: AuricleError | None = None
    reference: str | None = None

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
