"""Whether codecs have become worse since an earlier sweep."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from auricle.core.errors import ConfigError, DataError
from auricle.evaluation.rated_metrics import Contender
from auricle.evaluation.sweep import ORIGINAL, Sweep, SweepPoint
from auricle.evaluation.sweep_grid import CONFIDENCE, Finding
from auricle.stats.intervals import bootstrap_interval

_Key = tuple[str, str, int, str]
_Pair = tuple[SweepPoint, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """How a codec's mean score differs from the baseline's at the same clips and bitrates.

    `change` is positive for the better, in the metric's units, `limit` by how much it may fall.
    `bitrate` is the change of the mean measured bitrate in percent. `worst` is the bitrate asked
    for (bit/s) that changed most for the worse, by `worst_change`.
    """

    metric: str
    codec: str
    clips: int
    points: int
    before: float
    after: float
    change: Finding
    limit: float
    worse: bool
    bitrate: float
    worst: int
    worst_change: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Changes by metric and codec, and what was found odd in matching.

    `missing` tells of points of the baseline that were not compared, by codec and metric.
    """

    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    missing: tuple[str, ...] = ()

    @property
    def worse(self) -> tuple[Change, ...]:
        """The changes that fail."""
        return tuple(one for one in self.changes if one.worse)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Points of an earlier sweep, by clip (content, and name), codec, bitrate and metric."""

    path: Path
    points: dict[_Key, dict[str, Any]]


def read_baseline(path: Path, excerpt: float) -> Baseline:
    """Read the `report.json` of an earlier sweep.

    Raises `ConfigError` when it cannot be read, is no such report, or cut clips to another
    `excerpt` (seconds).
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if report["excerpt"] != excerpt:
            raise ConfigError(
                f"{path} was made with --excerpt {report['excerpt']:g}, this sweep with {excerpt:g}"
            )
        return Baseline(path, _index(report))
    except OSError as error:
        raise ConfigError(f"the baseline {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is no report.json of a sweep") from error


def _index(report: dict[str, Any]) -> dict[_Key, dict[str, Any]]:
    metrics = {one["name"]: one["full_name"] for one in report["metrics"]}
    clips = {one["name"]: one["sha256"] for one in report["clips"]}
    # A name that two files share tells neither.
    names = Counter(Path(name).name for name in clips)
    found: dict[_Key, dict[str, Any]] = {}
    for one in report["points"]:
        # What is to be computed with must be there.
        float(one["score"]), float(one["bitrate"])
        rest = one["codec"], one["nominal"], metrics[one["metric"]]
        name = Path(one["clip"]).name
        if one["codec"] != ORIGINAL:
            found |= {(name, *rest): one} if names[name] == 1 else {}
            found[(clips[one["clip"]], *rest)] = one
    return found


def compare_with_baseline(sweep: Sweep, baseline: Baseline, tolerance: float = 1.0) -> Verdict:
    """Compare a sweep with an earlier one, point by point.

    Points are the same when clip (by its SHA-256, or else its file's name), codec, bitrate asked
    for, metric and its version are. A codec is worse by a metric when its mean score fell by more
    than `tolerance` percent of the metric's scale (of the baseline's mean where the scale has no
    end), and the 95% interval of the fall, bootstrapped over clips, excludes zero; with one clip
    there is no interval, and the fall decides. Raises `ConfigError` when the two have not a single
    point in common.
    """
    contenders = {one.name: one for one in sweep.plan.contenders}
    pairs, notes, missing = _match(sweep, contenders, baseline.points)
    if not pairs:
        raise ConfigError(
            f"{baseline.path} has no point in common with this sweep: the same clips, codecs,"
            " bitrates and versions of metrics are needed"
        )
    changes = tuple(
        _compare(contenders[metric], codec, found, tolerance)
        for (metric, codec), found in pairs.items()
    )
    return Verdict(changes, notes, missing)


def _match(
    sweep: Sweep, contenders: dict[str, Contender], before: dict[_Key, dict[str, Any]]
) -> tuple[dict[tuple[str, str], list[_Pair]], tuple[str, ...], tuple[str, ...]]:
    """Return points with their partners by metric and codec, what was odd, and what is missing."""
    pairs: dict[tuple[str, str], list[_Pair]] = {}
    contents = {clip.name: clip.sha256 for clip in sweep.clips}
    renamed, used = set(), set()
    for point in sweep.points:
        rest = point.codec, point.nominal, contenders[point.metric].full_name
        same, alike = (contents[point.clip], *rest), (Path(point.clip).name, *rest)
        partner = before.get(same, before.get(alike))
        if partner is not None:
            renamed |= set() if same in before else {point.clip}
            used.add(id(partner))
            pairs.setdefault((point.metric, point.codec), []).append((point, partner))
    swept = dict.fromkeys((one.metric, one.codec) for one in sweep.points if one.codec != ORIGINAL)
    notes = [
        f"{codec} by {metric} has no point in the baseline"
        for metric, codec in swept
        if (metric, codec) not in pairs
    ]
    notes += [f"{one} was matched by its name: its content changed" for one in sorted(renamed)]
    return pairs, tuple(notes), _find_missing(before, used)


def _find_missing(before: dict[_Key, dict[str, Any]], used: set[int]) -> tuple[str, ...]:
    """Return in words how many points of each codec and metric have no partner."""
    # A point has two keys: by its clip's content, and by its name.
    points = {id(one): (codec, metric) for (_, codec, _, metric), one in before.items()}
    counts, lost = (
        Counter(key for one, key in points.items() if one not in known) for known in ((), used)
    )
    return tuple(
        f"{codec} by {metric}: {count} of the baseline's {counts[codec, metric]} points"
        f" {'is' if count == 1 else 'are'} not in this sweep"
        for (codec, metric), count in lost.items()
    )


def _compare(
    contender: Contender,
    codec: str,
    pairs: Sequence[_Pair],
    tolerance: float,
) -> Change:
    after = np.array([point.score for point, _ in pairs])
    before = np.array([float(old["score"]) for _, old in pairs])
    change = contender.sign * (after - before)
    clips = [point.clip for point, _ in pairs]
    nominal = np.array([point.nominal for point, _ in pairs])
    steps = {int(one): float(change[nominal == one].mean()) for one in np.unique(nominal)}
    worst = min(steps, key=lambda one: steps[one])
    span = contender.scale.span
    limit = tolerance / 100.0 * (span if np.isfinite(span) else abs(float(before.mean())))
    found = _estimate(change, clips)
    fell = found.value is not None and found.value < -limit
    rates = [(point.bitrate, float(old["bitrate"])) for point, old in pairs]
    new, old = np.mean(rates, axis=0)
    return Change(
        metric=contender.name,
        codec=codec,
        clips=len(set(clips)),
        points=len(pairs),
        before=float(before.mean()),
        after=float(after.mean()),
        change=found,
        limit=limit,
        worse=fell and (found.high is None or found.high < 0.0),
        bitrate=100.0 * (float(new / old) - 1.0),
        worst=worst,
        worst_change=steps[worst],
    )


def _estimate(change: np.ndarray[Any, np.dtype[np.float64]], clips: Sequence[str]) -> Finding:
    mean = float(change.mean())
    try:
        found = bootstrap_interval(np.mean, change, groups=clips, confidence=CONFIDENCE)
    except DataError:
        return Finding(mean, note="one clip has no interval")
    return Finding(mean, found.low, found.high)
