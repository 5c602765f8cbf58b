"""Beyond the 45 processes of the training material: other codecs, defects, music from elsewhere.

    python benchmarks/unseen.py --manifest MANIFEST --corpus CORPUS --output DIR
    python benchmarks/unseen.py --folder FOLDER [FOLDER...] --output DIR

The first degrades excerpts of the test recordings, none of which the model heard. Noise, clipping
and lower sample rates it did hear, of other recordings: the clip recipe `codec-music` draws them,
alone or beside one of the 45 processes, noise and clipping at these very settings too. The column
"kind in training" says which kinds it draws; the others no training clip went through. The second
takes its references from any folders of audio (the first ten seconds of every file that lasts four
at least) and degrades them as the clip recipe does, its defects left out: clean, single processes,
cascades. ViSQOL gives the labels. References are mono; excerpts of one recording are drawn together
where intervals are bootstrapped, and every file of a folder counts as a recording of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import auricle
from auricle.catalog import find_metric
from auricle.core.errors import DataError, InputError, LabelError
from auricle.data.clip_recipe import plan_clips, read_clip_recipe
from auricle.data.manifest import SPLITS
from auricle.data.recordings import read_corpus
from auricle.data.workers import run_tasks
from auricle.degrade.base import apply_cascade, parse_cascade
from auricle.degrade.processes import DEFECTS, PROCESSES
from auricle.reference.visqol import Visqol
from auricle.stats.correlation import pearson, rmse, spearman
from auricle.systems.bundle import read_bundle
from excerpts import (
    SAMPLE_RATE,
    Excerpt,
    equalise,
    find_excerpts,
    finish,
    interval,
    plain,
    read_excerpt,
    show,
    table,
    write_results,
)

Floats = NDArray[np.float64]

UNSEEN = (
    "",
    "mp3vbr:2", "mp3vbr:5", "mp3vbr:9",
    "aacfast:24k", "aacfast:48k", "aacfast:96k",
    "ac3:32k", "ac3:64k", "ac3:96k",
    "eac3:32k", "eac3:64k", "eac3:96k",
    "wma:64k", "wma:96k", "wma:128k",
    "sbc:64k", "sbc:128k", "sbc:229k",
    "alaw:8000", "alaw:16000", "alaw:44100",
    "adpcm:11025", "adpcm:22050", "adpcm:44100",
    "resample:8000", "resample:16000", "resample:24000",
    "anchor:3500", "anchor:7000",
    "noise:15", "noise:30", "noise:45",
    "clip:2", "clip:10", "clip:30",
    "lowpass:5000+noise:30", "lowpass:7500+noise:20", "lowpass:9000+noise:40",
)  # fmt: skip
# What training clips go through, after the clip recipe `codec-music`: one of the 45, and defects.
TRAINED = {process.kind for process in PROCESSES.values()} | DEFECTS.keys()
SHORTEST = 4.0


@dataclass(frozen=True, slots=True)
class Task:
    """What to make of one excerpt."""

    excerpt: Excerpt
    metric: str
    processes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One clip: ViSQOL's opinion score, and the metric's score with its interval.

    `error` says why there is nothing.
    """

    file: str
    recording: str
    source: str
    process: str
    label: float = 0.0
    score: float = 0.0
    low: float = 0.0
    high: float = 0.0
    error: str = ""

    @property
    def family(self) -> str:
        """The kind of process, or of cascade."""
        kinds = [process.kind for process in parse_cascade(self.process)]
        if len(kinds) > 1 and self.process not in UNSEEN:
            return "two processes"
        return "+".join(kinds) or "clean"

    @property
    def trained(self) -> bool:
        """Whether training clips went through processes of these kinds."""
        return all(process.kind in TRAINED for process in parse_cascade(self.process))


def plan_folder(folder: Path, metric: str, seed: int, most: int | None) -> list[Task]:
    """Draw clean ones, single processes and cascades for the audio in a folder, as for training.

    `most` files of it are used at most, drawn at random.
    """
    recipe = read_clip_recipe("codec-music").model_copy(
        update={
            "seed": seed, "seconds": SHORTEST, "split": {"test": 1.0}, "masters": ("",),
            "defects": 0,
        }
    )  # fmt: skip
    rows = read_corpus(folder)
    if most is not None and most < len(rows):
        drawn = np.random.default_rng(seed).choice(len(rows), size=most, replace=False)
        rows = [rows[index] for index in sorted(drawn.tolist())]
    processes: dict[Excerpt, list[str]] = {}
    for clip in plan_clips(recipe, rows):
        excerpt = Excerpt(folder / clip.reference, f"{folder.name}/{clip.recording}", clip.source)
        processes.setdefault(excerpt, []).append(clip.process)
    return [Task(excerpt, metric, tuple(names)) for excerpt, names in processes.items()]


