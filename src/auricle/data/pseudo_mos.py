"""A stand-in for listeners' opinion of speech, from reference metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from auricle.core.errors import DataError
from auricle.data.pair_plan import PairClip
from auricle.data.rated import RatedClip

AXIS = "mos"

# ITU-T P.862.2: from the raw score to MOS-LQO, which crowds all that is bad near 1.
_LOW, _SPAN, _SLOPE, _SHIFT = 0.999, 4.0, 1.3669, 3.8224
_RAW_WORST, _RAW_BEST = 1.0, 4.5


def estimate_mos(labels: Mapping[str, float]) -> float:
    """Return the opinion (1 to 5) that PESQ and Zimtohrli, half each, stand for.

    PESQ, which follows listeners best on noise and distortion, counts by its raw score (1 to 4.5
    and less or more), but hears no more than 7 kHz; Zimtohrli hears the whole band. `labels` are
    those of a pair: `pesq` as MOS-LQO, `zimtohrli` as MOS. Raises `DataError` when one is missing.

    >>> estimate_mos({"pesq": 4.644, "zimtohrli": 5.0}), estimate_mos({"pesq": 1, "zimtohrli": 2})
    (5.0, 1.5)
    """
    if missing := sorted({"pesq", "zimtohrli"} - labels.keys()):
        raise DataError(f"no label {' and '.join(missing)}: have the pairs labelled by both")
    share = (labels["pesq"] - _LOW) / _SPAN
    raw = _RAW_WORST
    if share > 0.0:
        raw = (_SHIFT - math.log(1.0 / share - 1.0)) / _SLOPE
    raw = min(_RAW_BEST, max(_RAW_WORST, raw))
    heard = 1.0 + 4.0 * (raw - _RAW_WORST) / (_RAW_BEST - _RAW_WORST)
    return round(0.5 * (heard + min(5.0, max(1.0, labels["zimtohrli"]))), 4)


def rate_pairs(clips: Sequence[PairClip], name: str) -> list[RatedClip]:
    """Return the clips of a table of pairs with their estimated opinion; clean ones have the best.

    Ids begin with the `name` of the table, which tells its clips from those of others.

    Voices are what is not torn apart, and the system is the ladder, or the whole cascade. Clips
    that were not made are left out. Raises `DataError` when a clip lacks a label.
    """
    rated = []
    for clip in clips:
        if clip.error:
            continue
        try:
            mos = 5.0 if clip.clean else estimate_mos(clip.labels)
        except DataError as error:
            raise DataError(f"{clip.id}: {error}") from error
        rated.append(
            RatedClip(
                f"{name}/{clip.id}", clip.path, clip.split, clip.ladder or clip.process or "clean",
                clip.recording, clip.domain, {AXIS: (mos,)},
            )
        )  # fmt: skip
    return rated
