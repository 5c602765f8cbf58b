"""Running a bundle on audio of any length, without torch.

The way is the same for a file, an array and training data: blocks, mono mean, 48 kHz, segments,
log-mel spectrogram, network. Segments go through the network one by one, so a score cannot
depend on what else is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Samples
from auricle.core.errors import BundleError, SignalError
from auricle.core.score import Moment, Notice, Score
from auricle.core.spec import MetricSpec
from auricle.core.traces import TRACES
from auricle.signal.checks import SignalMonitor, narrow_band
from auricle.signal.resample import resample_blocks
from auricle.signal.segment import Segment, split_segments
from auricle.systems.history import find_band_edge, read_history
from auricle.systems.metric import (
    Metric,
    Tally,
    nothing_to_judge,
    out_of_domain,
    require_finite,
)
from auricle.systems.session import open_session

if TYPE_CHECKING:
    from auricle.heads.calibration import Calibration
    from auricle.systems.bundle import Bundle

# The network's outputs that every system has.
_OUTPUTS = ("mean", "log_variance", "track")


class Answer(NamedTuple):
    """What a network says of one segment: quality 0..1, its track `[frame]`, its history.

    `embedding` is `[2 * feature]`, `history` `[trace, 2]` holds logits and log2 rates; either is
    empty from networks that tell none.
    """

    mean: float
    log_variance: float
    track: NDArray[np.float32]
    embedding: NDArray[np.float32]
    history: NDArray[np.float32]


class QualityMetric(Metric):
    """A no-reference metric that rates quality from a spectrogram, ready to run."""

    def __init__(self, bundle: Bundle) -> None:
        self.spec: MetricSpec = bundle.config.spec
        self.model_sha256 = bundle.model_sha256
        self._bundle = bundle
        self._front_end = bundle.config.front_end.build()
        self._session = open_session(bundle)
        outputs = {output.name: output.shape for output in self._session.get_outputs()}
        self._outputs = [name for name in Answer._fields if name in {*outputs, *_OUTPUTS}]
        self._density = bundle.density
        if self._density is not None and outputs.get("embedding", [0])[-1] != self._density.size:
            raise BundleError(
                f"{bundle.folder}: density.json is of another network than model.onnx: fit it again"
            )
        if self.tells_history and outputs["history"][1:] != [len(TRACES), 2]:
            raise BundleError(
                f"{bundle.onnx} tells another history than this version knows: update Auricle or"
                " train the model again"
            )

    @property
    def tells_history(self) -> bool:
        """Whether its scores have a `history`."""
        return "history" in self._outputs

    def _score(
        self,
        mono: Iterable[Samples],
        sample_rate: int,
        monitor: SignalMonitor,
        decoding: Callable[[], tuple[Notice, ...]],
    ) -> Score:
        rate = self.spec.sample_rate
        tally = _Tally(rate, self._bundle.calibration)
        for segment in split_segments(
            resample_blocks(mono, sample_rate, rate), self._bundle.config.segment_samples
        ):
            self._judge(segment, tally)
        if tally.heard == 0:
            raise SignalError(nothing_to_judge(tally, self.spec, monitor))
        unlike = out_of_domain(self._density, tally.embedding / tally.heard, self.spec)
        warnings = (*decoding(), *monitor.notices(), *tally.notices(), *unlike)
        return self._conclude(tally, warnings)

    def _judge(self, segment: Segment, tally: _Tally) -> None:
        if not tally.take(segment, self.spec):
            return
        log_mel = self._front_end(segment.samples)
        tally.add(segment, self.run_network(log_mel), find_band_edge(log_mel, self._front_end))

    def run_network(self, log_mel: NDArray[np.float32]) -> Answer:
        """Return what the network says of `log_mel` `[frame, mel]`, before any correction.

        Raises `SignalError` when that is not finite.
        """
        answers = self._session.run(self._outputs, {"log_mel": log_mel[np.newaxis]})
        require_finite(*answers)
        told = {name: answer[0] for name, answer in zip(self._outputs, answers, strict=True)}
        mean, log_variance, track = (told[name] for name in _OUTPUTS)
        embedding = told.get("embedding", np.zeros(0, dtype=np.float32))
        history = told.get("history", np.zeros((0, 2), dtype=np.float32))
        return Answer(float(mean), float(log_variance), track, embedding, history)

    def _conclude(self, tally: _Tally, warnings: tuple[Notice, ...]) -> Score:
        scale = self.spec.scale
        mean = tally.mean / tally.heard
        # Errors within one recording go together: sigma is averaged, not divided by sqrt(n).
        sigma = tally.sigma / tally.heard
        calibration = self._bundle.calibration
        low, high = calibration.interval(mean, sigma)
        history = None
        if self.tells_history:
            told = tally.history / tally.heard
            history = read_history(told, calibration.lossy_threshold, tally.bandwidth)
        return Score(
            value=scale.low + scale.span * mean,
            interval=(scale.low + scale.span * low, scale.low + scale.span * high),
            sigma=scale.span * calibration.temperature * sigma,
            track=tuple(tally.moments(scale.low, scale.span)),
            scale=scale,
            metric=self.spec.full_name,
            duration=tally.samples / tally.sample_rate,
            warnings=warnings,
            history=history,
        )


@dataclass
class _Tally(Tally):
    """Running sums over segments, weighted by the samples that each adds."""

    calibration: Calibration
    mean: float = 0.0
    sigma: float = 0.0
    bandwidth: float = 0.0
    embedding: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    history: NDArray[np.float64] = field(default_factory=lambda: np.zeros((1, 1)))
    sums: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def add(self, segment: Segment, answer: Answer, bandwidth: float) -> None:
        """Take in what the network said of one segment, and where its spectrum ends (Hz)."""
        self.mean += self.calibration.correct(answer.mean) * segment.fresh
        self.sigma += float(np.exp(0.5 * answer.log_variance)) * segment.fresh
        self.embedding = self.embedding + answer.embedding.astype(np.float64) * segment.fresh
        self.history = self.history + answer.history.astype(np.float64) * segment.fresh
        self.bandwidth = max(self.bandwidth, bandwidth)
        self._extend_track(segment, answer.track)

    def _extend_track(self, segment: Segment, track: NDArray[np.float32]) -> None:
        centres = (np.arange(track.size) + 0.5) * segment.samples.size / track.size
        # The last frame counts even when less than half of it is new.
        centres[-1] = max(centres[-1], segment.seen)
        fresh = centres >= segment.seen
        seconds = ((segment.start + centres[fresh]) / self.sample_rate).astype(int)
        missing = int(seconds.max(initial=0)) + 1 - len(self.sums)
        self.sums.extend([0.0] * missing)
        self.counts.extend([0] * missing)
        for second, value in zip(seconds.tolist(), track[fresh].tolist(), strict=True):
            self.sums[second] += value
            self.counts[second] += 1

    def moments(self, low: float, span: float) -> list[Moment]:
        """Return one value per second that was judged."""
        duration = self.samples / self.sample_rate
        moments = [
            Moment(
                float(second),
                min(second + 1.0, duration),
                low + span * self.calibration.correct(total / count),
            )
            for second, (total, count) in enumerate(zip(self.sums, self.counts, strict=True))
            if count
        ]
        # A rest of less than half a second is too little to be a moment of its own.
        if len(moments) > 1 and moments[-1].end - moments[-1].start < 0.5:
            rest = moments.pop()
            if moments[-1].end == rest.start:
                moments[-1] = replace(moments[-1], end=rest.end)
        return moments

    def notices(self) -> tuple[Notice, ...]:
        """What was noticed in the spectrogram and in what was left out."""
        return (*narrow_band(self.bandwidth), *super().notices())
