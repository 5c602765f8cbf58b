"""The course of quality over time: whether the track finds which half of an excerpt was coded.

    python benchmarks/halves.py --manifest MANIFEST --corpus CORPUS --output DIR

From every excerpt of the test recordings, ten-second clips are made of which one half, drawn at
random, went through one process, faded into the other over 20 ms. The track of the metric, which
has no reference, is compared with ViSQOL's, which has: its similarity in patches of 0.6 s, averaged
to the seconds of the track.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import auricle
from auricle.core.audio import Audio
from auricle.core.errors import DataError, InputError, LabelError
from auricle.data.clip_recipe import seed_of
from auricle.data.manifest import SPLITS
from auricle.data.workers import run_tasks
from auricle.degrade.base import apply_process, parse_process
from auricle.reference.visqol import Visqol
from auricle.stats.correlation import pearson
from excerpts import (
    INTERVALS,
    SAMPLE_RATE,
    Excerpt,
    equalise,
    find_excerpts,
    finish,
    interval,
    plain,
    read_excerpt,
    share_of,
    show,
    table,
    write_results,
)

Floats = NDArray[np.float64]

PROCESSES = (
    "mp3:32k", "mp3:48k", "aac:32k", "aac:48k", "opus:24k", "vorbis:48k", "mp2:48k", "mp2:64k",
    "lowpass:3500", "lowpass:5000",
)  # fmt: skip
FADE = 0.02
PATCH = 0.6


@dataclass(frozen=True, slots=True)
class Task:
    """What to make of one excerpt: a process for a half of it, several times."""

    excerpt: Excerpt
    metric: str
    processes: tuple[str, ...]
    halves: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One clip: `degraded` is the half that was (0 or 1), `track` and `similarity` are `[second]`.

    `by_track` and `by_visqol` are the halves that these have for worse; `error` says why there is
    nothing.
    """

    recording: str
    source: str
    process: str
    degraded: int
    label: float = 0.0
    track: tuple[float, ...] = ()
    similarity: tuple[float, ...] = ()
    correlation: float | None = None
    by_track: int = -1
    by_visqol: int = -1
    error: str = ""


