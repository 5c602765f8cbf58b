"""Running a bundle on audio of any length, without torch.

The way is the same for a file, an array and training data: blocks, mono mean, 48 kHz, segments,
log-mel spectrogram, network. Segments go through the network one by one, so a score cannot
depend on what else is scored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.core.audio import Audio, Samples
from auricle.core.errors import BundleError, SignalError
from auricle.core.score import Moment, Notice, Score
from auricle.core.spec import MetricSpec
from auricle.core.traces import TRACES
from auricle.signal.checks import SignalMonitor, is_silent, narrow_band
from auricle.signal.io import AudioStream
from auricle.signal.resample import resample_blocks
from auricle.signal.segment import Segment, split_segments
from auricle.systems.history import find_band_edge, read_history

if TYPE_CHECKING:
    from auricle.heads.calibration import Calibration
    from auricle.systems.bundle import Bundle

# The network's outputs that every system has.
_OUTPUTS = ("mean", "log_variance", "track")


class Answer(NamedTuple):
    """What a network says of one segment: quality 0..1, its track `[frame]`, its history.

    `history` `[trace, 2]` holds logits and log2 rates, or nothing from systems that tell none.
    """

    mean: float
    log_variance: float
    track: NDArray[np.float32]
    history: NDArray[np.float32]


class Metric:
    """A no-reference metric, ready to run.

    Call it with samples `[time]` or `[channel, time]` and their rate in Hz, or give a file to
    `score_file`. Both raise `InputError` for what cannot be judged.
    """

    def __init__(self, bundle: Bundle) -> None:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as problems

        self.spec: MetricSpec = bundle.config.spec
        self.model_sha256 = bundle.model_sha256
        self._bundle = bundle
        self._front_end = bundle.config.front_end.build()
        options = onnxruntime.SessionOptions()
        # One thread per file: files run side by side, and sums keep their order.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                bundle.onnx, options, providers=["CPUExecutionProvider"]
            )
        except (problems.Fail, problems.InvalidProtobuf, problems.InvalidGraph) as error:
            raise BundleError(f"{bundle.onnx} is no model ONNX Runtime can run: {error}") from error
        outputs = {output.name: output.shape for output in self._session.get_outputs()}
        self._outputs = [name for name in Answer._fields if name in {*outputs, *_OUTPUTS}]
        if self.tells_history and outputs["history"][1:] != [len(TRACES), 2]:
            raise BundleError(
                f"{bundle.onnx} tells another history than this version knows: update Auricle or"
                " train the model again"
            )

    @property
    def tells_history(self) -> bool:
        """Whether its scores have a `history`."""
        return "history" in self._outputs

    def __call__(self, samples: ArrayLike, sample_rate: int) -> Score:
        """Score samples `[time]` or `[channel, time]` at `sample_rate` Hz."""
        audio = Audio.from_array(samples, sample_rate)
        monitor = SignalMonitor(audio.sample_rate, audio.channels)
        return self._score(monitor.mix([audio.samples]), sample_rate, monitor)

    def score_file(self, path: str | Path) -> Score:
        """Score the first audio stream of a file."""
        with AudioStream(path) as stream:
            monitor = SignalMonitor(stream.sample_rate, stream.channels)
            return self._score(monitor.mix(stream.blocks()), stream.sample_rate, monitor, stream)

    def _score(
        self,
        mono: Iterable[Samples],
        sample_rate: int,
        monitor: SignalMonitor,
        stream: AudioStream | None = None,
    ) -> Score:
        rate = self.spec.sample_rate
        tally = _Tally(rate, self._bundle.calibration)
        for segment in split_segments(
            resample_blocks(mono, sample_rate, rate), self._bundle.config.segment_samples
        ):
            self._judge(segment, tally)
        if tally.heard == 0:
            raise SignalError(_nothing_to_judge(tally, self.spec, monitor))
        decoding = stream.notices() if stream is not None else ()
        warnings = (*decoding, *monitor.notices(), *tally.notices())
        return self._conclude(tally, warnings)

    def _judge(self, segment: Segment, tally: _Tally) -> None:
        tally.samples += segment.fresh
        if segment.samples.size < round(self.spec.shortest * self.spec.sample_rate):
            return
        tally.long_enough = True
        if is_silent(segment.samples):
            return
        log_mel = self._front_end(segment.samples)
        tally.add(segment, self.run_network(log_mel), find_band_edge(log_mel, self._front_end))

    def run_network(self, log_mel: NDArray[np.float32]) -> Answer:
        """Return what the network says of `log_mel` `[frame, mel]`, before any correction."""
        answers = self._session.run(self._outputs, {"log_mel": log_mel[np.newaxis]})
        mean, log_variance, track, *history = (answer[0] for answer in answers)
        told = history[0] if history else np.zeros((0, 2), dtype=np.float32)
        return Answer(float(mean), float(log_variance), track, told)

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
class _Tally:
    """Running sums over segments, weighted by the samples that each adds."""

    sample_rate: int
    calibration: Calibration
    samples: int = 0
    heard: int = 0
    long_enough: bool = False
    mean: float = 0.0
    sigma: float = 0.0
    bandwidth: float = 0.0
    history: NDArray[np.float64] = field(default_factory=lambda: np.zeros((1, 1)))
    sums: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def add(self, segment: Segment, answer: Answer, bandwidth: float) -> None:
        """Take in what the network said of one segment, and where its spectrum ends (Hz)."""
        self.heard += segment.fresh
        self.mean += self.calibration.correct(answer.mean) * segment.fresh
        self.sigma += float(np.exp(0.5 * answer.log_variance)) * segment.fresh
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
        found = narrow_band(self.bandwidth)
        left_out = (self.samples - self.heard) / self.sample_rate
        if left_out > 0:
            message = f"{left_out:.0f} s of silence were left out of the score"
            found = (*found, Notice("partly_silent", message))
        return found


def _nothing_to_judge(tally: _Tally, spec: MetricSpec, monitor: SignalMonitor) -> str:
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
