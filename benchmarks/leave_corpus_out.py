r"""Whether training against the corpus helps on a corpus that was not trained on.

    python benchmarks/leave_corpus_out.py --recipe speech --features work/features/speech \
        --output work/results/corpus-speech --set data.labels=4000 --set max_epochs=3 \
        --fold espeak-ng --fold klettres-data,ktuberling-data,tuxpaint-stamps-default

trains, for every fold, one network without its corpora and one that is trained against a
discriminator of the other corpora as well, and judges both on clips of the corpora left out. What
is there already is not trained again. A corpus is where a recording's name begins.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from auricle.data.clip_recipe import seed_of
from auricle.data.features import FeatureSet, read_features
from auricle.training.fit import fit, predict
from auricle.training.recipe import load_recipe
from confounded_report import CHANGES, Run, compare
from excerpts import table

VARIANTS = {
    "none": (),
    "source": ("adversary.domains={kind: source}",),
    "balance": ("data.balance=true",),
}
MOST = 800
"""Clips of a fold that are judged."""


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--fold", action="append", required=True, help="corpora, commas between")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    options = parser.parse_args()
    features = read_features(options.features)
    clips = (replace(clip, source=clip.recording.partition("/")[0]) for clip in features.clips)
    features = replace(features, clips=tuple(clips))
    rows = []
    for fold in options.fold:
        runs = {
            name: run(options.recipe, features, fold, (*options.overrides, *against), folder)
            for name, against in VARIANTS.items()
            for folder in [options.output / f"{fold.replace(',', '+')}-{name}"]
        }
        for name, found in runs.items():
            cells = compare(runs["none"], found)
            rows.append((fold, name, *(cells if name != "none" else (*cells[:2], "", ""))))
    print(table(("left out", "trained", *CHANGES), rows))


def run(
    recipe_name: str, features: FeatureSet, fold: str, overrides: tuple[str, ...], folder: Path
) -> Run:
    """Train without a fold's corpora and return what is said of their clips."""
    left_out = f"data.without_sources=[{fold}]"
    recipe = load_recipe(recipe_name, (*overrides, left_out, "calibrate_on=validation"))
    folder.mkdir(parents=True, exist_ok=True)
    system = fit(recipe, features, folder)
    corpora = fold.split(",")
    inside = [row for row, clip in enumerate(features.clips) if clip.source in corpora]
    chosen = sorted(inside, key=lambda row: seed_of(features.clips[row].id))[:MOST]
    said = predict(recipe, system, features, np.array(chosen))
    judged = [features.clips[row] for row in chosen]
    return Run(
        100.0 * said.label.astype(np.float64),
        (100.0 * said.mean.astype(np.float64),),
        (said.embedding,),
        tuple(clip.source for clip in judged),
        tuple(clip.recording for clip in judged),
        tuple(clip.id for clip in judged),
    )


if __name__ == "__main__":
    main()
