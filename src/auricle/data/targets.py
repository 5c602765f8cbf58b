"""What a network learns about clips, read off their labels and processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from auricle.core.traces import TRACES
from auricle.data.features import LabelledClip
from auricle.degrade.base import Process, parse_cascade
from auricle.degrade.bitrates import effective_bitrate
from auricle.degrade.codecs import CODECS

Floats = NDArray[np.float32]
PATCH_SECONDS = 0.6
_SAMPLE_RATE = 48000
_LOSSY = {*CODECS, "alaw", "adpcm"}

LabelScale = Callable[[NDArray[np.float64]], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Quality 0..1 of clips, `[clip]`, and its course over time, `[clip, part]`.

    The parts are ViSQOL's patches: each of `PATCH_SECONDS`, the first half as long after the start.

    `traces` `[clip, trace, 2]` says of each of `auricle.core.traces.TRACES` whether it is in the
    history of the clip (1, 0, or NaN where nobody can know), and the log2 of its lowest bit/s per
    channel or Hz (NaN: none).
    """

    quality: Floats
    course: Floats
    traces: Floats


def find_targets(clips: Sequence[LabelledClip], scale: LabelScale) -> Targets:
    """Return the targets of clips, whose labels `scale` brings to 0..1."""
    quality = scale(np.array([clip.label for clip in clips], dtype=np.float64))
    traces = np.stack([_traces(clip) for clip in clips])
    return Targets(quality, _courses(clips, quality), traces)


def _courses(clips: Sequence[LabelledClip], quality: Floats) -> Floats:
    """Quality over time: a label moved up and down with the similarity of its parts.

    How far follows from the training clips: quality as a monotone function of similarity. Where
    a clip has no similarities its quality is taken for constant.
    """
    parts = max((len(clip.similarity) for clip in clips), default=0)
    known = np.array([len(clip.similarity) == parts > 0 for clip in clips])
    course = np.repeat(quality[:, None], max(parts, 1), axis=1)
    trained = np.array([clip.split == "train" for clip in clips])[known]
    if not trained.any():
        return course
    similarity = np.array([clip.similarity for clip in clips if len(clip.similarity) == parts > 0])
    means = similarity[trained].mean(axis=1)
    order = np.argsort(means, kind="stable")
    rising = isotonic_regression(quality[known][trained][order]).x
    local = np.interp(similarity, means[order], rising)
    moved = quality[known][:, None] + local - local.mean(axis=1, keepdims=True)
    course[known] = np.clip(moved, 0.0, 1.0)
    return course


def _traces(clip: LabelledClip) -> Floats:
    processes = parse_cascade(clip.process)
    found = np.full((len(TRACES), 2), np.nan, dtype=np.float32)
    for index, trace in enumerate(TRACES):
        matching = [
            process
            for process in processes
            if _trace_of(process) == trace or (trace == "lossy" and process.kind in _LOSSY)
        ]
        # Recordings that were coded before they came to us leave traces of their own, or none.
        unknown = clip.kbps is not None and trace in ("lossy", "vorbis")
        found[index, 0] = 1.0 if matching else np.nan if unknown else 0.0
        rates = [
            _rate(process, clip.channels) for process in matching if _trace_of(process) in TRACES
        ]
        if rates:
            found[index, 1] = np.log2(min(rates))
    return found


def _trace_of(process: Process) -> str:
    """What a process leaves traces of; an anchor and a lower sample rate those of a low-pass."""
    return "lowpass" if process.kind in ("anchor", "resample") else process.kind


def _rate(process: Process, channels: int) -> float:
    """Bit/s per channel that the encoder was set to, or the cutoff in Hz."""
    if process.kind == "resample":
        return process.value / 2.0
    if process.kind not in CODECS:
        return float(process.value)
    return effective_bitrate(process.kind, process.value, _SAMPLE_RATE, channels) / channels
