"""How good ratings are on a part of the clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import DataError
from auricle.data.rated import RatedClip
from auricle.stats.performance import Agreement, agree
from auricle.systems.fusion_config import Axis, AxisName
from auricle.training.fusion_recipe import ClipChoice

Ratings = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Agreement with the labels on each axis, and of the axes' mean where all share one scale."""

    axes: Mapping[AxisName, Agreement]
    composite: Agreement | None

    @property
    def srcc(self) -> float:
        """What models are ranked by: SRCC of the composite, or else the mean of the axes'."""
        if self.composite is not None:
            return self.composite.srcc.value
        return float(np.mean([found.srcc.value for found in self.axes.values()]))


def choose_rows(clips: Sequence[RatedClip], choice: ClipChoice) -> NDArray[np.int64]:
    """Return the rows of a part of the clips; raises `DataError` when it is empty."""
    rows = [
        row
        for row, clip in enumerate(clips)
        if clip.split == choice.split
        and (not choice.datasets or dataset(clip) in choice.datasets)
        and (not choice.domains or clip.domain in choice.domains)
    ]
    if not rows:
        wanted = ", ".join((*choice.datasets, *choice.domains))
        of = f" of {wanted}" if wanted else ""
        raise DataError(f"no clip{of} in the {choice.split} split could be heard")
    return np.array(rows, dtype=np.int64)


def dataset(clip: RatedClip) -> str:
    """Return the data set that a clip is of: the folder where its path begins, if there is one.

    >>> dataset(RatedClip("a", "PAM/human_eval/a.wav", "train"))
    'PAM'
    """
    folder, _, file = clip.path.partition("/")
    return folder if file else ""


def judge(
    axes: Sequence[Axis],
    clips: Sequence[RatedClip],
    ratings: Ratings,
    labels: Ratings,
    level: str,
    resamples: int,
) -> Judgement:
    """Return how well ratings agree with labels, both `[clip, axis]`; NaN labels don't count.

    Intervals resample recordings at utterance level and generating systems at system level.
    """
    found = {
        axis.name: _agree(clips, ratings[:, place], labels[:, place], level, resamples)
        for place, axis in enumerate(axes)
    }
    if len(axes) == 1 or len({(axis.low, axis.high) for axis in axes}) > 1:
        return Judgement(found, None)
    composite = _agree(clips, ratings.mean(axis=1), labels.mean(axis=1), level, resamples)
    return Judgement(found, composite)


def _agree(
    clips: Sequence[RatedClip], rating: Ratings, label: Ratings, level: str, resamples: int
) -> Agreement:
    rated = np.flatnonzero(np.isfinite(label))
    chosen = [clips[row] for row in rated.tolist()]
    if level == "system":
        systems = [clip.system for clip in chosen]
        found = agree(rating[rated], label[rated], systems, resamples=resamples).system
        if found is None:
            raise DataError("the clips name no systems")
        return found
    groups = [clip.recording or clip.id for clip in chosen]
    return agree(rating[rated], label[rated], groups=groups, resamples=resamples).utterance
