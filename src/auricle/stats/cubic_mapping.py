"""From what a metric says to the scale of the ratings: monotone third-order polynomials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls

from auricle.core.errors import DataError
from auricle.stats.vectors import Vector, matched_vectors

# A cubic has four coefficients.
_FEWEST = 4
# Deviations this small against the mean are rounding noise (see `pearson`).
_ROUNDING = 1e-13
# What rounding explains: slopes of the wrong sign against the coefficients of the slope, or a
# whole mapping against the spread of the ratings.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class CubicMapping:
    """A polynomial that never changes its direction from `low` to `high`, and is flat outside.

    The value at x is `c0 + c1 t + c2 t^2 + c3 t^3` with `t = (x - low) / (high - low)`, x clamped
    to `low..high`. All fields are plain numbers: `dataclasses.asdict` and `CubicMapping(**fields)`
    take it to JSON and back.

    Raises `DataError` for coefficients that are not four finite numbers, an empty range, or a
    polynomial that is constant or turns within the range.

    >>> CubicMapping((0.0, 100.0, 0.0, 0.0), low=1.0, high=5.0).apply([0.0, 2.0, 9.0]).tolist()
    [0.0, 25.0, 100.0]
    """

    coefficients: tuple[float, float, float, float]
    low: float
    high: float

    def __post_init__(self) -> None:
        # JSON makes lists of tuples.
        c0, c1, c2, c3 = self._four()
        object.__setattr__(self, "coefficients", (c0, c1, c2, c3))
        if not -np.inf < self.low < self.high < np.inf:
            raise DataError(f"a mapping needs a range, not {self.low} to {self.high}")
        least, greatest = _slopes(c1, c2, c3)
        slack = _SLACK * (abs(c1) + 2.0 * abs(c2) + 3.0 * abs(c3))
        if least < -slack and greatest > slack:
            raise DataError(
                f"the mapping turns between {self.low:g} and {self.high:g}: its slope goes from"
                f" {least:g} to {greatest:g}"
            )
        if least == greatest == 0.0:
            raise DataError("the mapping is constant: it tells nothing apart")

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the mapped values of `x`, of any shape; NaN stays NaN.

        A mapping never changes the order of values by more than rounding; those outside the range
        it was fitted on become equal.
        """
        values = np.clip(np.asarray(x, dtype=np.float64), self.low, self.high)
        c0, c1, c2, c3 = self.coefficients
        # Halved first: the range itself may overflow.
        t = (values / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
        return np.asarray(c0 + t * (c1 + t * (c2 + t * c3)))

    def _four(self) -> list[float]:
        coefficients = [float(one) for one in self.coefficients]
        if len(coefficients) != _FEWEST or not np.isfinite(coefficients).all():
            raise DataError(f"a cubic has four finite coefficients, not {coefficients}")
        return coefficients


def fit_cubic(
    x: ArrayLike, y: ArrayLike, *, falling: bool = False, at_zero: float | None = None
) -> CubicMapping:
    """Fit the cubic from `x` to `y` that is closest in squares and monotone on the range of `x`.

    `x` `[item]` are the outputs of a metric, `y` `[item]` the ratings, in any units. The mapping
    rises, or falls with `falling` (as quality does with distance). Which one is for the caller to
    say: a metric that orders items the wrong way round must not look good. Straight lines being
    cubics, a mapping never lowers Pearson's correlation on the items it was fitted on. With
    `at_zero` it is the closest that has this value at 0, where its range then begins: `x` are no
    less than 0, as distances.

    Plain least squares come first. Where these turn within the range, the slope of the best
    monotone cubic touches zero: it is a sum, with weights of no less than 0, of `t(1 - t)` and
    squares `(t - r)^2` (Lukács' form of polynomials that are not negative on an interval). Places
    r at which a single square fits best are roots of a polynomial of degree five; with them and
    the ends of the range, `scipy.optimize.nnls` finds the weights.

    Raises `DataError` for fewer than four different values of `x`, constant `y`, lengths that
    differ, values that are not finite, `x` below 0 with `at_zero`, and when no mapping of this
    direction beats a constant.

    Source: ITU-T P.1401, which maps predictions by a monotone third-order polynomial before it
    computes errors. It takes off four degrees of freedom for the mapping, `rmse` none.

    >>> distance = np.linspace(0.0, 2.0, 9)
    >>> mapping = fit_cubic(distance, 90.0 - 10.0 * distance**3, falling=True)
    >>> mapping.apply([0.0, 1.0, 2.0, 3.0]).round(6).tolist()
    [90.0, 80.0, 10.0, 10.0]
    """
    first, second = matched_vectors(x, y, least=_FEWEST)
    low = float(first.min()) if at_zero is None else 0.0
    t = _place(first, low)
    if np.unique(t).size < _FEWEST:
        raise DataError(f"a cubic needs {_FEWEST} different values of x, not {np.unique(t).size}")
    centre, spread, rating = _standardise(second)
    powers = _powers(t)
    fixed, middle = 0.0, powers.mean(axis=0)
    if at_zero is not None:
        fixed, middle = (at_zero - centre) / spread, np.zeros(3)
    sign = -1.0 if falling else 1.0
    slopes = sign * _fit_rising(powers - middle, sign * (rating - fixed))
    # All that a monotone mapping rises, where the ratings spread by one.
    if abs(slopes.sum()) <= _SLACK:
        direction = "falling" if falling else "rising"
        raise DataError(
            f"no {direction} cubic is closer to the ratings than their mean: does the metric"
            f" {'rise' if falling else 'fall'} with quality?"
        )
    c1, c2, c3 = (spread * slopes).tolist()
    c0 = centre - float(np.mean(powers @ (spread * slopes))) if at_zero is None else at_zero
    return CubicMapping((c0, c1, c2, c3), low=low, high=float(first.max()))


class _Standard(NamedTuple):
    """Mean and largest deviation of ratings, and the ratings without them."""

    centre: float
    spread: float
    values: Vector


def _standardise(y: Vector) -> _Standard:
    centre = float(y.mean())
    deviations = y - centre
    spread = float(np.abs(deviations).max())
    if spread <= _ROUNDING * abs(centre):
        raise DataError(f"there is nothing to map to: all {y.size} ratings are {y[0]:g}")
    return _Standard(centre, spread, deviations / spread)


def _place(x: Vector, low: float) -> Vector:
    """Return where values lie in the range from `low`, 0..1; 0 for all when they are equal."""
    if x.min() < low:
        raise DataError(f"values from {low:g} on are needed, not {x.min():g}")
    span = float(x.max() - low)
    return (x - low) / span if span > 0.0 else np.zeros_like(x)


def _fit_rising(powers: NDArray[np.float64], rating: Vector) -> Vector:
    """Return c1, c2, c3 of the closest cubic that rises on 0..1; zeros when a constant is."""
    free = np.asarray(np.linalg.lstsq(powers, rating)[0], dtype=np.float64)
    if _slopes(*free.tolist())[0] >= 0.0:
        return free
    # Integrals of t(1 - t) and of the squares.
    parts = [(0.0, 1 / 2, -1 / 3), *((r * r, -r, 1 / 3) for r in _touching(powers, rating))]
    weights, _ = nnls(powers @ np.array(parts).T, rating)
    rising: Vector = weights @ np.array(parts)
    return rising


def _touching(powers: NDArray[np.float64], rating: Vector) -> list[float]:
    """Return the ends, and where in 0..1 a slope `(t - r)^2` may fit better than its neighbours.

    What such a slope explains is `n(r)^2 / d(r)`: `n` its product with the ratings, of degree two,
    and `d` with itself, of degree four. Where that is greatest, `2 n' d = n d'`.
    """
    # Row i holds what r^i is multiplied with: t^3 / 3 - r t^2 + r^2 t.
    rows = np.array([[0.0, 0.0, 1 / 3], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
    n = Polynomial(rows @ (powers.T @ rating))
    gram = rows @ (powers.T @ powers) @ rows.T
    d = Polynomial([np.trace(np.fliplr(gram), offset=2 - k) for k in range(5)])
    roots = (2.0 * n.deriv() * d - n * d.deriv()).roots()
    # Rounding makes pairs of complex roots of double ones. A place too many does no harm.
    return [0.0, 1.0, *np.clip(roots.real, 0.0, 1.0).tolist()]


def _powers(t: Vector) -> NDArray[np.float64]:
    """Return `[item, 3]`: t, its square and its cube."""
    return np.stack([t, t**2, t**3], axis=1)


def _slopes(c1: float, c2: float, c3: float) -> tuple[float, float]:
    """Return the least and the greatest slope of a cubic on 0..1."""
    places = [0.0, 1.0]
    # Where the slope itself turns, if that is inside.
    if 0.0 < -c2 / (3.0 * c3 if c3 else np.inf) < 1.0:
        places.append(-c2 / (3.0 * c3))
    slopes = [c1 + t * (2.0 * c2 + t * 3.0 * c3) for t in places]
    return min(slopes), max(slopes)
