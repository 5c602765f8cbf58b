"""ViSQOL's search for the degraded patch that belongs to each reference patch.

visqol-python measures the similarity (NSIM) of every reference patch with every degraded patch,
one pair after the other. Patches that start at successive frames share all but two of their local
means and variances, so those are computed once per frame, and the pairs of one reference patch
fill the vector registers. The sums run in the same order, hence the same bits.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from visqol.nsim import C1, C3, GAUSSIAN_WINDOW

_Array = NDArray[np.float64]

PATCH: Final = 30
_REACH: Final = 60 * PATCH


class Match(NamedTuple):
    """The frame of the degraded recording a patch is compared with, and whether it was lost."""

    frame: int
    lost: bool


def match_patches(reference: _Array, degraded: _Array, starts: list[int]) -> list[Match]:
    """Return where in `degraded` each reference patch is found.

    The spectrograms are `[band, frame]` in dB, `starts` the first frames of the reference patches.
    The list is shorter than `starts` where the degraded recording ends early.
    """
    frames = degraded.shape[1]
    starts = [start for start in starts if start - math.floor(PATCH / 2) <= frames]
    if not starts:
        return []
    padded = np.pad(degraded, ((0, 0), (0, PATCH)))
    begin = np.array(starts)
    similarity: _Array = _similarities(
        reference, padded, begin, frames, PATCH, GAUSSIAN_WINDOW, C1, C3
    )
    return _best_path(similarity, begin)


def patch_at(spectrogram: _Array, start: int) -> _Array:
    """Return the 30 frames from `start`, zeros after the end."""
    patch = np.zeros((spectrogram.shape[0], PATCH))
    part = spectrogram[:, start : start + PATCH]
    patch[:, : part.shape[1]] = part
    return patch


def _best_path(similarity: _Array, starts: NDArray[np.int_]) -> list[Match]:
    """Order-preserving choice of one column per row with the greatest sum.

    A row that adds less than nothing is lost: it takes the column of the row before.
    """
    frames = similarity.shape[1]
    columns = np.arange(frames)
    before: list[NDArray[np.int_]] = []
    total = np.zeros(frames)
    for row, start in enumerate(starts):
        inside = np.abs(columns - start) <= _REACH
        if row == 0:
            score, source = similarity[0], np.full(frames, -1)
        else:
            reachable = np.where(columns >= starts[row - 1] - _REACH, total, -np.inf)
            # The rightmost of equals, among the columns to the left.
            best = np.maximum.accumulate(reachable)
            at = np.maximum.accumulate(np.where(reachable == best, columns, -1))
            score = similarity[row] + np.concatenate(([-1e308], best[:-1]))
            source = np.concatenate(([-1], at[:-1]))
            lost = total > score
            score, source = np.where(lost, total, score), np.where(lost, columns, source)
        total = np.where(inside, score, 0.0)
        before.append(np.where(inside, source, -1))
    inside = np.abs(columns - starts[-1]) <= _REACH
    column = int(np.argmax(np.where(inside, total, -np.inf)))
    path: list[Match] = []
    for source in reversed(before):
        path.append(Match(column, bool(source[column] == column)))
        column = int(source[column])
    return path[::-1]


@njit(cache=True, error_model="numpy")
def _local(matrix: _Array, weights: _Array) -> tuple[_Array, _Array]:
    """Local mean and variance, `[edge, row, column]`: at a patch's first, inner or last column.

    A patch repeats its edges, so its first column sees itself in place of its left neighbour.
    """
    rows, columns = matrix.shape
    mean = np.empty((3, rows, columns))
    variance = np.empty((3, rows, columns))
    for edge in range(3):
        for row in range(rows):
            for column in range(columns):
                total = 0.0
                squares = 0.0
                for i in range(3):
                    y = min(max(row + i - 1, 0), rows - 1)
                    for j in range(3):
                        x = min(max(column + j - 1, 0), columns - 1)
                        if (edge == 0 and j == 0) or (edge == 2 and j == 2):
                            x = column
                        value = matrix[y, x]
                        total += weights[i, j] * value
                        squares += weights[i, j] * (value * value)
                mean[edge, row, column] = total
                variance[edge, row, column] = squares - total * total
    return mean, variance


@njit(cache=True, error_model="numpy")
def _similarities(
    reference: _Array,
    degraded: _Array,
    starts: NDArray[np.int_],
    frames: int,
    width: int,
    weights: _Array,
    c1: float,
    c3: float,
) -> _Array:
    """NSIM of every reference patch with the degraded patch at every frame, `[patch, frame]`."""
    rows = reference.shape[0]
    reference_mean, reference_variance = _local(reference, weights)
    degraded_mean, degraded_variance = _local(degraded, weights)
    out = np.zeros((starts.size, frames))
    band = np.empty(frames)
    w = weights
    for patch in range(starts.size):
        for row in range(rows):
            up, down = max(row - 1, 0), min(row + 1, rows - 1)
            band[:] = 0.0
            for column in range(width):
                edge = 0 if column == 0 else 2 if column == width - 1 else 1
                left, right = max(column - 1, 0), min(column + 1, width - 1)
                start = starts[patch]
                r00, r01, r02 = (
                    reference[up, start + left],
                    reference[up, start + column],
                    reference[up, start + right],
                )
                r10, r11, r12 = (
                    reference[row, start + left],
                    reference[row, start + column],
                    reference[row, start + right],
                )
                r20, r21, r22 = (
                    reference[down, start + left],
                    reference[down, start + column],
                    reference[down, start + right],
                )
                mean_r = reference_mean[edge, row, start + column]
                variance_r = reference_variance[edge, row, start + column]
                for frame in range(frames):
                    cross = w[0, 0] * (r00 * degraded[up, frame + left])
                    cross += w[0, 1] * (r01 * degraded[up, frame + column])
                    cross += w[0, 2] * (r02 * degraded[up, frame + right])
                    cross += w[1, 0] * (r10 * degraded[row, frame + left])
                    cross += w[1, 1] * (r11 * degraded[row, frame + column])
                    cross += w[1, 2] * (r12 * degraded[row, frame + right])
                    cross += w[2, 0] * (r20 * degraded[down, frame + left])
                    cross += w[2, 1] * (r21 * degraded[down, frame + column])
                    cross += w[2, 2] * (r22 * degraded[down, frame + right])
                    mean_d = degraded_mean[edge, row, frame + column]
                    product = mean_r * mean_d
                    intensity = (2.0 * product + c1) / (mean_r * mean_r + mean_d * mean_d + c1)
                    spread = variance_r * degraded_variance[edge, row, frame + column]
                    structure = (cross - product + c3) / (np.sqrt(max(spread, 0.0)) + c3)
                    band[frame] += intensity * structure
            for frame in range(frames):
                out[patch, frame] += band[frame] / width
    out /= rows
    return out
