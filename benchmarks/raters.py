"""How far listeners agree on the aesthetics of audio, and what that leaves a model to reach.

    python benchmarks/raters.py --data FOLDER --output DIR

FOLDER holds the tables of ratings that Meta published with Audiobox Aesthetics and with track 2 of
AudioMOS Challenge 2025: `AES_*.jsonl` and `audiomos2025*`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import AuricleError, DataError
from auricle.data.aes import read_challenge, read_pam
from auricle.data.rated import RatedClip
from auricle.stats.intervals import Estimate
from auricle.stats.rater_bias import RaterBias, rater_bias
from auricle.stats.reliability import (
    IntraclassCorrelation,
    NoiseCeiling,
    intraclass_correlation,
    noise_ceiling,
)
from excerpts import show, table, write_results

Scores = NDArray[np.float64]

AXES = {
    "PQ": "production_quality",
    "PC": "production_complexity",
    "CE": "content_enjoyment",
    "CU": "content_usefulness",
}
# Each rater's mean of the four axes.
MEAN = "mean"
CORPORA = {
    "EARS": "EARS",
    "LibriTTS": "LibriTTS",
    "Common Voice": "cv-corpus-13.0-2023-03-09",
    "MUSDB18-HQ": "MUSDB18",
    "MusicCaps": "musiccaps",
}
TEST = "AudioMOS test"
# Groups of clips that systems made, or that stand for one.
OF_SYSTEMS = ("PAM, sound", "PAM, music", "PAM, all", TEST)


@dataclass(frozen=True, slots=True)
class Panel:
    """Ratings of clips, `[clip, rater, axis]`, and the system that made each clip."""

    systems: tuple[str, ...]
    scores: Scores

    def of(self, axis: str) -> Scores:
        """Return the scores on an axis, or each rater's mean of all axes, `[clip, rater]`."""
        if axis == MEAN:
            means: Scores = self.scores.mean(axis=2)
            return means
        return self.scores[:, :, list(AXES).index(axis)]


def to_panel(clips: Sequence[RatedClip], name: str) -> Panel:
    """Return the ratings of clips as one array.

    Raises `DataError` unless there are clips, and all have as many scores on every axis.
    """
    rows = [[clip.scores[axis] for axis in AXES.values()] for clip in clips]
    numbers = {len(scores) for row in rows for scores in row}
    if len(numbers) != 1:
        raise DataError(f"{name} has no clips, or clips with unequal numbers of raters: {numbers}")
    return Panel(tuple(clip.system for clip in clips), np.swapaxes(np.array(rows), 1, 2))


def read_groups(folder: Path) -> dict[str, Panel]:
    """Return the groups of clips that are told apart, by name."""
    challenge, pam = read_challenge(folder), read_pam(folder)
    # The lists of training and development are AES-natural, divided.
    natural = [clip for clip in challenge if clip.split != "test"]
    groups = {
        f"natural, {domain}": [clip for clip in natural if clip.domain == domain]
        for domain in ("speech", "music", "sound")
    }
    for name, system in CORPORA.items():
        groups[name] = [clip for clip in natural if clip.system == system]
    groups["natural, all"] = natural
    groups["natural, dev list"] = [clip for clip in natural if clip.split == "validation"]
    for domain in ("sound", "music"):
        groups[f"PAM, {domain}"] = [clip for clip in pam if clip.domain == domain]
    groups["PAM, all"] = pam
    groups[TEST] = [clip for clip in challenge if clip.split == "test"]
    return {name: to_panel(clips, name) for name, clips in groups.items()}


@dataclass(frozen=True, slots=True)
class Findings:
    """What is found of the clips of a group on one axis."""

    ceiling: NoiseCeiling
    classes: IntraclassCorrelation
    bias: RaterBias


def study(scores: Scores, splits: int, resamples: int) -> Findings:
    """Return the reliability of `[clip, rater]` scores."""
    return Findings(
        noise_ceiling(scores, splits=splits, resamples=resamples),
        intraclass_correlation(scores, resamples=resamples),
        rater_bias(scores, resamples=resamples),
    )


def halo(panel: Panel) -> Scores:
    """Return the correlations between axes of scores less their clip's mean, `[axis, axis]`."""
    residuals = panel.scores - panel.scores.mean(axis=1, keepdims=True)
    found: Scores = np.corrcoef(residuals.reshape(-1, len(AXES)).T)
    return found


