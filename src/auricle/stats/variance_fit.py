"""Variances of crossed random effects by restricted maximum likelihood, where some may be 0.

The deviance is a function of the ratios of standard deviations to that of the rest alone: means and
the rest's variance follow from them. Products of the design are taken once, so a step costs nothing
that grows with the number of ratings.

Source: D. Bates et al., "Fitting Linear Mixed-Effects Models Using lme4", Journal of Statistical
Software 67 (2015), section 3; A. Kuznetsova et al., "lmerTest Package", Journal of Statistical
Software 82 (2017), section 2 (Satterthwaite's degrees of freedom).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

from auricle.core.errors import DataError
from auricle.stats.vectors import Vector

Matrix = NDArray[np.float64]
Places = NDArray[np.intp]

# Steps of central differences of the deviance, whose rounding noise is about 1e-12 of it.
_STEP = 1e-4
_CURVATURE_STEP = 1e-3
# A ratio below this is at its boundary, 0.
_BOUNDARY = 1e-3
# Of the deviance per unit of such a ratio: far less than what moves a variance visibly.
_FLAT = 1e-2
# Of the variance: what is less comes from rounding, and stopped the search where it should not end.
_LEAST_REST = 1e-7


@dataclass(frozen=True, slots=True)
class VarianceFit:
    """Means `[group]`, variances `[factor + rest]`, and how sure both are.

    `covariance` is that of the means, `[group, group]`; `slopes` are its derivatives by the
    parameters of the variances, `[parameter, group, group]`, and `doubt` is the covariance of those
    parameters, `[parameter, parameter]`.
    """

    means: Vector
    variances: Vector
    covariance: Matrix
    slopes: Matrix
    doubt: Matrix
    converged: bool

    def precision(self, weights: Vector) -> tuple[float, float]:
        """Return the variance of a weighted sum of means, and Satterthwaite's degrees of freedom.

        `weights` is `[group]`.
        """
        variance = float(weights @ self.covariance @ weights)
        slope = np.einsum("i,pij,j->p", weights, self.slopes, weights)
        return variance, 2.0 * variance**2 / float(slope @ self.doubt @ slope)


def fit_variances(values: Vector, groups: Places, factors: Sequence[Places]) -> VarianceFit:
    """Fit means of groups and variances of random factors to `[observation]` values.

    `groups` and every factor number the levels of each observation, from 0 without gaps. Raises
    `DataError` when no variance is left for the rest.

    >>> rows, columns = np.divmod(np.arange(12), 4)
    >>> values = np.array([3.0, 5, 2, 9, 4, 6, 2, 8, 5, 8, 4, 9])
    >>> fit_variances(values, rows, [columns]).means.round(6).tolist()
    [4.75, 5.0, 6.5]
    """
    design = _Design.build(values, groups, factors)
    free = values.size - design.groups
    total = float(values @ values)

    def deviance(ratios: Vector) -> float:
        found = design.solve(ratios)
        # A rest of 0 has no logarithm; rounding leaves this much.
        return found.logarithms + free * float(np.log(max(found.squares, 1e-15 * total)))

    ratios, converged = _minimise(deviance, len(factors))
    best = design.solve(ratios)
    rest = best.squares / free
    if free * rest <= _LEAST_REST * total:
        raise DataError(
            "means and random effects explain the values without a rest: nothing to fit"
        )
    slopes, doubt = _doubt(design, ratios, rest)
    variances = np.append(rest * np.square(ratios), rest)
    return VarianceFit(best.means, variances, rest * best.inverse, slopes, doubt, converged)


@dataclass(frozen=True, slots=True)
class _Moments:
    """What remains after random effects of given size are taken out of y and X."""

    logarithms: float
    squares: float
    means: Vector
    inverse: Matrix


@dataclass(frozen=True, slots=True)
class _Design:
    """Products of the design: `first` is the largest random factor, `others` the rest.

    Levels of one factor don't overlap, so the products of the largest are a diagonal, `counts`, and
    it is eliminated before anything of its size is factored. W = [others, X, y].
    """

    groups: int
    sizes: tuple[int, ...]
    order: tuple[int, ...]
    counts: Vector
    across: Matrix
    within: Matrix

    @classmethod
    def build(cls, values: Vector, groups: Places, factors: Sequence[Places]) -> _Design:
        """Take the products; factors are ordered by size."""
        blocks = [_indicate(places) for places in factors]
        order = sorted(range(len(blocks)), key=lambda place: -blocks[place].shape[1])
        fixed = _indicate(groups)
        first, others = blocks[order[0]], [blocks[place] for place in order[1:]]
        rest = np.hstack([*others, fixed, values[:, None]])
        return cls(
            fixed.shape[1],
            tuple(block.shape[1] for block in others),
            tuple(order),
            first.sum(axis=0),
            first.T @ rest,
            rest.T @ rest,
        )

    def solve(self, ratios: Vector) -> _Moments:
        """Return the moments for ratios `[factor]` of standard deviations to the rest's."""
        ordered = ratios[list(self.order)]
        inner = 1.0 + ordered[0] ** 2 * self.counts
        scaled = self.across * (ordered[0] / np.sqrt(inner))[:, None]
        left = self.within - scaled.T @ scaled
        logarithms = float(np.log(inner).sum())
        size = sum(self.sizes)
        if size:
            spread = np.repeat(ordered[1:], self.sizes)
            system = spread[:, None] * left[:size, :size] * spread + np.eye(size)
            root = linalg.cholesky(system, lower=True, check_finite=False)
            logarithms += 2.0 * float(np.log(np.diag(root)).sum())
            part = linalg.solve_triangular(
                root, spread[:, None] * left[:size, size:], lower=True, check_finite=False
            )
            left = left[size:, size:] - part.T @ part
        fixed = linalg.cholesky(left[:-1, :-1], lower=True, check_finite=False)
        logarithms += 2.0 * float(np.log(np.diag(fixed)).sum())
        means = linalg.cho_solve((fixed, True), left[:-1, -1])
        squares = float(left[-1, -1] - left[:-1, -1] @ means)
        inverse = linalg.cho_solve((fixed, True), np.eye(self.groups))
        return _Moments(logarithms, squares, means, inverse)


