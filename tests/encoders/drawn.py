"""Weights and signals that anybody can draw again from a seed, for comparisons with others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def draw_weights(
    shapes: Mapping[str, Sequence[int]], seed: int
) -> dict[str, NDArray[np.float32] | NDArray[np.int64]]:
    """Draw a network's weights by name, in alphabetical order, so that signals stay in size."""
    rng = np.random.default_rng(seed)
    weights: dict[str, NDArray[np.float32] | NDArray[np.int64]] = {}
    for name in sorted(shapes):
        shape = tuple(shapes[name])
        values = rng.standard_normal(shape)
        if name.endswith("num_batches_tracked"):
            weights[name] = np.array(7, dtype=np.int64)
            continue
        if name.endswith("running_var"):
            values = 0.5 + np.abs(values)
        elif len(shape) == 1 and name.endswith("weight"):
            values = 1.0 + 0.2 * values
        elif len(shape) > 1:
            values = values / math.sqrt(math.prod(shape[1:]))
        else:
            values = 0.2 * values
        weights[name] = values.astype(np.float32)
    return weights


def draw_music(seconds: float, rate: int, seed: int) -> NDArray[np.float32]:
    """Draw four decaying notes over a little noise: something with a spectrum that moves."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    sound = 0.01 * rng.standard_normal(time.size)
    for start, note in zip(
        np.linspace(0.0, 0.75 * seconds, 4), rng.uniform(80, 4000, 4), strict=True
    ):
        since = np.maximum(time - start, 0.0)
        sound += 0.2 * (time >= start) * np.exp(-3.0 * since) * np.sin(2 * np.pi * note * since)
    return sound.astype(np.float32)
