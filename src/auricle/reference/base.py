"""What every metric with a reference does: two recordings in, a score out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from importlib import import_module
from types import ModuleType
from typing import ClassVar

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import LabelError, MissingDependencyError, SignalError
from auricle.core.score import Notice, Score
from auricle.core.spec import MetricSpec
from auricle.signal.align import estimate_delay
from auricle.signal.checks import SignalMonitor, is_silent
from auricle.signal.resample import resample

# Shorter delays are everyday (a filter, a codec's frame) and not worth a word.
_WORTH_TELLING = 0.001
_LENGTHS_DIFFER = 1.0
# A best delay at the end of what is searched is no delay.
_AT_LIMIT = 0.98
# By that ratio of power the side is the programme: one channel has the other's polarity.
_CLEARLY = 4.0


class PairMetric(ABC):
    """A metric that compares a degraded recording with its reference, ready to run.

    Call it with the reference first: none of these metrics promises the same value the other way
    round. Both recordings are taken as their mono means, unless the metric has two `spec.channels`
    and one of them is stereo, beside which mono counts as two equal channels. A constant delay of
    up to 1 s between them is estimated and removed; both are cut to the part they share and brought
    to `spec.sample_rate` (before, where their own rates differ). What was done is told in the
    score's `warnings`: `delayed`, `not_aligned`, `lengths_differ`, `rates_differ`,
    `channels_differ`, and what is noticed in either recording.

    Raises `SignalError` when one of them is silent, too short or not finite, and `LabelError`
    when the metric gives no number.
    """

    model_sha256: str = ""
    tells_track: bool = False

    @property
    @abstractmethod
    def spec(self) -> MetricSpec:
        """The facts of the metric."""

    def __call__(self, reference: Audio, degraded: Audio) -> Score:
        """Compare `degraded` with `reference`, `[channel, time]` each, at any rates."""
        stereo = self.spec.channels == 2 and {reference.channels, degraded.channels} in (
            {2},
            {1, 2},
        )
        first, notices = self._prepare(reference, "reference", stereo=stereo)
        second, more = self._prepare(degraded, "degraded recording", stereo=stereo)
        notices += more + self._differences(reference, degraded)
        if reference.channels != degraded.channels:
            how = "mono counts as two equal channels" if stereo else "mono means are compared"
            message = f"{reference.channels} and {degraded.channels} channels: {how}"
            notices.append(Notice("channels_differ", message))
        if first.sample_rate != second.sample_rate:
            first, second = self._convert(first), self._convert(second)
        delay = estimate_delay(_take_programme(first), _take_programme(second))
        if abs(delay) >= _WORTH_TELLING * first.sample_rate:
            notices.append(_describe_delay(delay / first.sample_rate))
        if abs(delay) >= _AT_LIMIT * first.sample_rate:
            message = "no delay of up to 1 s brings the recordings together: cut them alike before"
            notices.append(Notice("not_aligned", message))
        # At their own rate where it is one: a delay of half a sample cannot be cut off.
        first, second = map(self._convert, _share(first, second, delay))
        self._require_length(first, "what both recordings share")
        for audio, name in ((first, "reference"), (second, "degraded recording")):
            if all(is_silent(channel) for channel in audio.samples):
                raise SignalError(f"the {name} is silent where the other is not")
        return self._score(first, second, notices)

    @abstractmethod
    def _score(self, reference: Audio, degraded: Audio, notices: list[Notice]) -> Score:
        """Compare two recordings of one length and as many channels, aligned, at the right rate."""

    def _prepare(
        self, audio: Audio, name: str, *, stereo: bool = False
    ) -> tuple[Audio, list[Notice]]:
        """Return what is compared, at its own rate, and what was noticed on the way.

        That is the mono mean, or in `stereo` two channels.
        """
        try:
            monitor = SignalMonitor(audio.sample_rate, audio.channels)
            (mono,) = monitor.mix([audio.samples])
        except SignalError as error:
            raise SignalError(f"the {name} cannot be compared: {error}") from error
        self._require_length(audio, f"the {name}")
        samples = mono
        if stereo:
            samples = audio.samples if audio.channels == 2 else np.repeat(audio.samples, 2, axis=0)
        kept = Audio.from_array(samples, audio.sample_rate)
        if all(is_silent(channel) for channel in kept.samples):
            lost = monitor.cancelled and not stereo
            reason = ": its channels cancel in the mono mix" if lost else ""
            raise SignalError(f"the {name} is silent{reason}")
        # A low rate is a loss only when the other recording has a higher one; in stereo nothing is
        # judged by the mono mix.
        left_out = {"low_sample_rate", "cancelled"} if stereo else {"low_sample_rate"}
        told = [notice for notice in monitor.notices() if notice.kind not in left_out]
        return kept, [Notice(n.kind, f"the {name}: {n.message}") for n in told]

    def _convert(self, audio: Audio) -> Audio:
        return resample(audio, self.spec.sample_rate)

    def _require_length(self, audio: Audio, name: str) -> None:
        if audio.duration < self.spec.shortest:
            raise SignalError(
                f"{name} lasts {audio.duration:.3f} s: {self.spec.full_name} needs at least"
                f" {self.spec.shortest:g} s"
            )

    def _differences(self, reference: Audio, degraded: Audio) -> list[Notice]:
        """What sets two recordings apart before they are compared."""
        found = []
        if abs(reference.duration - degraded.duration) > _LENGTHS_DIFFER:
            message = (
                f"the reference lasts {reference.duration:.1f} s, the degraded recording"
                f" {degraded.duration:.1f} s: only the part they share is compared"
            )
            found.append(Notice("lengths_differ", message))
        used = [min(a.sample_rate, self.spec.sample_rate) for a in (reference, degraded)]
        if used[0] != used[1]:
            message = (
                f"the reference is sampled at {reference.sample_rate} Hz, the degraded recording at"
                f" {degraded.sample_rate} Hz: what only one of them can hold counts as a difference"
            )
            found.append(Notice("rates_differ", message))
        return found


class ReferenceMetric(PairMetric):
    """A metric that gives one number for two mono recordings, without any model of Auricle's.

    Its scores have the metric's own `scale`, and neither interval nor track.
    """

    spec: ClassVar[MetricSpec]

    @abstractmethod
    def _measure(self, reference: Audio, degraded: Audio) -> float:
        """Compare two mono recordings of one length, aligned, at the metric's rate."""

    def _score(self, reference: Audio, degraded: Audio, notices: list[Notice]) -> Score:
        value = self._measure(reference, degraded)
        if not math.isfinite(value):
            raise LabelError(f"{self.spec.full_name} gave no number for this pair")
        return Score(
            value=value,
            interval=(),
            sigma=math.nan,
            track=(),
            scale=self.spec.scale,
            metric=self.spec.full_name,
            duration=reference.duration,
            warnings=tuple(notices),
        )


