"""Lossy history: how often it is found, and how often seen where there is none.

    python benchmarks/history.py --manifest MANIFEST [MANIFEST...] --corpus CORPUS --output DIR \
        [--folder FOLDER...]

Only test clips of recordings that were never lossy before they came into the corpus count: for
others nobody knows the truth. With `--corpus` the clips that were never coded are made from all its
excerpts of these recordings, which are many more: as they are, low-passed, and converted to a lower
sample rate and back (so that their bandwidth is known); and recordings that its table calls lossy
are left out. Every audio file in a `--folder` counts as genuine, and is scored whole.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

import auricle
from auricle.core.errors import InputError
from auricle.core.score import History
from auricle.core.traces import TRACES
from auricle.data.manifest import SPLITS, Clip, Split, read_manifest
from auricle.data.recordings import read_corpus
from auricle.data.workers import run_tasks
from auricle.degrade.base import Process, apply_cascade, parse_cascade
from auricle.degrade.bitrates import effective_bitrate
from auricle.degrade.codecs import CODECS
from auricle.signal.io import list_audio
from auricle.stats.intervals import Estimate
from excerpts import (
    INTERVALS,
    SAMPLE_RATE,
    finish,
    interval,
    plain,
    read_excerpt,
    share_of,
    show,
    table,
    write_results,
)

NAMES = tuple(name for name in TRACES if name not in ("lossy", "lowpass"))
BANDS = ((0, 48), (49, 96), (97, 192), (193, 999))
LOW_PASSED = ("lowpass:3500", "lowpass:5000", "lowpass:7500", "lowpass:9000")
RESAMPLED = ("resample:16000", "resample:22050", "resample:32000")
NO_TRACE = "no trace"
CODED = ("one codec", "codec and low-pass", "two codecs")


@dataclass(frozen=True, slots=True)
class Item:
    """A clip: a file as it is, or (with `cut`) an excerpt that undergoes `process` first.

    `bandwidth` is the known one in Hz, if it is known.
    """

    path: Path
    recording: str
    group: str
    process: str = ""
    channels: int = 1
    cut: bool = False
    bandwidth: float | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """What to score at a time."""

    metric: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the metric says of an item; `error` says why it says nothing."""

    item: Item
    history: History | None = None
    error: str = ""

    @property
    def found(self) -> bool:
        """Whether the verdict is lossy."""
        return self.history is not None and self.history.verdict == "lossy"

    @property
    def codec(self) -> str:
        """The most probable codec, by the traces alone."""
        assert self.history is not None
        return next(trace.name for trace in self.history.traces if trace.name in NAMES)

    @property
    def octaves(self) -> tuple[float, bool] | None:
        """By how many octaves the rate of the codec is missed, and if it is in the range told.

        None for clips that are not of one codec, and where another codec is thought likelier.
        """
        processes = parse_cascade(self.item.process)
        if len(processes) != 1 or self.codec != processes[0].kind:
            return None
        assert self.history is not None
        low, high = next(t.rate for t in self.history.traces if t.name == self.codec)
        truth = rate_of(processes[0], self.item.channels)
        return abs(float(np.log2(np.sqrt(low * high) / truth))), low <= truth <= high


def rate_of(process: Process, channels: int) -> float:
    """Return the bit/s per channel that a codec was really set to at 48 kHz.

    >>> rate_of(Process("aac", 700_000), 1)
    288000.0
    """
    return effective_bitrate(process.kind, process.value, SAMPLE_RATE, channels) / channels


def group_of(process: str) -> str:
    """Return what a clip counts as.

    >>> [group_of(text) for text in ("", "lowpass:5000", "mp3:64k", "mp3:64k+opus:32k", "noise:9")]
    ['clean', 'low-passed', 'one codec', 'two codecs', 'other']
    """
    kinds = [part.kind for part in parse_cascade(process)]
    coded = [kind for kind in kinds if kind in CODECS]
    if set(kinds) - set(coded) - {"lowpass"}:
        return "other"
    if not kinds:
        return "clean"
    if not coded:
        return "low-passed"
    if len(kinds) == 1:
        return "one codec"
    return "two codecs" if len(coded) > 1 else "codec and low-pass"


