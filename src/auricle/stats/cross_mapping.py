"""Ratings predicted for items that the mapping has not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from auricle.core.errors import DataError
from auricle.stats.mappings import MappingKind, fit_mapping
from auricle.stats.vectors import Vector, finite_vector


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Ratings predicted for `[clip]` by mappings fitted without its item, and how many those were.

    `constant` of the `count` mappings were the mean of the other items' ratings.
    """

    count: int
    constant: int
    predicted: Vector


def map_by_item(
    values: ArrayLike, rating: ArrayLike, items: Sequence[str], kind: MappingKind = "cubic"
) -> Folds:
    """Map each item's values `[clip]` by a rising mapping that was fitted on all the others.

    Where no rising mapping is closer to the others' ratings than their mean, or they have too few
    different values for one, that mean is the prediction. What is no finite value is mapped to NaN.

    Raises `DataError` for ratings that are not finite and arrays that do not match, `ConfigError`
    for an unknown kind.

    >>> rating = np.arange(12.0)
    >>> folds = map_by_item(np.sqrt(rating), rating, list("aaabbbcccddd"))
    >>> folds.count, folds.constant, folds.predicted[3:9].round(1).tolist()
    (4, 0, [3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    """
    x, y = np.asarray(values, dtype=np.float64), finite_vector(rating, "ratings")
    names = np.asarray(items)
    if not x.shape == names.shape == y.shape:
        raise DataError(
            f"every clip takes a value, a rating and an item: there are {x.size}, {y.size} and"
            f" {names.size}"
        )
    there = np.isfinite(x)
    predicted = np.full(x.size, math.nan)
    folds = dict.fromkeys(names[there].tolist())
    constant = 0
    for name in folds:
        others = there & (names != name)
        own = there & (names == name)
        try:
            predicted[own] = fit_mapping(kind, x[others], y[others]).apply(x[own])
        except DataError:
            # Of a single item nothing is known but itself: a constant tells nothing apart.
            predicted[own] = y[others].mean() if others.any() else y[own].mean()
            constant += 1
    return Folds(len(folds), constant, predicted)