def import_engine(module: str, package: str) -> ModuleType:
    """Import a package of the `reference` extra.

    Raises `MissingDependencyError` when it is not installed.

    >>> import_engine("no_such_engine", "no-such-engine")
    Traceback (most recent call last):
    auricle.core.errors.MissingDependencyError: this needs no-such-engine, which is not installed...
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(package, extra="reference") from error


def _take_programme(audio: Audio) -> Audio:
    """Return what to align by: the side of stereo whose middle has all but cancelled, else all."""
    if audio.channels != 2:
        return audio
    left, right = audio.samples
    side = left - right
    if np.var(side, dtype=np.float64) <= _CLEARLY * np.var(left + right, dtype=np.float64):
        return audio
    return Audio.from_array(side, audio.sample_rate)


def _describe_delay(seconds: float) -> Notice:
    word = "late" if seconds > 0 else "early"
    message = f"the degraded recording was {1000 * abs(seconds):.1f} ms {word}; that was removed"
    return Notice("delayed", message)


def _share(reference: Audio, degraded: Audio, delay: int) -> tuple[Audio, Audio]:
    """Cut both to the part they share when `degraded` is `delay` samples late."""
    first = reference.samples[:, max(-delay, 0) :]
    second = degraded.samples[:, max(delay, 0) :]
    frames = min(first.shape[1], second.shape[1])
    rate = reference.sample_rate
    return (
        Audio.from_array(first[:, :frames], rate),
        Audio.from_array(second[:, :frames], rate),
    )
