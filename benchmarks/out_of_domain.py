r"""Which recordings a model should not judge: fit the density for it, and measure what it finds.

    python benchmarks/out_of_domain.py fit src/auricle/models/codec-music.v3 \
        --features work/features/v3 --corpus work/corpus/open-music \
        --pairs work/pairs/open-pairs work/pairs/open-speech --noise work/corpus/open-noise
    python benchmarks/out_of_domain.py report codec-music --features work/features/v3 \
        --corpus work/corpus/open-music --pairs work/pairs/open-pairs \
        --data $AURICLE_DATA --output docs/results/out-of-domain

The first embeds training material by the bundle's own network, clean and damaged clips alike, and
writes `density.json` into the bundle (see `auricle.heads.density`). Training clips of the bundle's
domain are the domain; those of other content, recorded and synthesised noise are what it is to be
told from. The threshold is set on the calibration split of the features (the validation split
where there is none) and the validation split of the pairs, for a false alarm in a hundred unless
`--false-alarms` says otherwise.

The second measures on the test splits and on the recordings of `SETS` below `--data`, which have
nothing to do with any training material.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from auricle.catalog import find_bundle
from auricle.heads.density import Density, fit_density
from auricle.stats.intervals import Estimate, bootstrap_interval, wilson_interval
from auricle.systems.bundle import (
    Bundle,
    DistanceBundle,
    read_any_bundle,
    save_bundle,
    save_distance_bundle,
)
from excerpts import show, table, write_results
from out_of_domain_clips import (
    MOST,
    PLAIN,
    Clip,
    Floats,
    Material,
    draw,
    feature_clips,
    noise_clips,
    open_listener,
    pair_clips,
    unseen_clips,
)

NAMES = {"music": "music", "speech": "speech", "sound": "sound effects", "noise": "noise"}
"""What warnings call the content of clips."""
CONTENTS = ("music", "speech", "noise")
# Between mean opinion scores: how damaged clips of the domain are.
QUALITIES = (1.0, 2.0, 3.0, 4.0, 5.1)
# Test splits, and what no model was trained on in any way.
OWN = ("test", "open-pairs")
UNSEEN = (PLAIN, "P.835 tests", "neural codecs", "white", "pink")


@dataclass(frozen=True, slots=True)
class Judged:
    """A clip, and by how much its log-ratio is above the threshold."""

    content: str
    origin: str
    recording: str
    excess: float
    quality: float


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    fit, report = commands.add_parser("fit"), commands.add_parser("report")
    fit.add_argument("bundle", type=Path)
    fit.add_argument("--noise", type=Path, required=True)
    fit.add_argument("--false-alarms", type=float, default=0.01)
    report.add_argument("metric")
    report.add_argument("--data", type=Path, required=True)
    report.add_argument("--output", type=Path, required=True)
    for command in (fit, report):
        command.add_argument("--features", type=Path)
        command.add_argument("--corpus", type=Path)
        command.add_argument("--pairs", type=Path, nargs="+", default=[])
    options = parser.parse_args()
    if (options.features is None) != (options.corpus is None):
        parser.error("features need --corpus, which tells what is in them, and only they do")
    if options.command == "fit":
        fit_bundle(options)
    else:
        report_bundle(options)


def fit_bundle(options: argparse.Namespace) -> None:
    """Fit the density of a bundle and write the bundle anew with it."""
    material = Material(options.features, options.corpus, options.pairs)
    listener, rng = open_listener(read_any_bundle(options.bundle)), np.random.default_rng(0)
    bundle = listener.bundle
    domain = bundle.config.domain
    train, held_out = (
        [
            *feature_clips(material, listener, split, rng),
            *pair_clips(material, listener, split, rng),
        ]
        for split in ("train", "calibration")
    )
    train += noise_clips(options.noise, listener, rng)
    found: dict[str, list[Floats]] = defaultdict(list)
    for clip in train:
        embedding = clip.embed()
        if embedding is not None:
            found[clip.content].append(embedding)
    own = [clip.embed() for clip in held_out if clip.content == domain]
    inside = np.array(found.pop(domain))
    outside = {NAMES[content]: np.array(found[content]) for content in NAMES if content in found}
    density = fit_density(
        inside, outside, np.array([one for one in own if one is not None]), options.false_alarms
    )
    save(bundle, rounded(density))
    counts = {kind: len(clips) for kind, clips in outside.items()}
    print(bundle.folder, len(inside), counts, density.clips, round(density.threshold, 3))


def rounded(density: Density) -> Density:
    """Return a density with seven digits, which no answer depends on."""
    contrasts = {
        kind: one.model_copy(update={"weights": tuple(float(f"{w:.7g}") for w in one.weights)})
        for kind, one in density.contrasts.items()
    }
    return density.model_copy(update={"contrasts": contrasts})


def save(bundle: Bundle | DistanceBundle, density: Density) -> None:
    """Write a bundle anew, with a density."""
    files: dict[str, Any] = {
        "onnx": bundle.onnx,
        "weights": bundle.weights if "weights.safetensors" in bundle.checksums else None,
        "card": bundle.card,
        "density": density,
    }
    if isinstance(bundle, Bundle):
        domains = bundle.folder / "domains.json"
        files["domains"] = domains if domains.is_file() else None
        save_bundle(bundle.folder, bundle.config, bundle.calibration, **files)
    else:
        save_distance_bundle(bundle.folder, bundle.config, bundle.calibration, **files)


def report_bundle(options: argparse.Namespace) -> None:
    """Write and print what the density of a metric finds, and draw the ROC curves."""
    listener, rng = open_listener(find_bundle(options.metric)), np.random.default_rng(1)
    material = Material(options.features, options.corpus, options.pairs)
    density, domain = listener.bundle.density, listener.bundle.config.domain
    if density is None:
        raise SystemExit(f"{options.metric} has no density: fit it first")
    known = [*feature_clips(material, listener, "test", rng)]
    known += pair_clips(material, listener, "test", rng)
    known = [clip for clip in known if clip.content != "sound"]
    judged = judge(
        density, [*draw(known, MOST, rng), *unseen_clips(options.data, listener, domain)]
    )
    inside = [one for one in judged if one.content == domain and one.origin in OWN]
    elsewhere = [one for one in judged if one.content == domain and one.origin == PLAIN]
    rows, curves = [], {}
    for content in CONTENTS:
        for origin in sorted({one.origin for one in judged if one.content == content}):
            found = [one for one in judged if (one.content, one.origin) == (content, origin)]
            told = ["", ""] if content == domain else [
                show(separate(base, found)) for base in (inside, elsewhere)
            ]  # fmt: skip
            groups = len({one.recording for one in found})
            rows.append([content, origin, len(found), groups, share(found), *told])
        other = [one for one in judged if one.content == content and one.origin in UNSEEN]
        if content != domain and other:
            curves[content] = other
            told = [show(separate(base, other)) for base in (inside, elsewhere)]
            groups = len({one.recording for one in other})
            rows.append([content, "all that is unseen", len(other), groups, share(other), *told])
    strengths = [
        [f"{low:g} to {high:g}", len(found), share(found)]
        for low, high in pairwise(QUALITIES)
        if (found := [one for one in inside if low <= one.quality < high])
    ]
    name = f"out-of-domain-{listener.bundle.config.name}"
    draw_curves(inside, curves, options.output / f"{name}.png", options.metric)
    header = ["content", "from", "clips", "recordings", "warned of, %", "AUROC", "AUROC, elsewhere"]
    text = table(header, rows)
    if strengths:
        text += "\n\n" + table(["label", "clips", "warned of, %"], strengths)
    write_results(options.output, name, {"rows": rows, "strengths": strengths}, text)


def judge(density: Density, clips: Iterable[Clip]) -> list[Judged]:
    """Return the largest log-ratio of every clip that is heard, over the threshold."""
    judged = []
    for clip in clips:
        embedding = clip.embed()
        if embedding is not None:
            ratio = float(density.log_ratios(embedding[np.newaxis]).max()) - density.threshold
            judged.append(Judged(clip.content, clip.origin, clip.recording, ratio, clip.quality))
    return judged


def separate(inside: Sequence[Judged], outside: Sequence[Judged]) -> Estimate:
    """Return the AUROC with its 95% interval, bootstrapped over recordings."""
    both = [*inside, *outside]
    return bootstrap_interval(
        area,
        [len(inside) <= place for place in range(len(both))],
        [one.excess for one in both],
        groups=[one.recording for one in both],
        resamples=500,
    )


def area(outside: NDArray[Any], excess: Floats) -> float:
    """Return the chance that one out of the domain has the larger excess (Mann and Whitney)."""
    found = np.asarray(outside, dtype=bool)
    count = int(found.sum())
    if count in (0, found.size):
        return float("nan")
    ranks = rankdata(excess)[found].sum() - count * (count + 1) / 2
    return float(ranks / (count * (found.size - count)))


def share(found: Sequence[Judged]) -> str:
    """Return the share in percent that is warned of, with Wilson's 95% interval."""
    warned = sum(one.excess > 0.0 for one in found)
    return show(wilson_interval(warned, len(found)), 1, factor=100.0)


def draw_curves(
    inside: Sequence[Judged], curves: Mapping[str, Sequence[Judged]], path: Path, title: str
) -> None:
    """Write a PNG of the ROC curves against the held-out clips of the domain."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.0, 4.0), layout="constrained")
    axes = figure.add_subplot()
    own = np.array([one.excess for one in inside])
    for content, clips in curves.items():
        found = np.array([one.excess for one in clips])
        places = np.sort(np.concatenate((own, found)))[::-1]
        alarms, hits = ((values[:, np.newaxis] > places).mean(axis=0) for values in (own, found))
        (line,) = axes.plot(100 * alarms, 100 * hits, label=content)
        axes.plot(100 * (own > 0.0).mean(), 100 * (found > 0.0).mean(), "o", color=line.get_color())
    axes.set(xlabel="false alarms, %", ylabel="found, %", title=title, xlim=(0, 100), ylim=(0, 100))
    axes.legend(loc="lower right", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
