"""What is known of pairs, as columns: labels, and which clips may be compared by them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from auricle.data.pair_plan import PairClip
from auricle.degrade.base import parse_cascade
from auricle.degrade.bitrates import effective_bitrate
from auricle.degrade.codecs import CODECS
from auricle.stats.consensus import fit_consensus
from auricle.training.distance_recipe import Within

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

# Of pairs, in Hz.
_SAMPLE_RATE = 48000
# What each metric says of a clip that is its reference.
IDENTITY: Final[Mapping[str, float]] = {
    "visqol": 4.732,
    "zimtohrli": 5.0,
    "log_spectral": 0.0,
    "pesq": 4.644,
    "stoi": 1.0,
}
# Whether higher is better: distances from the reference are 0 for itself, ratings at their best.
DIRECTION: Final[Mapping[str, float]] = {
    "consensus": 1.0,
    **{name: 1.0 if best > 0.0 else -1.0 for name, best in IDENTITY.items()},
}


class Comparison(NamedTuple):
    """Clips to compare: their places in a batch, and the number of the group that each is in.

    `[member]` both; a clean clip is a member of as many groups as it is the reference of.
    """

    places: Rows
    groups: Rows


@dataclass(frozen=True, slots=True, eq=False)
class PairLabels:
    """Columns `[clip]`; a label that is missing is NaN, and so is a rung or bitrate.

    `excerpts`, `domains`, `codecs` and `ladders` number those of each clip, -1 where it has none.
    Clean clips have the best label of every metric, consensus 1, rung 0 and an infinite bitrate.
    Beside the labels there is `consensus_mos`, the consensus on ViSQOL's scale, where ViSQOL was
    asked.
    """

    columns: Mapping[str, Floats]
    clean: NDArray[np.bool_]
    excerpts: Rows
    domains: Rows
    codecs: Rows
    ladders: Rows

    def compare(self, rows: Rows, within: Within | None) -> Comparison:
        """Return which of the clips `rows` of a batch may be compared with each other."""
        everyone = np.arange(rows.size, dtype=np.int64)
        if within is None:
            return Comparison(everyone, np.zeros_like(everyone))
        if within == "domain":
            return Comparison(everyone, self.domains[rows])
        numbers = (self.codecs if within == "codec" else self.ladders)[rows]
        members = []
        for number in np.unique(numbers[numbers >= 0]):
            inside = numbers == number
            clean = self.clean[rows]
            if within == "ladder":
                clean = clean & np.isin(self.excerpts[rows], self.excerpts[rows][inside])
            places = everyone[inside | clean]
            members.append(np.stack([places, np.full_like(places, number)]))
        found = np.concatenate(members, axis=1) if members else np.zeros((2, 0), dtype=np.int64)
        return Comparison(found[0], found[1])


def label_pairs(clips: Sequence[PairClip]) -> PairLabels:
    """Return the columns of clips; consensus is fitted on those of the train split.

    Raises `DataError` when the train split has no labels, or a metric says the same of all of it.
    """
    clean = np.array([clip.clean for clip in clips])
    measured = {
        name: np.array([clip.labels.get(name, np.nan) for clip in clips]) for name in IDENTITY
    }
    training = np.array([clip.split == "train" for clip in clips]) & ~clean
    consensus = fit_consensus({n: column[training] for n, column in measured.items()}, IDENTITY)
    for name, column in measured.items():
        column[clean] = IDENTITY[name]
    coded = [find_codec(clip.process) for clip in clips]
    bitrates = [
        np.inf if clip.clean else rate for clip, (_, rate) in zip(clips, coded, strict=True)
    ]
    rungs = [0 if clip.clean else clip.rung if clip.ladder else np.nan for clip in clips]
    columns = {**measured}
    columns["consensus"] = consensus.apply(measured)
    if "visqol" in consensus.tables:
        columns["consensus_mos"] = consensus.express(columns["consensus"], "visqol")
    columns["bitrate"] = np.array(bitrates)
    columns["ladder"] = np.array(rungs, dtype=np.float64)
    return PairLabels(
        columns,
        clean,
        excerpts=_number([clip.excerpt for clip in clips]),
        domains=_number([clip.domain for clip in clips]),
        codecs=_number([codec for codec, _ in coded]),
        ladders=_number([(clip.excerpt, clip.ladder) if clip.ladder else None for clip in clips]),
    )


def find_codec(process: str) -> tuple[str | None, float]:
    """Return the codec and the bitrate (kbit/s) of a mono clip that was coded once and no more.

    The bitrate is the one that the encoder has, which may not be the one asked for.

    >>> find_codec("opus:32k"), find_codec("opus:32k+noise:30")
    (('opus', 32.0), (None, nan))
    """
    cascade = parse_cascade(process) if process else ()
    # What mp3vbr is given is a quality, not a bitrate.
    if len(cascade) != 1 or cascade[0].kind not in CODECS or cascade[0].kind == "mp3vbr":
        return None, float("nan")
    (coded,) = cascade
    return coded.kind, effective_bitrate(coded.kind, coded.value, _SAMPLE_RATE, 1) / 1000.0


def _number(names: Sequence[Hashable | None]) -> Rows:
    """Number names in order of appearance; None is -1."""
    numbers: dict[Hashable, int] = {}
    found = [-1 if name is None else numbers.setdefault(name, len(numbers)) for name in names]
    return np.array(found, dtype=np.int64)
