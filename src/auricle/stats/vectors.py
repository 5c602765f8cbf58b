"""Vectors that are safe to compute with, and the groups their items belong to."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.core.errors import DataError

Vector = NDArray[np.float64]
Labels = Sequence[Hashable] | NDArray[Any]

# Squares of larger values, or their sums, might overflow to infinity.
_LARGEST = 1e150


def finite_vector(values: ArrayLike, name: str = "values") -> Vector:
    """Return the values as float64 `[item]`.

    Raises `DataError` when they are not one-dimensional, empty, not real numbers, not finite, or
    beyond 1e150 in magnitude.

    >>> finite_vector([1, 2])
    array([1., 2.])
    """
    try:
        array = np.asarray(values)
        # Object arrays hold any Python numbers; other kinds must be real already, not text.
        casting: Literal["unsafe", "same_kind"]
        casting = "unsafe" if array.dtype == np.object_ else "same_kind"
        vector = array.astype(np.float64, casting=casting)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be real numbers: {error}") from error
    if vector.ndim != 1:
        raise DataError(f"{name} must be one-dimensional, not of shape {vector.shape}")
    if vector.size == 0:
        raise DataError(f"{name} must not be empty")
    if not np.isfinite(vector).all():
        where = np.flatnonzero(~np.isfinite(vector))
        raise DataError(f"{name} must be finite: {where.size} are not, the first at {where[0]}")
    if np.abs(vector).max() > _LARGEST:
        raise DataError(f"{name} must not exceed {_LARGEST:g} in magnitude")
    return vector


def matched_vectors(*arrays: ArrayLike, least: int = 1) -> tuple[Vector, ...]:
    """Return the arrays as float64 `[item]` vectors of one length, at least `least`.

    Raises `DataError` as `finite_vector` does, and when lengths differ or are too short.

    >>> matched_vectors([1, 2], [3, 4])
    (array([1., 2.]), array([3., 4.]))
    """
    vectors = tuple(finite_vector(array, f"array {place}") for place, array in enumerate(arrays, 1))
    lengths = [vector.size for vector in vectors]
    if len(set(lengths)) != 1:
        raise DataError(f"arrays must have one length, not {lengths}")
    if lengths[0] < least:
        raise DataError(f"at least {least} items are needed, not {lengths[0]}")
    return vectors


def number_groups(labels: Labels, items: int) -> tuple[tuple[Hashable, ...], NDArray[np.intp]]:
    """Return the distinct labels in order of appearance, and each item's place among them.

    `labels` is `[item]`. Raises `DataError` when it has not `items` entries, or one of them is
    missing (None or not a number).

    >>> number_groups(["b", "a", "b"], items=3)
    (('b', 'a'), array([0, 1, 0]))
    """
    entries: list[Hashable] = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    if len(entries) != items:
        raise DataError(f"{items} items need as many group labels, not {len(entries)}")
    places: dict[Hashable, int] = {}
    for place, entry in enumerate(entries):
        # NaN differs from itself, so each would make a group of its own.
        if entry is None or (isinstance(entry, (float, np.floating)) and np.isnan(entry)):
            raise DataError(f"the group label of item {place} is missing")
        places.setdefault(entry, len(places))
    return tuple(places), np.array([places[entry] for entry in entries], dtype=np.intp)
