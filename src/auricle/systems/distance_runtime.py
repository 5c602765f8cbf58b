"""Judging by the distance between embeddings: from a pair, or a recording and a bank, to a score.

Neither needs torch where the bundle holds an ONNX model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Audio, Samples
from auricle.core.errors import BundleError, ConfigError, SignalError
from auricle.core.score import Moment, Notice, Score
from auricle.core.spec import MetricSpec
from auricle.reference.base import PairMetric
from auricle.signal.checks import is_silent
from auricle.systems.bundle import DistanceBundle
from auricle.systems.distance_bank import Bank
from auricle.systems.distance_calibration import DistanceMapping
from auricle.systems.distance_embedding import Embedder, Stretch, cut_stretches
from auricle.systems.distance_level import covariance, find_gains, take_views, weigh_views
from auricle.systems.metric import out_of_domain

Array = NDArray[np.float64]
# Other music scores below this more often than not, damaged versions hardly ever.
_UNALIKE = 10.0


class DistanceMetric(PairMetric):
    """A system that judges by distance, ready to run.

    Both recordings are brought to one loudness and cut into the same segments, of which only the
    embeddings are kept, window by window. The distance of a pair is the Euclidean one between
    their embeddings of a window, the mean over all windows; stereo is compared as left and right
    (one half of the distance, shared by energy), middle and side (the other half). Parts that are
    silent in both recordings are left out. A recording compared with itself has the distance 0
    and the score 100; `interval` is as wide as scores scattered around ratings.

    A bundle with a density warns of what is unlike the recordings that it learned from: with a
    reference by the reference, which has the content and none of the damage, else by the recording.

    Raises `MissingDependencyError` and `BundleError` as `Embedder` does, when it is called what
    `PairMetric` raises.

    Source: Jiang et al., "DeePAQ" (arXiv 2510.12326), with windows, levels and stereo of ours.
    """

    tells_track = True

    def __init__(self, bundle: DistanceBundle) -> None:
        self.model_sha256 = bundle.model_sha256
        self._config = bundle.config
        self._calibration = bundle.calibration
        self._spec = bundle.config.spec
        self._embed = Embedder(bundle)
        self._density = bundle.density
        if self._density is not None and self._density.size != bundle.config.size:
            raise BundleError(f"{bundle.folder}: density.json is of another network: fit it again")

    @property
    def spec(self) -> MetricSpec:
        """The facts of the metric."""
        return self._spec

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        """Return the embedding `[size]` of a recording: the mean over its windows, as mono.

        Raises `SignalError` when it is silent, too short or not finite.
        """
        recording, _ = self._prepare(audio, "recording")
        return self._embed_mono(self._convert(recording)).astype(np.float32)

    def compare_with_bank(self, audio: Audio, bank: Bank) -> Score:
        """Score a recording by its mean distance to clean recordings of other content.

        The `interval` holds what 90% of the bank's recordings alone would say: the 5th and the
        95th percentile of the scores that the distances to each of them map to, and the score
        itself where that lies outside; `sigma` is the standard deviation of these scores. That is
        how much the answer hangs on the choice of references, not how far it is from a listener's.
        There is no track.

        Raises `ConfigError` when the bank was made by another model, or this one was not calibrated
        for it, and `SignalError` as `embed` does.
        """
        mapping = self.require_bank(bank)
        recording, notices = self._prepare(audio, "recording")
        recording = self._convert(recording)
        embedding = self._embed_mono(recording)
        notices.extend(out_of_domain(self._density, embedding, self.spec))
        gaps = bank.embeddings.astype(np.float64) - embedding
        distances = np.linalg.norm(gaps, axis=1)
        distance = float(distances.mean())
        value, scores = float(mapping.apply(distance)), mapping.apply(distances)
        low, high = np.percentile(scores, [5.0, 95.0]).tolist()
        return Score(
            value=value,
            interval=(min(low, value), max(high, value)),
            sigma=float(scores.std(ddof=1)),
            track=(),
            scale=self.spec.scale,
            metric=self.spec.full_name,
            duration=recording.duration,
            warnings=tuple(notices),
            distance=distance,
        )

    def require_bank(self, bank: Bank) -> DistanceMapping:
        """Return the mapping for recordings of other content.

        Raises `ConfigError` when there is none, and for a bank of another model.
        """
        if bank.model_sha256 != self.model_sha256:
            raise ConfigError(
                f"the bank was made by another model ({bank.metric}, {bank.model_sha256[:12]}):"
                f" make one with 'auricle bank build --metric {self.spec.full_name}'"
            )
        if self._calibration.non_matching is None:
            raise ConfigError(f"{self.spec.full_name} was not calibrated for references at large")
        return self._calibration.non_matching

    def _score(self, reference: Audio, degraded: Audio, notices: list[Notice]) -> Score:
        course = _Course(reference.duration, reference.sample_rate)
        for spans, distances, embeddings in self._distances(reference, degraded):
            course.add(spans, distances, embeddings)
        mapping = self._calibration.matching
        distance = course.mean()
        value = float(mapping.apply(distance))
        if value < _UNALIKE:
            message = (
                "hardly anything in common: is this the right reference, and are they aligned?"
            )
            notices = [*notices, Notice("unalike", message)]
        notices = [*notices, *out_of_domain(self._density, course.embedding(), self.spec)]
        return Score(
            value=value,
            interval=mapping.interval(value),
            sigma=mapping.deviation,
            track=tuple(course.moments(mapping)),
            scale=self.spec.scale,
            metric=self.spec.full_name,
            duration=reference.duration,
            warnings=(*notices, *course.notices()),
            distance=distance,
        )

    def _distances(self, reference: Audio, degraded: Audio) -> Iterator[tuple[Array, Array, Array]]:
        """Yield spans `[window, 2]` in samples, distances `[window]` and the reference's embeddings
        `[window, size]`, segment by segment.
        """
        pair = reference, degraded
        gains = find_gains(*pair)
        stretches = cut_stretches(reference.frames, self._config.segment_samples)

        def read(stretch: Stretch) -> list[Samples]:
            cuts = (one.samples[:, stretch.start : stretch.end] for one in pair)
            return [gain * cut for gain, cut in zip(gains, cuts, strict=True)]

        sizes = np.zeros((2, reference.channels, reference.channels))
        for stretch in stretches:
            # Once around: weights hold for the whole recording.
            sizes += [covariance(samples) for samples in read(stretch)]
        weights = weigh_views(*sizes)
        for stretch in stretches:
            both = read(stretch)
            if all(is_silent(channel) for samples in both for channel in samples):
                continue
            both_views = [take_views(samples) for samples in both]
            heard = np.flatnonzero(weights)
            own, other = (
                np.array([self._embed(views[at]) for at in heard]) for views in both_views
            )
            distances = weights[heard] @ np.linalg.norm(own - other, axis=2)
            embeddings = np.tensordot(weights[heard], own, axes=1)
            yield self._embed.spans(stretch, distances.size), distances, embeddings

    def _embed_mono(self, audio: Audio) -> Array:
        """Return the mean embedding `[size]` over all windows that are not silent."""
        (gain,) = find_gains(audio)
        total, length = np.zeros(self._config.size), 0.0
        for stretch in cut_stretches(audio.frames, self._config.segment_samples):
            samples = gain * audio.samples[0, stretch.start : stretch.end]
            if is_silent(samples):
                continue
            embeddings = self._embed(samples)
            spans = self._embed.spans(stretch, len(embeddings))
            new = spans[:, 1] - spans[:, 0]
            total += new @ embeddings
            length += float(new.sum())
        if not length:
            raise SignalError("it is silent: there is nothing to judge")
        return total / length


@dataclass
class _Course:
    """Distances over time: sums of them, and of how long they lasted, for every second.

    A rest of less than half a second belongs to the second before.
    """

    duration: float
    sample_rate: int
    sums: Array = field(init=False)
    heard: Array = field(init=False)
    embeddings: Array = field(default_factory=lambda: np.zeros(1), init=False)

    def __post_init__(self) -> None:
        seconds = max(1, int(self.duration + 0.5))
        self.sums, self.heard = np.zeros(seconds), np.zeros(seconds)

    def add(self, spans: Array, distances: Array, embeddings: Array) -> None:
        """Take in distances `[window]` and embeddings `[window, size]` of spans `[window, 2]`."""
        self.embeddings = self.embeddings + np.diff(spans).T[0] / self.sample_rate @ embeddings
        last = len(self.sums) - 1
        for (begin, end), distance in zip(spans / self.sample_rate, distances, strict=True):
            while begin < end:
                second = min(int(begin), last)
                until = end if second == last else min(end, second + 1.0)
                self.sums[second] += distance * (until - begin)
                self.heard[second] += until - begin
                begin = until  # noqa: PLW2901 - what is left of the span

    def mean(self) -> float:
        """Return the mean distance; raises `SignalError` when nothing was heard."""
        if not self.heard.any():
            raise SignalError("both recordings are silent: there is nothing to judge")
        return float(self.sums.sum() / self.heard.sum())

    def embedding(self) -> Array:
        """Return the mean embedding `[size]`; for when `mean` found something."""
        return np.asarray(self.embeddings / self.heard.sum())

    def moments(self, mapping: DistanceMapping) -> Iterator[Moment]:
        """Yield the score of every second that was heard."""
        last = len(self.sums) - 1
        for second in np.flatnonzero(self.heard).tolist():
            end = self.duration if second == last else second + 1.0
            value = mapping.apply(self.sums[second] / self.heard[second])
            yield Moment(float(second), end, float(value))

    def notices(self) -> tuple[Notice, ...]:
        """What was left out."""
        left_out = self.duration - float(self.heard.sum())
        if left_out < 0.5 / self.sample_rate:
            return ()
        message = f"{left_out:.0f} s that are silent in both were left out of the score"
        return (Notice("partly_silent", message),)
