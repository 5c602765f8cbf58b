"""Running a fused system on audio of any length: by ONNX Runtime, or by torch where it must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Samples
from auricle.core.errors import MissingDependencyError, SignalError
from auricle.core.score import AxisScore, Moment, Notice, Score
from auricle.core.spec import Scale
from auricle.signal.checks import SignalMonitor
from auricle.signal.resample import resample_blocks
from auricle.signal.segment import Segment, split_segments
from auricle.systems.fusion_front_end import FusionFrontEnd, read_front_end
from auricle.systems.metric import Metric, Tally, nothing_to_judge, require_finite
from auricle.systems.session import open_session

if TYPE_CHECKING:
    from auricle.systems.bundle import FusionBundle

Prepared = dict[str, NDArray[np.float32]]
Network = Callable[[Prepared, int], NDArray[np.float32]]


class FusionMetric(Metric):
    """A metric of one or several axes from fused encoders, ready to run.

    The members of an ensemble are averaged. Raises `MissingDependencyError` when the bundle holds
    no ONNX model and torch is not there, and `BundleError` for what is not understood.
    """

    def __init__(self, bundle: FusionBundle) -> None:
        config = bundle.config
        self.spec = config.spec
        self.model_sha256 = bundle.model_sha256
        self._bundle = bundle
        front_ends = {name: read_front_end(source) for name, source in config.encoders.items()}
        self._front_end = FusionFrontEnd(config, front_ends)
        self._network = _onnx_network(bundle) if bundle.has_onnx else _torch_network(bundle)

    def rate(self, segment: Samples) -> NDArray[np.float64]:
        """Return the ratings `[axis]` of one segment `[time]` at the system's rate."""
        prepared = self._front_end(segment)
        ratings = self._network(prepared, self._bundle.config.bins(segment.size))
        require_finite(ratings)
        mean: NDArray[np.float64] = ratings.astype(np.float64).mean(axis=0)
        return mean

    def _score(
        self,
        mono: Iterable[Samples],
        sample_rate: int,
        monitor: SignalMonitor,
        decoding: Callable[[], tuple[Notice, ...]],
    ) -> Score:
        config = self._bundle.config
        tally = _RatingTally(config.sample_rate, self.spec.scale)
        resampled = resample_blocks(mono, sample_rate, config.sample_rate)
        for segment in split_segments(resampled, config.segment_samples):
            if tally.take(segment, self.spec):
                tally.add(segment, self.rate(segment.samples))
        if tally.heard == 0:
            raise SignalError(nothing_to_judge(tally, self.spec, monitor))
        axes = self._conclude(tally.ratings / tally.heard)
        calibration = self._bundle.calibration.axes[axes[0].name]
        return Score(
            value=axes[0].value,
            interval=axes[0].interval,
            sigma=self.spec.scale.span * calibration.temperature,
            track=tuple(tally.track),
            scale=self.spec.scale,
            metric=self.spec.full_name,
            duration=tally.samples / config.sample_rate,
            warnings=(*decoding(), *monitor.notices(), *tally.notices()),
            axes=axes if self.spec.axes else (),
        )

    def _conclude(self, ratings: NDArray[np.float64]) -> tuple[AxisScore, ...]:
        """Return every axis with its interval, within its scale."""
        found = []
        for axis, rating in zip(self._bundle.config.axes, ratings.tolist(), strict=True):
            mean = min(1.0, max(0.0, (rating - axis.low) / axis.span))
            interval = self._bundle.calibration.axes[axis.name].interval(mean, 1.0)
            value, low, high = (axis.low + axis.span * share for share in (mean, *interval))
            found.append(AxisScore(axis.name, value, (low, high), Scale(axis.low, axis.high)))
        return tuple(found)


@dataclass
class _RatingTally(Tally):
    """Running sums of ratings, weighted by the samples that each segment adds.

    `scale` is that of the first axis, whose ratings are the track.
    """

    scale: Scale
    ratings: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1), init=False)
    track: list[Moment] = field(default_factory=list, init=False)

    def add(self, segment: Segment, ratings: NDArray[np.float64]) -> None:
        """Take in the ratings `[axis]` of a segment."""
        self.ratings = self.ratings + ratings * segment.fresh
        begin = (segment.start + segment.seen) / self.sample_rate
        end = begin + segment.fresh / self.sample_rate
        value = min(self.scale.high, max(self.scale.low, float(ratings[0])))
        self.track.append(Moment(begin, end, value))


def _onnx_network(bundle: FusionBundle) -> Network:
    session = open_session(bundle)

    def run(prepared: Prepared, bins: int) -> NDArray[np.float32]:
        feed = {name: values[np.newaxis] for name, values in prepared.items()}
        feed["bins"] = np.ones(bins, dtype=np.float32)
        ratings: NDArray[np.float32] = session.run(["ratings"], feed)[0]
        return ratings

    return run


def _torch_network(bundle: FusionBundle) -> Network:
    try:
        from auricle.systems.fusion_torch import open_network
    except ImportError as error:
        raise MissingDependencyError(error.name or "torch", extra="train") from error
    return open_network(bundle)