def find_items(
    manifests: Sequence[Path], split: Split, corpus: Path | None, folders: Sequence[Path]
) -> list[Item]:
    """Return what to score: each recording's excerpts once, its clips, the folders' files."""
    rows = [] if corpus is None else read_corpus(corpus)
    lossy = {row.recording for row in rows if row.kbps is not None}
    items, recordings = [], set()
    for manifest in manifests:
        for clip in read_manifest(manifest):
            if clip.split == split and clip.kbps is None and clip.recording not in lossy:
                recordings.add(clip.recording)
                item = from_clip(clip, manifest.parent)
                if not clip.error and (corpus is None or item.group in CODED):
                    items.append(item)
    for row in rows:
        if corpus is not None and row.recording in recordings and row.duration >= 4.0:
            known = row.bandwidth_hz
            item = Item(corpus / row.path, row.recording, "clean", cut=True, bandwidth=known)
            items.append(item)
            items += [
                replace(item, group="low-passed", process=text, bandwidth=None)
                for text in LOW_PASSED
            ]
            items += [
                replace(item, group="resampled", process=text, bandwidth=half)
                for text in RESAMPLED
                if (half := parse_cascade(text)[0].value / 2.0) < (known or 0.0)
            ]
    for folder in folders:
        paths = [Path(path) for path in list_audio(folder)]
        items += [Item(path, f"{folder.name}/{path.name}", folder.name) for path in paths]
    return items


def from_clip(clip: Clip, folder: Path) -> Item:
    """Return a clip of a data set as an item."""
    group = group_of(clip.process)
    return Item(folder / clip.path, clip.recording, group, clip.process, clip.channels)


def judge(task: Task) -> list[Outcome]:
    """Ask the metric for the history of each item."""
    metric = auricle.load(task.metric)
    outcomes = []
    for item in task.items:
        try:
            if item.cut:
                excerpt = apply_cascade(read_excerpt(item.path), parse_cascade(item.process))
                score = metric(finish(excerpt).samples, SAMPLE_RATE)
            else:
                score = metric.score_file(item.path)
        except InputError as error:
            outcomes.append(Outcome(item, error=str(error)))
        else:
            outcomes.append(Outcome(item, score.history))
    return outcomes


