"""A stand-in for listeners' opinion of speech, from reference metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import DataError
from auricle.data.pair_plan import PairClip
from auricle.data.rated import RatedClip
from auricle.signal.io import read_audio
from auricle.signal.spectra import LogMel, mel_edges

AXIS = "mos"

# ITU-T P.862.2: from the raw score to MOS-LQO, which crowds all that is bad near 1.
_LOW, _SPAN, _SLOPE, _SHIFT = 0.999, 4.0, 1.3669, 3.8224
_RAW_WORST, _RAW_BEST = 1.0, 4.5

# Loud and quiet moments of a band, and the bands that speech is in (Hz).
_QUIET, _LOUD = 5.0, 95.0
_SPOKEN = (100.0, 6000.0)
_FRONT_END = LogMel(n_fft=1536, hop=768, n_mels=96, range_db=90.0)


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
    share = min(1.0 - 1e-9, max(1e-9, (labels["pesq"] - _LOW) / _SPAN))
    raw = (_SHIFT - math.log(1.0 / share - 1.0)) / _SLOPE
    raw = min(_RAW_BEST, max(_RAW_WORST, raw))
    heard = 1.0 + 4.0 * (raw - _RAW_WORST) / (_RAW_BEST - _RAW_WORST)
    return round(0.5 * (heard + min(5.0, max(1.0, labels["zimtohrli"]))), 4)


def measure_dynamics(audio: Audio) -> float:
    """Return by how many dB the middle one of the bands of speech falls from loud to quiet moments.

    Noise and reverberation fill what is between sounds. `audio` is mono at 48 kHz.

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(0.0, 0.1, 96000)
    >>> measure_dynamics(Audio.from_array(noise, 48000)) < 20.0
    True
    """
    log_mel = _FRONT_END(audio.samples[0])
    centres = mel_edges(_FRONT_END.sample_rate, _FRONT_END.n_mels)[1:-1]
    spoken = log_mel[:, (centres > _SPOKEN[0]) & (centres < _SPOKEN[1])]
    quiet, loud = np.percentile(spoken, (_QUIET, _LOUD), axis=0)
    return float(_FRONT_END.range_db * np.median(loud - quiet))


def keep_clean(clips: Sequence[PairClip], folder: Path, dynamics: float) -> list[PairClip]:
    """Return the clips whose reference, a file in `folder`, has at least such dynamics (dB).

    A label tells what was lost since the reference. Where that is noisy itself, nobody who hears
    the clip alone could know. Raises `DataError` when none is left, and what reading one raises.
    """
    known: dict[str, bool] = {}
    for clip in clips:
        if not clip.error and clip.reference not in known:
            heard = read_audio(folder / clip.reference, sample_rate=_FRONT_END.sample_rate).mono()
            known[clip.reference] = measure_dynamics(heard) >= dynamics
    kept = [clip for clip in clips if known.get(clip.reference, False)]
    if not kept:
        raise DataError(f"no original in {folder} falls by {dynamics:g} dB: ask for less dynamics")
    return kept


def rate_pairs(clips: Sequence[PairClip], name: str) -> list[RatedClip]:
    """Return the clips of a table of pairs with their estimated opinion; clean ones have the best.

    Ids begin with the `name` of the table, which tells its clips from those of others. The
    recording is the voice, which stays in one split, and the system the ladder, or the whole
    cascade. Clips that were not made are left out. Raises `DataError` when a clip lacks a label.
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
