"""What every no-reference metric does: samples or a file in, a score out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from auricle.core.audio import Audio, Samples
from auricle.core.errors import ConfigError, SignalError
from auricle.core.score import Notice, Score
from auricle.core.spec import MetricSpec
from auricle.heads.density import Density
from auricle.signal.checks import SignalMonitor, is_silent
from auricle.signal.io import AudioStream
from auricle.signal.segment import Segment


class Metric(ABC):
    """A no-reference metric, ready to run.

    Call it with samples `[time]` or `[channel, time]` and their rate in Hz, or give a file to
    `score_file`. Both raise `InputError` for what cannot be judged, the first also `ConfigError`
    for a rate that is no whole number.
    """

    spec: MetricSpec
    model_sha256: str

    @property
    def tells_history(self) -> bool:
        """Whether its scores have a `history`."""
        return False

    def __call__(self, samples: ArrayLike, sample_rate: int) -> Score:
        """Score samples `[time]` or `[channel, time]` at `sample_rate` Hz."""
        rate = _whole(sample_rate)
        # What is too large for float32 becomes infinite, and is refused as that.
        with np.errstate(over="ignore"):
            audio = Audio.from_array(samples, rate)
        monitor = SignalMonitor(audio.sample_rate, audio.channels)
        return self._score(monitor.mix([audio.samples]), rate, monitor, tuple)

    def score_file(self, path: str | Path) -> Score:
        """Score the first audio stream of a file."""
        with AudioStream(path) as stream:
            monitor = SignalMonitor(stream.sample_rate, stream.channels)
            blocks = monitor.mix(stream.blocks())
            return self._score(blocks, stream.sample_rate, monitor, stream.notices)

    @abstractmethod
    def _score(
        self,
        mono: Iterable[Samples],
        sample_rate: int,
        monitor: SignalMonitor,
        decoding: Callable[[], tuple[Notice, ...]],
    ) -> Score:
        """Score blocks `[time]`; `decoding` tells what was noticed in it once they are read."""


@dataclass
class Tally:
    """How many samples came by, and how many of them were heard."""

    sample_rate: int
    samples: int = field(default=0, init=False)
    heard: int = field(default=0, init=False)
    long_enough: bool = field(default=False, init=False)

    def take(self, segment: Segment, spec: MetricSpec) -> bool:
        """Count a segment; True when there is something in it to be judged."""
        self.samples += segment.fresh
        if segment.samples.size < round(spec.shortest * spec.sample_rate):
            return False
        self.long_enough = True
        if is_silent(segment.samples):
            return False
        self.heard += segment.fresh
        return True

    def notices(self) -> tuple[Notice, ...]:
        """What was left out."""
        left_out = (self.samples - self.heard) / self.sample_rate
        if left_out <= 0:
            return ()
        message = f"{left_out:.0f} s of silence were left out of the score"
        return (Notice("partly_silent", message),)


def require_finite(*answers: ArrayLike) -> None:
    """Raise `SignalError` when something a network says is not a finite number."""
    if not all(np.isfinite(answer).all() for answer in answers):
        raise SignalError("the network's answer is not finite: the samples or the model are broken")


def out_of_domain(
    density: Density | None, embedding: ArrayLike, spec: MetricSpec
) -> tuple[Notice, ...]:
    """Warn of a recording whose `embedding` is more like other audio than like the domain's."""
    kind = None if density is None else density.find_kind(embedding)
    if kind is None:
        return ()
    message = (
        f"it is more like {kind} than like the {spec.domain} that {spec.full_name} learned from:"
        " its score may mean little"
    )
    return (Notice("out_of_domain", message),)


def _whole(sample_rate: object) -> int:
    if isinstance(sample_rate, int | float | np.integer | np.floating):
        # A whole number of another type will do; NaN and infinity are none.
        number = float(sample_rate)
        if number.is_integer():
            return int(number)
    raise ConfigError(f"the sample rate must be a whole number of Hz, not {sample_rate!r}")


def nothing_to_judge(tally: Tally, spec: MetricSpec, monitor: SignalMonitor) -> str:
    """Return why nothing of a recording was heard."""
    if tally.samples == 0:
        return "it holds no samples"
    if not tally.long_enough:
        return (
            f"it lasts {tally.samples / tally.sample_rate:.3f} s: {spec.full_name} needs at least"
            f" {spec.shortest:g} s"
        )
    if monitor.cancelled:
        return "the channels cancel: nothing is left in the mono mix that is judged"
    return "it is silent: there is nothing to judge"