def share(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return how many were found lossy."""
    recordings = [outcome.item.recording for outcome in outcomes]
    return {
        "clips": len(outcomes),
        "recordings": len(set(recordings)),
        "found": share_of([outcome.found for outcome in outcomes], recordings),
    }


def by_band(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """Return the share found of each codec and band of kb/s per channel, for one codec alone."""
    found = {}
    for codec in sorted({parse_cascade(o.item.process)[0].kind for o in outcomes}):
        for low, high in BANDS:
            part = []
            for outcome in outcomes:
                process = parse_cascade(outcome.item.process)[0]
                rate = rate_of(process, outcome.item.channels) / 1000.0
                if process.kind == codec and low <= rate < high + 1:
                    part.append(outcome)
            if part:
                bound = f"up to {high}" if low == 0 else f"{low} to {high}"
                found[f"{codec}, {bound if high < 999 else f'from {low}'} kb/s"] = share(part)
    return found


def confusion(outcomes: Iterable[Outcome]) -> dict[str, Counter[str]]:
    """Count the most probable codecs by what was really there."""
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        truth = outcome.item.process.partition(":")[0] if outcome.item.process else "clean"
        counts.setdefault(truth, Counter())[outcome.codec if outcome.found else NO_TRACE] += 1
    return dict(sorted(counts.items()))


def measure_rates(outcomes: Sequence[Outcome]) -> dict[str, Estimate | str | None]:
    """Return the median error in octaves, and how often the range told holds the truth."""
    known = [(o, o.octaves) for o in outcomes if o.found]
    errors = [(o.item.recording, *octaves) for o, octaves in known if octaves is not None]
    if not errors:
        return {"octaves": None, "inside": None}
    names, missed, inside = zip(*errors, strict=True)
    return {
        "octaves": interval(np.median, missed, groups=names),
        "inside": share_of(inside, names),
    }


def measure_bandwidth(outcomes: Sequence[Outcome]) -> Estimate | None:
    """Return the median error of the bandwidth as a share of the known one, signs left aside."""
    errors = [
        (o.item.recording, abs(o.history.bandwidth_hz / o.item.bandwidth - 1.0))
        for o in outcomes
        if o.history is not None and o.item.bandwidth
    ]
    if not errors:
        return None
    names, values = zip(*errors, strict=True)
    return interval(np.median, values, groups=names)


def show_shares(title: str, parts: dict[str, dict[str, Any]]) -> str:
    """Return a table of shares."""
    return table(
        [title, "clips", "recordings", "called lossy, %"],
        [
            [name, part["clips"], part["recordings"], show(part["found"], 1, factor=100.0)]
            for name, part in parts.items()
        ],
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--manifest", type=Path, nargs="+", required=True)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--folder", type=Path, nargs="+", default=[])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--metric", default="codec-music", help="a name, or a bundle's folder")
    parser.add_argument("--most", type=int, help="score so many clips at most, drawn at random")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    metric = auricle.load(options.metric)
    if not metric.tells_history:
        raise SystemExit(f"{metric.spec.full_name} tells no history")
    items = find_items(options.manifest, options.split, options.corpus, options.folder)
    if options.most is not None and options.most < len(items):
        drawn = np.random.default_rng(0).choice(len(items), size=options.most, replace=False)
        items = [items[index] for index in sorted(drawn.tolist())]
    grouped = groupby(sorted(items, key=lambda i: (i.recording, i.process)), lambda i: i.recording)
    tasks = [Task(options.metric, tuple(group)) for _, group in grouped]
    outcomes = [o for made in run_tasks(judge, tasks, options.jobs) for o in made]
    outcomes.sort(key=lambda o: (o.item.group, o.item.recording, o.item.process, o.item.path))
    if all(o.history is None for o in outcomes):
        raise SystemExit("no clip could be judged")
    result, markdown = report(outcomes, metric.spec.full_name)
    write_results(options.output, "history", {"split": options.split, **result}, markdown)


def report(outcomes: Sequence[Outcome], metric: str) -> tuple[dict[str, Any], str]:
    """Return what was found, for JSON and as Markdown."""
    judged = [o for o in outcomes if o.history is not None]
    of = {
        name: [o for o in judged if o.item.group == name]
        for name in dict.fromkeys(o.item.group for o in judged)
    }
    genuine = {name: share(part) for name, part in of.items() if name not in (*CODED, "other")}
    lossy = {name: share(of[name]) for name in CODED if name in of}
    one = of.get("one codec", [])
    plain_ones = [o for name in ("clean", "low-passed") for o in of.get(name, [])]
    bands, table_of, rates = by_band(one), confusion([*plain_ones, *one]), measure_rates(one)
    bandwidth = {name: measure_bandwidth(of.get(name, [])) for name in ("clean", "resampled")}
    columns = [*NAMES, NO_TRACE]
    lines = [
        f"`{metric}` on {len(judged)} clips of recordings that were never lossy,"
        f" {len(outcomes) - len(judged)} not judged. {INTERVALS}",
        "",
        show_shares("never coded", genuine),
        "",
        show_shares("coded", {**lossy, **bands}),
        "",
        "The most probable codec, where anything was found:",
        "",
        table(["truth", *columns], [[t, *(n[c] for c in columns)] for t, n in table_of.items()]),
        "",
        f"Bitrate, one codec that is named rightly: median error {show(rates['octaves'], 2)}"
        f" octaves; in the range told, in %: {show(rates['inside'], 1, factor=100.0)}.",
        "",
        "Bandwidth, median error of the known one, in %: "
        + ", ".join(f"{name} {show(e, 1, factor=100.0)}" for name, e in bandwidth.items())
        + ".",
    ]
    result = {
        "metric": metric,
        "never_coded": plain(genuine),
        "coded": plain({**lossy, **bands}),
        "confusion": table_of,
        **plain({"bitrate": rates, "bandwidth": bandwidth}),
        "clips": [
            {
                "file": o.item.path.name,
                "recording": o.item.recording,
                "group": o.item.group,
                "process": o.item.process,
                "error": o.error,
                "history": None if o.history is None else asdict(o.history),
            }
            for o in outcomes
        ],
    }
    return result, "\n".join(lines)


if __name__ == "__main__":
    main()