def _minimise(deviance: Callable[[Vector], float], size: int) -> tuple[Vector, bool]:
    """Return the ratios where the deviance is least, and whether it is flat there.

    The deviance depends on squares of ratios, so their signs do not matter, no bounds are needed,
    and a variance of 0 lies inside of what is searched.
    """

    def slope(ratios: Vector) -> Vector:
        steps = _STEP * np.eye(size)
        return np.array(
            [(deviance(ratios + step) - deviance(ratios - step)) / (2 * _STEP) for step in steps]
        )

    found = optimize.minimize(deviance, np.full(size, 0.5), jac=slope, method="BFGS")
    ratios = np.abs(found.x)
    least = deviance(ratios)
    for place in range(size):
        without = np.where(np.arange(size) == place, 0.0, ratios)
        if ratios[place] < _BOUNDARY or deviance(without) <= least:
            ratios = without
    return ratios, bool(np.abs(slope(ratios)).max() < _FLAT)


def _doubt(design: _Design, ratios: Vector, rest: float) -> tuple[Matrix, Matrix]:
    """Return derivatives of the means' covariance by parameters, and the parameters' covariance.

    Parameters are the ratios that are not 0 and the logarithm of the rest's variance, by which
    derivatives are known: deviance = logarithms + free log(rest) + squares / rest.
    """
    places = np.flatnonzero(ratios)
    sizes = _CURVATURE_STEP * np.maximum(ratios[places], 0.1)
    steps = sizes[:, None] * np.eye(ratios.size)[places]

    def deviance(point: Vector) -> float:
        found = design.solve(point)
        return found.logarithms + found.squares / rest

    middle = design.solve(ratios)
    sides = [(design.solve(ratios + step), design.solve(ratios - step)) for step in steps]
    curvature = np.empty((places.size + 1, places.size + 1))
    curvature[:-1, :-1] = _curve(deviance, ratios, steps) / np.outer(sizes, sizes)
    squares = np.array([up.squares - down.squares for up, down in sides]) / (2.0 * sizes)
    curvature[:-1, -1] = curvature[-1, :-1] = -squares / rest
    curvature[-1, -1] = middle.squares / rest
    slopes = [
        rest * (up.inverse - down.inverse) / (2.0 * size)
        for (up, down), size in zip(sides, sizes, strict=True)
    ]
    # Twice the inverse, since the deviance is minus two log-likelihoods.
    doubt = 2.0 * np.linalg.pinv(curvature, hermitian=True)
    return np.array([*slopes, rest * middle.inverse]), np.asarray(doubt, dtype=np.float64)


def _curve(function: Callable[[Vector], float], point: Vector, steps: Matrix) -> Matrix:
    """Return second differences `[step, step]` of a function about a point."""
    curvature = np.empty((len(steps), len(steps)))
    for row, first in enumerate(steps):
        for column, second in enumerate(steps[: row + 1]):
            curvature[row, column] = curvature[column, row] = 0.25 * (
                function(point + first + second)
                - function(point + first - second)
                - function(point - first + second)
                + function(point - first - second)
            )
    return curvature


def _indicate(places: Places) -> Matrix:
    """Return `[observation, level]`, 1 at each observation's level."""
    return np.eye(int(places.max()) + 1)[places]