def plan(excerpts: Sequence[Excerpt], metric: str, clips: int, seed: int) -> list[Task]:
    """Draw processes and halves: one of each excerpt, more where that makes fewer than `clips`."""
    each = min(len(PROCESSES), -(-clips // len(excerpts)))
    tasks = []
    for excerpt in excerpts:
        rng = np.random.default_rng(seed_of(f"{seed}|{excerpt.recording}|{excerpt.path.name}"))
        processes = rng.choice(PROCESSES, size=each, replace=False).tolist()
        # By turns, starting at random: as many first halves as second ones.
        halves = (int(rng.integers(2)) + np.arange(each)) % 2
        tasks.append(Task(excerpt, metric, tuple(processes), tuple(halves.tolist())))
    return tasks


def join_halves(first: Audio, second: Audio) -> Audio:
    """Return the first half of one and the second of the other, faded over 20 ms.

    >>> ones = Audio.from_array(np.ones(48000), 48000)
    >>> joined = join_halves(ones, Audio.from_array(np.zeros(48000), 48000)).samples[0]
    >>> float(joined[23000]), float(joined[25000])
    (1.0, 0.0)
    """
    seconds = np.arange(first.frames) / first.sample_rate
    weight = np.clip((seconds - first.duration / 2.0) / FADE + 0.5, 0.0, 1.0)
    mixed = (1.0 - weight) * first.samples + weight * second.samples
    return Audio.from_array(mixed, first.sample_rate)


def average(starts: Floats, values: Floats, begin: float, end: float) -> float:
    """Return the mean of what patches of 0.6 s say of `begin`..`end` (s); NaN where none reaches.

    >>> round(average(np.array([0.0, 0.6]), np.array([1.0, 0.0]), 0.3, 0.9), 3)
    0.5
    """
    shared = np.minimum(starts + PATCH, end) - np.maximum(starts, begin)
    weights = np.maximum(shared, 0.0)
    total = float(weights.sum())
    return float(weights @ values / total) if total > 0.0 else float("nan")


def judge(task: Task) -> list[Outcome]:
    """Make the clips of one excerpt and compare the metric's track with ViSQOL's."""
    excerpt = task.excerpt
    try:
        clean = read_excerpt(excerpt.path)
        visqol = Visqol(equalise(clean))
    except InputError as error:
        return [
            Outcome(excerpt.recording, excerpt.source, process, half, error=str(error))
            for process, half in zip(task.processes, task.halves, strict=True)
        ]
    outcomes = []
    for process, half in zip(task.processes, task.halves, strict=True):
        outcome = Outcome(excerpt.recording, excerpt.source, process, half)
        try:
            outcomes.append(compare(outcome, clean, visqol, task.metric))
        except (InputError, LabelError) as error:
            outcomes.append(Outcome(**{**asdict(outcome), "error": str(error)}))
    return outcomes


def compare(planned: Outcome, clean: Audio, visqol: Visqol, metric: str) -> Outcome:
    """Make one clip and compare the tracks."""
    halves = [equalise(apply_process(clean, parse_process(planned.process))), equalise(clean)]
    clip = finish(join_halves(halves[planned.degraded], halves[1 - planned.degraded]))
    judgement = visqol.compare(clip)
    middle = clip.duration / 2.0
    pairs = [
        (
            moment.score,
            average(judgement.seconds, judgement.patches, moment.start, moment.end),
            int(moment.start + moment.end > 2.0 * middle),
        )
        for moment in auricle.load(metric)(clip.samples, SAMPLE_RATE).track
    ]
    track, similarity, half = np.array([pair for pair in pairs if np.isfinite(pair[1])]).T
    if not 0.0 < half.mean() < 1.0:
        raise InputError("one half is silent")
    try:
        correlation = pearson(track, similarity)
    except DataError:  # a constant track
        correlation = None
    return Outcome(
        planned.recording, planned.source, planned.process, planned.degraded,
        label=judgement.mos,
        track=tuple(np.round(track, 2).tolist()),
        similarity=tuple(np.round(similarity, 4).tolist()),
        correlation=correlation,
        by_track=worse_half(track, half),
        by_visqol=worse_half(similarity, half),
    )  # fmt: skip


def worse_half(values: Floats, half: Floats) -> int:
    """Return the half (0 or 1) whose mean is lower, -1 for neither."""
    difference = float(values[half == 1].mean() - values[half == 0].mean())
    return -1 if difference == 0.0 else int(difference < 0.0)


def summarise(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return shares and correlations of some clips."""
    known = [outcome for outcome in outcomes if outcome.correlation is not None]
    correlations = np.array([outcome.correlation for outcome in known], dtype=np.float64)
    groups = [outcome.recording for outcome in known]
    recordings = [outcome.recording for outcome in outcomes]
    return {
        "clips": len(outcomes),
        "recordings": len(set(recordings)),
        "without_correlation": len(outcomes) - len(known),
        "found": share_of([o.by_track == o.degraded for o in outcomes], recordings),
        "found_by_visqol": share_of([o.by_visqol == o.degraded for o in outcomes], recordings),
        "mean_correlation": interval(np.mean, correlations, groups=groups) if known else None,
        "median_correlation": interval(np.median, correlations, groups=groups) if known else None,
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--metric", default="codec-music", help="a name, or a bundle's folder")
    parser.add_argument("--clips", type=int, default=100, help="how many to make at least")
    parser.add_argument("--excerpts", type=int, help="use the first so many only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    excerpts = find_excerpts(options.manifest, options.split, options.corpus)[: options.excerpts]
    tasks = plan(excerpts, options.metric, options.clips, options.seed)
    outcomes = sorted(
        (outcome for made in run_tasks(judge, tasks, options.jobs) for outcome in made),
        key=lambda outcome: (outcome.recording, outcome.process, outcome.track),
    )
    judged = [outcome for outcome in outcomes if not outcome.error]
    if not judged:
        raise SystemExit(f"no clip could be judged: {outcomes[0].error}")
    parts = {"all": summarise(judged)}
    for process in sorted({outcome.process for outcome in judged}):
        parts[process] = summarise([o for o in judged if o.process == process])
    metric = auricle.load(options.metric).spec.full_name
    everything = parts["all"]
    markdown = "\n".join([
        f"`{metric}` on {everything['clips']} clips of {everything['recordings']} recordings of the"
        f" {options.split} split, {len(outcomes) - len(judged)} not judged. {INTERVALS}",
        "",
        table(
            ["", "clips", "recordings", "worse half found, %", "by ViSQOL, %",
             "mean PCC", "median PCC"],
            [
                [
                    name,
                    part["clips"],
                    part["recordings"],
                    show(part["found"], 1, factor=100.0),
                    show(part["found_by_visqol"], 1, factor=100.0),
                    show(part["mean_correlation"]),
                    show(part["median_correlation"]),
                ]
                for name, part in parts.items()
            ],
        ),
    ])  # fmt: skip
    result = {
        "metric": metric,
        "split": options.split,
        "seed": options.seed,
        "parts": plain(parts),
        "clips": [asdict(outcome) for outcome in outcomes],
    }
    write_results(options.output, "halves", result, markdown)


if __name__ == "__main__":
    main()
