"""Scores against labels: run a metric over the labelled clips of a manifest."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from auricle.api import score_files
from auricle.catalog import find_bundle
from auricle.core.errors import ConfigError, DataError
from auricle.core.spec import PERCENT, Scale
from auricle.data.manifest import Clip, Split, read_manifest
from auricle.stats.intervals import Estimate, bootstrap_interval
from auricle.stats.performance import Agreement, aggregate_by, agreement
from auricle.systems.bundle import Bundle

Vector = NDArray[np.float64]

# Shares of clips whose label is to lie inside an interval; no sample tells much about 99%.
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a metric said of clips with labels, as `[clip]` arrays of its own scale.

    `low` and `high` are the ends of the 90% interval, `sigma` is the standard deviation of the
    error that the metric expects, `target` the label, `failures` are the clips without a score.

    Intervals are bootstrapped over recordings (over clips where there are fewer than three, over
    processes for their means). What so few or so equal clips leave undefined is None.
    """

    metric: str
    model_sha256: str
    split: str
    clips: tuple[Clip, ...]
    score: Vector
    low: Vector
    high: Vector
    sigma: Vector
    target: Vector
    failures: tuple[tuple[str, str], ...]
    scale: Scale = PERCENT

    @property
    def recordings(self) -> tuple[str, ...]:
        """The recording of each clip."""
        return tuple(clip.recording for clip in self.clips)

    def per_clip(self) -> Agreement | None:
        """Agreement over clips."""
        return self._agree(list(range(len(self.clips))))

    def per_process(self) -> Agreement | None:
        """Agreement of the means of each process (a codec at a bitrate: a system)."""
        processes = [clip.process for clip in self.clips]
        single = [index for index, process in enumerate(processes) if "+" not in process]
        names = [processes[index] for index in single]
        with suppress(DataError):
            _, scores = aggregate_by(self.score[single], names)
            _, targets = aggregate_by(self.target[single], names)
            return agreement(scores, targets)
        return None

    def per_source(self) -> dict[str, Agreement | None]:
        """Agreement within each source of recordings that has at least 24 clips."""
        found = {}
        for source in sorted({clip.source for clip in self.clips}):
            rows = [index for index, clip in enumerate(self.clips) if clip.source == source]
            if len(rows) >= 24:
                found[source] = self._agree(rows)
        return found

    def clean(self) -> Vector:
        """Scores of the clips that nothing was done to."""
        return self.score[[clip.process == "" for clip in self.clips]]

    def coverage(self) -> Estimate | None:
        """Share of clips whose label lies in the interval."""
        return self._share((self.low <= self.target) & (self.target <= self.high))

    def reliability(self) -> dict[float, Estimate | None]:
        """Share of clips whose label lies in a central interval, by the interval's nominal share.

        Errors are taken for normal with each clip's own `sigma`, so an honest `sigma` and a normal
        shape put every share at its nominal value. Source: V. Kuleshov, N. Fenner and S. Ermon,
        "Accurate uncertainties for deep learning using calibrated regression", ICML 2018.
        """
        error = np.abs(self.target - self.score)
        found = {}
        for level in LEVELS:
            reach = float(stats.norm.ppf(0.5 + level / 2.0)) * self.sigma
            found[level] = self._share(error <= reach)
        return found

    def _agree(self, rows: list[int]) -> Agreement | None:
        groups = _groups([self.clips[row] for row in rows])
        with suppress(DataError):
            return agreement(self.score[rows], self.target[rows], groups=groups)
        return None

    def _share(self, inside: NDArray[np.bool_]) -> Estimate | None:
        with suppress(DataError):
            return bootstrap_interval(_mean, inside.astype(np.float64), groups=_groups(self.clips))
        return None


def evaluate_metric(
    metric: str,
    manifest: Path,
    split: Split,
    *,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score the labelled clips of a split through the same door that users go through.

    Raises `DataError` when the split holds no labelled clips or none of them can be scored, and
    `ConfigError` for a metric of several axes.
    """
    clips = [c for c in read_manifest(manifest) if c.split == split and c.label is not None]
    if not clips:
        raise DataError(f"{manifest} holds no labelled clips of the {split} split")
    bundle = find_bundle(metric)
    if not isinstance(bundle, Bundle):
        raise ConfigError(
            f"{metric} rates several axes or needs a reference; a manifest's labels are of one axis"
        )
    label_scale, scale = bundle.config.label_scale, bundle.config.spec.scale
    files = [str(manifest.parent / clip.path) for clip in clips]
    kept, rows, failures = [], [], []
    name = sha256 = ""
    for done, (clip, result) in enumerate(
        zip(clips, score_files(files, metric, jobs=jobs), strict=True), start=1
    ):
        name, sha256 = result.metric, result.model_sha256
        if result.score is None:
            failures.append((clip.id, str(result.error)))
        else:
            kept.append(clip)
            rows.append((result.score.value, *result.score.interval, result.score.sigma))
        if progress is not None:
            progress(done, len(clips))
    if not kept:
        raise DataError(f"none of the {len(clips)} clips could be scored: {failures[0][1]}")
    score, low, high, sigma = np.array(rows, dtype=np.float64).T
    labels = np.array([clip.label for clip in kept], dtype=np.float64)
    return Evaluation(
        metric=name,
        model_sha256=sha256,
        split=split,
        clips=tuple(kept),
        score=score,
        low=low,
        high=high,
        sigma=sigma,
        target=scale.show(label_scale(labels)),
        failures=tuple(failures),
        scale=scale,
    )


def write_predictions(evaluation: Evaluation, path: Path) -> None:
    """Write one row per clip, so that anyone can compare metrics clip by clip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = ("target", "score", "low", "high", "sigma")
        writer.writerow(("id", "recording", "source", "process", *names))
        columns = (getattr(evaluation, name) for name in names)
        for clip, *values in zip(evaluation.clips, *columns, strict=True):
            numbers = (f"{value:.3f}" for value in values)
            writer.writerow((clip.id, clip.recording, clip.source, clip.process, *numbers))


def _groups(clips: Sequence[Clip]) -> list[str] | None:
    """Recordings to bootstrap over; of one or two there is nothing to draw but their clips."""
    names = [clip.recording for clip in clips]
    return names if len(set(names)) > 2 else None


def _mean(values: Vector) -> float:
    return float(values.mean())


def count_recordings(clips: Sequence[Clip]) -> int:
    """Number of distinct recordings among clips."""
    return len({clip.recording for clip in clips})
