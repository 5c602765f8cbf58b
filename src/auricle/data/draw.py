"""Drawing clips of near-uniform quality from a pool far too large to label.

Step 7 of Kasperuk and Zielinski (2024, III.B) draws 13,000 clips of about equally frequent
labels from 64,960. Most of a pool sounds nearly transparent, so labelling all of it to throw most
away is waste. Instead a simple random pilot is labelled; a forest of trees learns from it to guess
a label from the processes and the reference's long-term spectrum; and the rest is drawn at random
within strata of equal guess, more from those that promise rare labels.

A guess decides only how many clips of its stratum are drawn, never which, and every drawn clip
carries the probability with which it was. Weighted by its inverse, the clips stand for the whole
pool (Horvitz and Thompson, 1952), whatever the guesses were worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from auricle.core.errors import MissingDependencyError
from auricle.data.manifest import Clip
from auricle.degrade.base import parse_cascade
from auricle.degrade.processes import DEFECTS, PROCESSES

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

EDGES: Final = np.arange(1.0, 5.01, 0.25)
"""Edges of the label's bins: a quarter of a mean opinion score each."""

_STRATA: Final = np.arange(1.0, 5.01, 0.125)
_NEIGHBOURS: Final = 80
# The highest value of each kind that `draw_cascade` or `draw_defect` may draw.
_TOPS: Final = {
    kind: max(p.value for p in PROCESSES.values() if p.kind == kind)
    for kind in dict.fromkeys(p.kind for p in PROCESSES.values())
} | {kind: high for kind, (_, high) in DEFECTS.items()}
_KINDS: Final = tuple(_TOPS)


class Guess:
    """A cheap guess of labels, learned from clips that have one.

    `spectra` gives each reference's long-term spectrum, `[band]`, by its path. Raises
    `MissingDependencyError` without scikit-learn.
    """

    def __init__(self, labelled: Sequence[Clip], spectra: Mapping[str, Floats]) -> None:
        try:
            from sklearn.ensemble import ExtraTreesRegressor
        except ImportError as error:
            raise MissingDependencyError("scikit-learn", extra="train") from error
        self._spectra = spectra
        self._forest: Any = ExtraTreesRegressor(
            300, min_samples_leaf=2, max_features=0.4, bootstrap=True, oob_score=True,
            random_state=0,
        )  # fmt: skip
        self._labels = _labels(labelled)
        self._forest.fit(self._features(labelled), self._labels)
        self._unseen = np.asarray(self._forest.oob_prediction_)
        self._learned = {c.id: value for c, value in zip(labelled, self._unseen, strict=True)}

    def __call__(self, clips: Sequence[Clip]) -> Floats:
        """Return the guessed label of each clip, by trees that didn't learn from that clip."""
        if not clips:
            return np.zeros(0)
        guesses = self._forest.predict(self._features(clips))
        return np.array([self._learned.get(c.id, g) for c, g in zip(clips, guesses, strict=True)])

    def chances(self, guesses: Floats) -> Floats:
        """Return how likely each label bin is, `[guess, bin]`, given guesses.

        Read off the errors that the forest made, out of bag, at the most similar guesses.
        """
        nearest = np.argsort(np.abs(guesses[:, None] - self._unseen[None]), axis=1)[:, :_NEIGHBOURS]
        likely = guesses[:, None] + (self._labels - self._unseen)[nearest]
        bins = bin_of(likely)
        return np.stack([(bins == b).mean(axis=1) for b in range(len(EDGES) - 1)], axis=1)

    def _features(self, clips: Sequence[Clip]) -> Floats:
        return np.array([self._describe(clip) for clip in clips])

    def _describe(self, clip: Clip) -> Floats:
        processes = parse_cascade(clip.process)
        facts = np.zeros(2 * len(_KINDS) + 4)
        for index, kind in enumerate(_KINDS):
            values = [p.value for p in processes if p.kind == kind]
            facts[index] = np.log2(min(values) / _TOPS[kind]) if values else 1.0
            facts[len(_KINDS) + index] = len(values)
        for place, process in enumerate(processes[:2]):
            facts[2 * len(_KINDS) + 2 * place] = 1 + _KINDS.index(process.kind)
            facts[2 * len(_KINDS) + 2 * place + 1] = np.log2(process.value / _TOPS[process.kind])
        return np.concatenate([facts, self._spectra[clip.reference]])


def bin_of(labels: Floats) -> Counts:
    """Return the bin of each label, as an index into the intervals of `EDGES`.

    >>> bin_of(np.array([1.0, 1.3, 5.0])).tolist()
    [0, 1, 15]
    """
    return np.clip(np.digitize(labels, EDGES) - 1, 0, len(EDGES) - 2)