def describe(
    groups: Mapping[str, Panel],
    clips: Mapping[str, Mapping[str, Findings]],
    systems: Mapping[str, Mapping[str, NoiseCeiling]],
) -> str:
    """Return the tables as Markdown."""

    def rows(pick: Callable[[Findings], Estimate], digits: int = 3) -> str:
        return table(
            ["", "clips", *AXES, MEAN],
            [
                [name, part[MEAN].ceiling.items]
                + [show(pick(part[axis]), digits) for axis in (*AXES, MEAN)]
                for name, part in clips.items()
            ],
        )

    def system_rows(pick: Callable[[NoiseCeiling], Estimate]) -> str:
        return table(
            ["", "systems", *AXES, MEAN],
            [
                [name, part[MEAN].items] + [show(pick(part[axis])) for axis in (*AXES, MEAN)]
                for name, part in systems.items()
            ],
        )

    sections = {
        "Ceiling of LCC, clips": rows(lambda part: part.ceiling.lcc.ceiling),
        "Ceiling of SRCC, clips": rows(lambda part: part.ceiling.srcc.ceiling),
        "Ceiling of LCC, systems": system_rows(lambda part: part.lcc.ceiling),
        "Ceiling of SRCC, systems": system_rows(lambda part: part.srcc.ceiling),
        "Least expected MSE, clips": rows(lambda part: part.classes.mse),
        "LCC between halves of the panel, clips": rows(lambda part: part.ceiling.lcc.halves),
        "LCC between halves of the panel, systems": system_rows(lambda part: part.lcc.halves),
        "ICC(1, 1), one rater": rows(lambda part: part.classes.single),
        "ICC(1, k), the whole panel": rows(lambda part: part.classes.panel),
        "SD of the ratings of one clip": rows(lambda part: part.classes.spread, 2),
        "Share of constant offsets per place in the list": rows(lambda part: part.bias.share),
        "Offset of the first place in the list": offsets(clips),
        "Correlation of a rater's leanings on two axes": halos(groups),
        "Ratings of 0": zeros(groups),
    }
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in sections.items())


def offsets(clips: Mapping[str, Mapping[str, Findings]]) -> str:
    """Return the table of what the raters listed first give more than the mean of all."""
    return table(
        ["", *AXES],
        [
            [name, *(f"{part[axis].bias.offsets[0]:+.2f}" for axis in AXES)]
            for name, part in clips.items()
        ],
    )


def halos(groups: Mapping[str, Panel]) -> str:
    """Return the table of halos between axes."""
    names = list(AXES)
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    return table(
        ["", *(f"{names[i]}, {names[j]}" for i, j in pairs)],
        [[name, *(f"{halo(panel)[i, j]:.2f}" for i, j in pairs)] for name, panel in groups.items()],
    )


def zeros(groups: Mapping[str, Panel]) -> str:
    """Return the table of how many ratings are 0, in percent."""
    return table(
        ["", *AXES],
        [
            [name, *(f"{100 * (panel.of(axis) == 0).mean():.2f}%" for axis in AXES)]
            for name, panel in groups.items()
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--splits", type=int, default=10, help="random halves of the panel")
    parser.add_argument("--resamples", type=int, default=500, help="of clips, per interval")
    options = parser.parse_args(arguments)
    settings = {"splits": options.splits, "resamples": options.resamples}
    axes = (*AXES, MEAN)
    try:
        groups = read_groups(options.data)
        clips = {
            name: {axis: study(panel.of(axis), **settings) for axis in axes}
            for name, panel in groups.items()
        }
        systems = {
            name: {
                axis: noise_ceiling(groups[name].of(axis), groups[name].systems, **settings)
                for axis in axes
            }
            for name in OF_SYSTEMS
        }
    except AuricleError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    result: dict[str, Any] = settings | {
        "halo": {name: halo(panel).round(4).tolist() for name, panel in groups.items()},
        "clips": _plain(clips),
        "systems": _plain(systems),
    }
    markdown = (
        f"{options.splits} random splits of the raters, {options.resamples} resamples. Brackets"
        " hold 95% intervals, bootstrapped over clips, in tables of systems over systems. `mean` is"
        " each rater's mean of the four axes.\n\n" + describe(groups, clips, systems)
    )
    write_results(options.output, "raters", result, markdown)
    return 0


def _plain(parts: Mapping[str, Mapping[str, Findings | NoiseCeiling]]) -> dict[str, Any]:
    return {
        name: {axis: asdict(part) for axis, part in axes.items()} for name, axes in parts.items()
    }


if __name__ == "__main__":
    sys.exit(main())