def judge(task: Task) -> list[Outcome]:
    """Make, label and score the clips of one excerpt."""
    excerpt = task.excerpt
    names = (excerpt.path.name, excerpt.recording, excerpt.source)
    try:
        reference = read_excerpt(excerpt.path)
        visqol = Visqol(equalise(reference))
    except InputError as error:
        return [Outcome(*names, process, error=str(error)) for process in task.processes]
    metric = auricle.load(task.metric)
    scale = read_bundle(find_metric(task.metric).folder).config.label_scale
    outcomes = []
    for process in task.processes:
        try:
            clip = finish(apply_cascade(reference, parse_cascade(process)))
            label = 100.0 * float(scale(np.array([visqol(clip)]))[0])
            score = metric(clip.samples, SAMPLE_RATE)
        except (InputError, LabelError) as error:
            outcomes.append(Outcome(*names, process, error=str(error)))
        else:
            outcomes.append(Outcome(*names, process, label, score.value, *score.interval))
    return outcomes


def summarise(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return how well the metric agrees with the labels, of 100."""
    score = np.array([outcome.score for outcome in outcomes])
    label = np.array([outcome.label for outcome in outcomes])
    inside = np.array([float(o.low <= o.label <= o.high) for o in outcomes])
    groups = [outcome.recording for outcome in outcomes]
    trained = {outcome.trained for outcome in outcomes}
    # Labels that differ by rounding alone, as those of clean clips do, have no order.
    ordered = float(np.ptp(label)) > 1.0
    measures: dict[str, Callable[..., float]] = {
        "pcc": pearson, "srcc": spearman, "rmse": rmse, "bias": bias,
    }  # fmt: skip
    return {
        "clips": len(outcomes),
        "recordings": len(set(groups)),
        "kind_in_training": "partly" if len(trained) > 1 else "yes" if trained.pop() else "no",
        "mean_label": float(label.mean()),
        **{
            name: interval(measure, score, label, groups=groups)
            if ordered or measure in (rmse, bias)
            else None
            for name, measure in measures.items()
        },
        "inside": interval(np.mean, inside, groups=groups),
    }  # fmt: skip


def bias(score: Floats, label: Floats) -> float:
    """Return the mean of what scores are above labels.

    >>> bias(np.array([2.0, 3.0]), np.array([1.0, 1.0]))
    1.5
    """
    return float((score - label).mean())


def show_parts(title: str, parts: dict[str, dict[str, Any]]) -> str:
    """Return a table with a row for each part."""
    header = (
        title, "kind in training", "clips", "recordings", "mean label", "PCC", "SRCC",
        "RMSE of 100", "bias", "in the 90% interval, %",
    )  # fmt: skip
    rows = [
        [
            name, part["kind_in_training"], part["clips"], part["recordings"],
            f"{part['mean_label']:.1f}",
            show(part["pcc"]), show(part["srcc"]), show(part["rmse"], 2), show(part["bias"], 1),
            show(part["inside"], 1, factor=100.0),
        ]
        for name, part in parts.items()
    ]  # fmt: skip
    return table(header, rows)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--folder", type=Path, nargs="+", default=[])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--metric", default="codec-music", help="a name, or a bundle's folder")
    parser.add_argument("--per-recording", type=int, help="excerpts of one recording at most")
    parser.add_argument("--excerpts", type=int, help="at most so many; of each folder, if given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if options.folder:
        name, place = "elsewhere", "music from elsewhere"
        tasks = []
        for folder in options.folder:
            try:
                tasks += plan_folder(folder, options.metric, options.seed, options.excerpts)
            except DataError as error:
                print(f"left out: {error}")
    elif options.manifest and options.corpus:
        name, place = "unseen", f"the {options.split} recordings"
        excerpts = find_excerpts(
            options.manifest, options.split, options.corpus, most=options.per_recording
        )
        tasks = [Task(e, options.metric, UNSEEN) for e in excerpts[: options.excerpts]]
    else:
        parser.error("give --manifest and --corpus, or --folder")
    outcomes = sorted(
        (outcome for made in run_tasks(judge, tasks, options.jobs) for outcome in made),
        key=lambda outcome: (outcome.source, outcome.recording, outcome.file, outcome.process),
    )
    judged = [outcome for outcome in outcomes if not outcome.error]
    if not judged:
        raise SystemExit("no clip could be labelled and scored")
    overall = summarise(judged)
    families, sources = group(judged, lambda o: o.family), group(judged, lambda o: o.source)
    metric = auricle.load(options.metric).spec.full_name
    markdown = "\n".join([
        f"`{metric}` against ViSQOL on {place}: {len(judged)} clips, {len(outcomes) - len(judged)}"
        " not labelled or scored. Brackets hold 95% intervals, bootstrapped over recordings; bias"
        " is score less label.",
        "",
        show_parts("process", {"all": overall, **families}),
        "",
        show_parts("source", sources),
    ])  # fmt: skip
    result = {
        "metric": metric,
        "seed": options.seed,
        "processes": plain({"all": overall, **families}),
        "sources": plain(sources),
        "clips": [asdict(outcome) for outcome in outcomes],
    }
    write_results(options.output, name, result, markdown)


def group(outcomes: Sequence[Outcome], key: Callable[[Outcome], str]) -> dict[str, dict[str, Any]]:
    """Summarise the clips of each kind, in the order in which they appear."""
    names = dict.fromkeys(key(outcome) for outcome in outcomes)
    return {name: summarise([o for o in outcomes if key(o) == name]) for name in names}


if __name__ == "__main__":
    main()
