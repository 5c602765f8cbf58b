"""Running a fused system on audio of any length: by ONNX Runtime, or by torch where it must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
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
from auricle.systems.estimate import Estimate, combine_members, combine_segments
from auricle.systems.fusion_config import Axis
from auricle.systems.fusion_front_end import FusionFrontEnd, read_front_end
from auricle.systems.metric import Metric, Tally, nothing_to_judge, require_finite
from auricle.systems.session import open_session

if TYPE_CHECKING:
    from auricle.systems.bundle import FusionBundle

Prepared = dict[str, NDArray[np.float32]]
# Ratings [member, axis] and the factors of their covariances [member, axis, axis].
Answer = tuple[NDArray[np.float32], NDArray[np.float32]]
Network = Callable[[Prepared, int], Answer]


class FusionMetric(Metric):
    """A metric of one or several axes from fused encoders, ready to run.

    The members of an ensemble are averaged, by `auricle.systems.estimate`. Raises
    `MissingDependencyError` when the bundle holds no ONNX model and torch is not there, and
    `BundleError` for what is not understood.
    """

    def __init__(self, bundle: FusionBundle) -> None:
        config = bundle.config
        self.spec = config.spec
        self.model_sha256 = bundle.model_sha256
        self._bundle = bundle
        front_ends = {name: read_front_end(source) for name, source in config.encoders.items()}
        self._front_end = FusionFrontEnd(config, front_ends)
        self._network = _onnx_network(bundle) if bundle.has_onnx else _torch_network(bundle)

    def rate(self, segment: Samples) -> Estimate:
        """Return the ratings of one segment `[time]` at the system's rate."""
        return combine_members(self._ask_members(segment))

    def _ask_members(self, segment: Samples) -> list[Estimate]:
        prepared = self._front_end(segment)
        ratings, factors = self._network(prepared, self._bundle.config.bins(segment.size))
        require_finite(ratings, factors)
        covariances = factors.astype(np.float64) @ factors.astype(np.float64).mT
        return [Estimate(*one) for one in zip(ratings.astype(np.float64), covariances, strict=True)]

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
                tally.add(segment, self._ask_members(segment.samples))
        if tally.heard == 0:
            raise SignalError(nothing_to_judge(tally, self.spec, monitor))
        # Each member over the whole recording first: so the intervals were calibrated.
        by_member = zip(*tally.estimates, strict=True)
        estimate = combine_members([combine_segments(one, tally.weights) for one in by_member])
        axes = self._conclude(estimate)
        return Score(
            value=axes[0].value,
            interval=axes[0].interval,
            sigma=self._expect_error(estimate),
            track=tuple(tally.track),
            scale=self.spec.scale,
            metric=self.spec.full_name,
            duration=tally.samples / config.sample_rate,
            warnings=(*decoding(), *monitor.notices(), *tally.notices()),
            axes=axes if self.spec.axes else (),
            correlation=tuple(map(tuple, estimate.correlation.tolist())) if self.spec.axes else (),
        )

    def _conclude(self, estimate: Estimate) -> tuple[AxisScore, ...]:
        """Return every axis with its intervals, within its scale."""
        config, calibration = self._bundle.config, self._bundle.calibration
        means, deviations = estimate.to_shares(config.axes)
        joint = calibration.joint
        found = []
        for axis, mean, deviation in zip(config.axes, means, deviations, strict=True):
            share, sigma = float(mean), float(deviation)
            reach = partial(calibration.axes[axis.name].interval, share)
            found.append(
                AxisScore(
                    name=axis.name,
                    value=axis.low + axis.span * share,
                    interval=_place(axis, reach(sigma)),
                    scale=Scale(axis.low, axis.high),
                    joint=None if joint is None else _place(axis, reach(joint * sigma)),
                )
            )
        return tuple(found)

    def _expect_error(self, estimate: Estimate) -> float:
        """Return the standard deviation of the first axis' error, on its scale."""
        first = self._bundle.config.axes[0]
        deviation = float(estimate.to_shares(self._bundle.config.axes)[1][0])
        return first.span * self._bundle.calibration.axes[first.name].temperature * deviation


def _place(axis: Axis, shares: tuple[float, float]) -> tuple[float, float]:
    low, high = shares
    return axis.low + axis.span * low, axis.low + axis.span * high


@dataclass
class _RatingTally(Tally):
    """What each member says of each segment, and how many samples it adds.

    `scale` is that of the first axis, whose ratings are the track.
    """

    scale: Scale
    estimates: list[list[Estimate]] = field(default_factory=list, init=False)
    weights: list[int] = field(default_factory=list, init=False)
    track: list[Moment] = field(default_factory=list, init=False)

    def add(self, segment: Segment, members: list[Estimate]) -> None:
        """Take in what the members say of a segment."""
        self.estimates.append(members)
        self.weights.append(segment.fresh)
        begin = (segment.start + segment.seen) / self.sample_rate
        end = begin + segment.fresh / self.sample_rate
        value = min(
            self.scale.high, max(self.scale.low, float(np.mean([one.mean[0] for one in members])))
        )
        self.track.append(Moment(begin, end, value))


def _onnx_network(bundle: FusionBundle) -> Network:
    session = open_session(bundle)

    def run(prepared: Prepared, bins: int) -> Answer:
        feed = {name: values[np.newaxis] for name, values in prepared.items()}
        feed["bins"] = np.ones(bins, dtype=np.float32)
        if bundle.config.tells_covariance:
            ratings, factors = session.run(["ratings", "factors"], feed)
            return ratings, factors
        (ratings,) = session.run(["ratings"], feed)
        return ratings, np.zeros((len(ratings), 0, 0), dtype=np.float32)

    return run


def _torch_network(bundle: FusionBundle) -> Network:
    try:
        from auricle.systems.fusion_torch import open_network
    except ImportError as error:
        raise MissingDependencyError(error.name or "torch", extra="train") from error
    return open_network(bundle)
