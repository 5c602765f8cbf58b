r"""How a network does on what it never met: sources of music, or codecs, left out of training.

    python benchmarks/leave_out.py sources --features FEATURES --output work/results \
        --set max_epochs=4

trains once per fold without the fold's sources (or codecs) and predicts what was left out:
`sources`: all clips of the fold's sources, grouped so that no source is in two folds;
`codecs`: the clips with that codec, of recordings outside the training split.
The networks are trained like the shipped one, though shorter if the overrides say so. Each also
says which clips it takes for lossily coded, above a threshold from the calibration clips that were
not left out: of clips that never were, that is a false alarm.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.core.traces import TRACES
from auricle.data.features import FeatureSet, LabelledClip, read_features
from auricle.degrade.base import parse_cascade
from auricle.heads.calibration import Calibration
from auricle.stats.correlation import pearson, rmse, spearman
from auricle.stats.intervals import Estimate
from auricle.systems.history import sigmoid
from auricle.training.fit import Predictions, fit, predict, used_rows
from auricle.training.loop import calibrate_by
from auricle.training.recipe import load_recipe
from auricle.training.track import Epoch
from excerpts import interval, show, table, write_results

MEASURES = {"pcc": pearson, "srcc": spearman, "rmse": rmse}
CODECS = ("mp2", "mp3", "aac", "vorbis", "opus")
KINDS = {
    "rendered": ("freedoom", "openttd-openmsx", "planetblupi-music-midi"),
    "tracker and loops": (
        "heroes-sound-tracks",
        "pingus-data",
        "tecnoballz-data",
        "sonic-pi-samples",
    ),
}


def source_folds(features: FeatureSet, parts: int) -> dict[str, tuple[str, ...]]:
    """Fold by kind of synthetic music, and the packages of recordings in `parts` equal shares."""
    counts: dict[str, int] = {}
    for clip in features.clips:
        counts[clip.source] = counts.get(clip.source, 0) + 1
    taken = {source for sources in KINDS.values() for source in sources}
    shares: list[list[str]] = [[] for _ in range(parts)]
    for source in sorted(counts.keys() - taken, key=lambda name: -counts[name]):
        min(shares, key=lambda share: sum(counts[name] for name in share)).append(source)
    recorded = {f"recordings {n}": tuple(share) for n, share in enumerate(shares, start=1)}
    present = {name: tuple(s for s in sources if s in counts) for name, sources in KINDS.items()}
    return {name: sources for name, sources in (present | recorded).items() if sources}


def rows_with(features: FeatureSet, codec: str) -> NDArray[np.int64]:
    """Clips outside the training split whose cascade holds a codec."""
    rows = [
        row
        for row, clip in enumerate(features.clips)
        if clip.split != "train" and codec in {p.kind for p in parse_cascade(clip.process)}
    ]
    return np.array(rows, dtype=np.int64)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the folds; finished ones are not run again."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["sources", "codecs"])
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--recipe", default="codec-music")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--parts", type=int, default=3, help="folds of recorded music")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    features = read_features(options.features)
    folds: dict[str, tuple[str, ...]] = (
        source_folds(features, options.parts)
        if options.what == "sources"
        else {codec: (codec,) for codec in CODECS}
    )
    results: dict[str, dict[str, Any]] = {}
    for name, left_out in folds.items():
        recipe = load_recipe(
            options.recipe,
            [*options.overrides, f"data.without_{options.what}={json.dumps(left_out)}"],
        )
        if options.what == "sources":
            found = [row for row, clip in enumerate(features.clips) if clip.source in left_out]
            rows = np.array(found, dtype=np.int64)
        else:
            rows = rows_with(features, name)
        folder = options.output / f"leave-out-{options.what}" / name.replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        system = fit(recipe, features, folder, on_epoch=partial(_tell, name))
        answers = predict(recipe, system, features, rows)
        clips = [features.clips[row] for row in rows.tolist()]
        known = used_rows(recipe, features, recipe.calibrate_on)
        calibration = calibrate_by(recipe, predict(recipe, system, features, known))
        results[name] = {
            "members": left_out,
            "epochs": recipe.max_epochs,
            "all": _summarise(clips, answers, calibration),
            "called_lossy": _find_lossy(clips, answers, calibration.lossy_threshold),
            "sources": {
                source: _summarise(clips, answers, calibration, source)
                for source in sorted({clip.source for clip in clips})
            },
        }
    write_results(
        options.output, f"leave-out-{options.what}", {"folds": results}, to_markdown(results)
    )


def to_markdown(folds: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a row per fold."""
    header = ["left out", "clips", "recordings", "PCC", "SRCC", "RMSE of 100", "in the interval, %"]
    rows = []
    for name, fold in folds.items():
        part = fold["all"]
        measures = [_cell(part[key], 2 if key == "rmse" else 3) for key in MEASURES]
        inside = _cell(part["inside"], 1, factor=100.0)
        lossy = [_share(part) for part in (fold["called_lossy"] or {}).values()]
        rows.append([name, part["items"], part["recordings"], *measures, inside, *lossy])
    if any(fold["called_lossy"] for fold in folds.values()):
        header += ["never coded, called lossy", "coded, called lossy"]
    return f"Brackets hold 95% intervals, bootstrapped over recordings.\n\n{table(header, rows)}"


def _summarise(
    clips: Sequence[LabelledClip],
    answers: Predictions,
    calibration: Calibration,
    source: str | None = None,
) -> dict[str, Any]:
    chosen = np.array([source in (None, clip.source) for clip in clips])
    recordings = [clip.recording for clip in clips if source in (None, clip.source)]
    mean, label = answers.mean[chosen], answers.label[chosen]
    reach = calibration.scale * np.exp(0.5 * answers.log_variance[chosen])
    inside = interval(np.mean, np.abs(label - mean) <= reach, groups=recordings)
    measures = {
        name: interval(measure, 100.0 * mean, 100.0 * label, groups=recordings)
        for name, measure in MEASURES.items()
    }
    return {
        "items": int(chosen.sum()),
        "recordings": len(set(recordings)),
        **{
            name: found and asdict(found) for name, found in (measures | {"inside": inside}).items()
        },
    }


def _find_lossy(
    clips: Sequence[LabelledClip], answers: Predictions, threshold: float | None
) -> dict[str, dict[str, int]] | None:
    """Count the clips called lossy, of those that never were coded and of those that were."""
    if threshold is None:
        return None
    place = TRACES.index("lossy")
    truth = answers.traces[:, place, 0]
    called = sigmoid(answers.history[:, place, 0]) > threshold
    return {
        name: {
            "clips": int(chosen.sum()),
            "recordings": len({clips[row].recording for row in np.flatnonzero(chosen).tolist()}),
            "called": int(called[chosen].sum()),
        }
        for name, chosen in (("never coded", truth == 0.0), ("coded", truth == 1.0))
    }


def _cell(found: dict[str, float] | None, digits: int, *, factor: float = 1.0) -> str:
    return show(None if found is None else Estimate(**found), digits, factor=factor)


def _share(part: Mapping[str, int]) -> str:
    """Return how many of the clips are called lossy."""
    if not part["clips"]:
        return "-"
    return f"{part['called']} of {part['clips']} ({part['recordings']} recordings)"


def _tell(name: str, epoch: Epoch) -> None:
    print(f"{name}: epoch {epoch.epoch}, RMSE {100 * epoch.validation_rmse:.2f}", flush=True)


if __name__ == "__main__":
    main()