def draw_pilot(clips: Sequence[Clip], share: float, rng: np.random.Generator) -> list[Clip]:
    """Draw a share of the clips simply at random, in the order of the pool."""
    size = max(1, round(share * len(clips)))
    chosen = np.sort(rng.choice(len(clips), size=size, replace=False))
    return [clips[index] for index in chosen.tolist()]


def fill_evenly(capacity: Floats, total: float) -> Floats:
    """Return counts per bin that add up to `total`, all equal where the capacity allows.

    >>> fill_evenly(np.array([2.0, 100.0, 100.0]), 22).tolist()
    [2.0, 10.0, 10.0]
    """
    counts = np.zeros_like(capacity)
    order = np.argsort(capacity)
    left = min(total, float(capacity.sum()))
    for place, index in enumerate(order):
        counts[index] = min(capacity[index], left / (len(order) - place))
        left -= counts[index]
    return counts


def plan_draw(
    waiting: Sequence[Clip],
    pilot: Sequence[Clip],
    guess: Guess,
    total: int,
    *,
    surplus: float = 1.08,
) -> dict[int, float]:
    """Say which share of each stratum of `waiting` clips to draw, so that `total` may be uniform.

    What the pilot holds already is reckoned in, and `surplus` allows for what the guesses will
    miss. Strata without a share are left to the pilot, as are all where no clip is waiting.
    """
    if not waiting:
        return {}
    guesses = guess(waiting)
    strata, sizes = np.unique(_stratum_of(guesses), return_counts=True)
    centres = np.array([guesses[_stratum_of(guesses) == s].mean() for s in strata])
    chances = guess.chances(centres)
    have = np.bincount(bin_of(_labels(pilot)), minlength=len(EDGES) - 1).astype(float)
    target = fill_evenly(have + sizes @ chances, surplus * total)
    solution = lsq_linear(
        chances.T, np.maximum(target - have, 0.0), bounds=(0.0, sizes.astype(float))
    )
    counts = np.minimum(sizes, np.round(solution.x))
    return {
        int(s): float(count / size) for s, count, size in zip(strata, counts, sizes, strict=True)
    }


def draw_strata(
    waiting: Sequence[Clip], guess: Guess, shares: Mapping[int, float], rng: np.random.Generator
) -> list[Clip]:
    """Draw the planned share of each stratum at random, in the order of the pool."""
    strata = _stratum_of(guess(waiting))
    chosen: list[int] = []
    for key in sorted(shares):
        members = np.flatnonzero(strata == key)
        count = round(shares[key] * members.size)
        chosen += rng.choice(members, size=count, replace=False).tolist()
    return [waiting[index] for index in sorted(chosen)]


def chances_of(
    clips: Sequence[Clip], guess: Guess, shares: Mapping[int, float], pilot: float
) -> Floats:
    """Return with which chance each clip was drawn, in the pilot or after it, `[clip]`."""
    later = np.array([shares.get(int(key), 0.0) for key in _stratum_of(guess(clips))])
    return pilot + (1.0 - pilot) * later


def _stratum_of(guesses: Floats) -> Counts:
    return np.digitize(guesses, _STRATA)


def thin(clips: Sequence[Clip], total: int, rng: np.random.Generator) -> dict[str, float]:
    """Keep `total` clips of labels as uniform as they come: the share kept of its bin, by id.

    >>> clip = Clip("a", "r", "s", "r.flac", "train", "", "a.flac", label=3.0)
    >>> thin([clip], 1, np.random.default_rng(0))
    {'a': 1.0}
    """
    bins = bin_of(_labels(clips))
    counts = np.bincount(bins, minlength=len(EDGES) - 1)
    wanted = _whole(fill_evenly(counts.astype(float), float(total)))
    kept: dict[str, float] = {}
    for key in np.flatnonzero(counts):
        members = np.flatnonzero(bins == key)
        for index in np.sort(rng.choice(members, size=wanted[key], replace=False)).tolist():
            kept[clips[index].id] = float(wanted[key] / counts[key])
    return kept


def _whole(counts: Floats) -> Counts:
    """Round to whole counts of the same sum: the largest remainders are rounded up."""
    floor = np.floor(counts + 1e-9)
    missing = round(float(counts.sum() - floor.sum()))
    floor[np.argsort(floor - counts)[:missing]] += 1
    return floor.astype(np.int64)


def _labels(clips: Sequence[Clip]) -> Floats:
    return np.array([clip.label for clip in clips], dtype=np.float64)
