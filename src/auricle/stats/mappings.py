"""Mappings from what a metric says to the scale of the ratings, by name: all of them rise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression, least_squares
from scipy.special import expit

from auricle.core.errors import ConfigError, DataError
from auricle.stats.cubic_mapping import fit_cubic
from auricle.stats.vectors import Vector, matched_vectors

MappingKind = Literal["none", "linear", "cubic", "logistic", "isotonic"]
# Degrees of freedom that a mapping takes (ITU-T P.1401); those of an isotonic one depend on the
# data. Without a mapping one is taken, as of a standard deviation.
DEGREES: Mapping[MappingKind, int | None] = {
    "none": 1,
    "linear": 2,
    "cubic": 4,
    "logistic": 4,
    "isotonic": None,
}
# A logistic is searched from a step to nearly a straight line, in standard deviations of x.
_WIDTHS = np.geomspace(0.02, 20.0, 13)
_CENTRES = 25


class FittedMapping(Protocol):
    """A mapping fitted on pairs of values and ratings."""

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the mapped values of `x`, of any shape; NaN stays NaN."""
        ...


@dataclass(frozen=True, slots=True)
class IdentityMapping:
    """What leaves values as they are, for metrics that speak on the ratings' scale."""

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the values of `x`."""
        return np.asarray(x, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class LinearMapping:
    """A straight line, `intercept + slope x`, also beyond what it was fitted on."""

    intercept: float
    slope: float

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the mapped values of `x`, of any shape; NaN stays NaN."""
        return np.asarray(self.intercept + self.slope * np.asarray(x, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class LogisticMapping:
    """An S from `low` to `high`, half way at `centre`: `low + (high - low) / (1 + e^-z)`.

    `z = (x - centre) / width`. Source: the four-parameter logistic of the Video Quality Experts
    Group, "Final report on the validation of objective models of video quality assessment", 2000.
    """

    low: float
    high: float
    centre: float
    width: float

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the mapped values of `x`, of any shape; NaN stays NaN."""
        z = (np.asarray(x, dtype=np.float64) - self.centre) / self.width
        return np.asarray(self.low + (self.high - self.low) * expit(z))


@dataclass(frozen=True, slots=True)
class IsotonicMapping:
    """Straight lines between the knots `x` and `y`, none of which falls, and flat outside."""

    x: tuple[float, ...]
    y: tuple[float, ...]

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the mapped values of `x`, of any shape; NaN stays NaN."""
        return np.asarray(np.interp(np.asarray(x, dtype=np.float64), self.x, self.y))


def fit_mapping(kind: MappingKind, x: ArrayLike, y: ArrayLike) -> FittedMapping:
    """Fit the rising mapping from values `x` `[item]` to ratings `y` `[item]`, closest in squares.

    "none" leaves values as they are; "linear" is a line, "cubic" the monotone cubic of
    `auricle.stats.cubic_mapping.fit_cubic`, "logistic" an S of four parameters, "isotonic" anything
    that never falls (`scipy.optimize.isotonic_regression`). Distances are negated first.

    Raises `DataError` for too few different values (two for a line, four for cubic and logistic),
    constant ratings, arrays that do not match, values that are not finite, and when no rising
    mapping beats a constant; `ConfigError` for an unknown kind.

    >>> fit_mapping("linear", [1, 2, 3], [10, 30, 50]).apply([0.0, 4.0]).round(6).tolist()
    [-10.0, 70.0]
    """
    if kind not in get_args(MappingKind):
        raise ConfigError(f"no mapping {kind!r}: there are {', '.join(get_args(MappingKind))}")
    if kind == "none":
        return IdentityMapping()
    if kind == "cubic":
        return fit_cubic(x, y)
    least = 4 if kind == "logistic" else 2
    first, second = matched_vectors(x, y, least=least)
    if np.unique(first).size < least:
        raise DataError(f"a {kind} mapping needs {least} different values of x")
    return _FITS[kind](first, second)


def _fit_linear(x: Vector, y: Vector) -> LinearMapping:
    deviations = x - x.mean()
    slope = float(deviations @ (y - y.mean()) / (deviations @ deviations))
    if not slope > 0.0:
        raise _no_better("line")
    return LinearMapping(float(y.mean() - slope * x.mean()), slope)


def _fit_logistic(x: Vector, y: Vector) -> LogisticMapping:
    """Search centre and width; both ends follow from them by least squares."""
    middle, spread = float(x.mean()), float(x.std())
    z = (x - middle) / spread
    y_middle, y_spread = float(y.mean()), float(y.std())
    rating = (y - y_middle) / (y_spread or 1.0)
    centres = np.linspace(z.min(), z.max(), _CENTRES)
    grid = np.array([(c, np.log(w)) for c in centres for w in _WIDTHS])
    errors = np.square(_residuals(grid, z, rating)).sum(axis=1)

    def leave(at: Vector) -> Vector:
        return np.asarray(_residuals(at[None], z, rating)[0])

    found = least_squares(
        leave,
        grid[errors.argmin()],
        bounds=([z.min() - 3.0, np.log(_WIDTHS[0]) - 1e-6], [z.max() + 3.0, np.log(_WIDTHS[-1])]),
    )
    at = found.x if 2.0 * found.cost < errors.min() else grid[errors.argmin()]
    low, rise = (ends[0] * y_spread for ends in _ends(_shape(at[None], z), rating))
    if not rise > 0.0:
        raise _no_better("logistic")
    centre, width = middle + spread * float(at[0]), spread * float(np.exp(at[1]))
    return LogisticMapping(y_middle + float(low), y_middle + float(low + rise), centre, width)


def _fit_isotonic(x: Vector, y: Vector) -> IsotonicMapping:
    # Items of equal values get their mean.
    knots, places, counts = np.unique(x, return_inverse=True, return_counts=True)
    means = np.bincount(places, weights=y) / counts
    found = isotonic_regression(means, weights=counts.astype(np.float64)).x
    if not found[-1] > found[0]:
        raise _no_better("isotonic mapping")
    return IsotonicMapping(tuple(knots.tolist()), tuple(found.tolist()))


_FITS: Mapping[MappingKind, Callable[[Vector, Vector], FittedMapping]] = {
    "linear": _fit_linear,
    "logistic": _fit_logistic,
    "isotonic": _fit_isotonic,
}


def _shape(grid: NDArray[np.float64], z: Vector) -> NDArray[np.float64]:
    """Return logistics from 0 to 1, `[place, item]`, of `[place, (centre, log width)]`."""
    return np.asarray(expit((z - grid[:, :1]) / np.exp(grid[:, 1:])))


def _ends(shape: NDArray[np.float64], rating: Vector) -> tuple[Vector, Vector]:
    """Return the lower end and the rise, no less than 0, that fit best, each `[place]`."""
    deviations = shape - shape.mean(axis=1, keepdims=True)
    squares = np.square(deviations).sum(axis=1)
    rise = np.maximum(deviations @ rating, 0.0) / np.where(squares > 0.0, squares, 1.0)
    return rating.mean() - rise * shape.mean(axis=1), rise


def _residuals(grid: NDArray[np.float64], z: Vector, rating: Vector) -> NDArray[np.float64]:
    shape = _shape(grid, z)
    low, rise = _ends(shape, rating)
    return low[:, None] + rise[:, None] * shape - rating


def _no_better(what: str) -> DataError:
    return DataError(
        f"no rising {what} is closer to the ratings than their mean: does the metric fall with"
        " quality?"
    )
