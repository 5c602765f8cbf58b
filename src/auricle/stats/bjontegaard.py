"""How two rate-quality curves differ: Bjontegaard deltas, and the rate a wanted quality needs.

Source: G. Bjontegaard, "Calculation of average PSNR differences between RD-curves", ITU-T SG16
document VCEG-M33, 2001. It fits a polynomial of third degree (`"cubic"`), which may swing between
and beyond the points. Piecewise cubic Hermite interpolation, that neither overshoots nor turns
back (`"pchip"`: JCT-VC's common test conditions, document JCTVC-L1100, 2013), replaced it in
practice; Akima's (`"akima"`) is recommended by C. Herglotz et al., "Beyond Bjontegaard: limits of
video compression performance comparisons", ICIP 2022. All are taken over the logarithm of rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import Akima1DInterpolator, PchipInterpolator, PPoly

from auricle.core.errors import ConfigError, DataError
from auricle.stats.vectors import Vector, matched_vectors

Interpolation = Literal["pchip", "akima", "cubic"]

_LEAST = {"pchip": 2, "akima": 2, "cubic": 4}


@dataclass(frozen=True, slots=True)
class Delta:
    """A mean difference of two curves, and the share of both ranges in which they overlap.

    `value` is in percent for rates, in the quality's own units for qualities. `overlap` is the
    part that both curves cover, over all that either covers (0..1].
    """

    value: float
    overlap: float


def delta_rate(
    anchor_rate: ArrayLike,
    anchor_quality: ArrayLike,
    rate: ArrayLike,
    quality: ArrayLike,
    interpolation: Interpolation = "pchip",
) -> Delta:
    """Return by how many percent more rate a curve needs than the anchor for equal quality.

    Rates (any unit, positive) and qualities (more is better) are `[point]`, in any order; the
    curves may have different numbers of points. The mean is taken over the qualities that both
    reach; negative says that the curve needs less.

    Raises `DataError` when quality does not rise strictly with rate, when the curves share no
    quality, for too few points (two, for "cubic" four) and for what `matched_vectors` refuses;
    `ConfigError` for an unknown interpolation.

    >>> once = [16.0, 32.0, 64.0], [40.0, 60.0, 75.0]
    >>> found = delta_rate(*once, [8.0, 16.0, 32.0], [40.0, 60.0, 75.0])
    >>> round(found.value, 6), found.overlap
    (-50.0, 1.0)
    """
    curves = []
    for rates, qualities in ((anchor_rate, anchor_quality), (rate, quality)):
        x, y = _by_rate(rates, qualities)
        if (np.diff(y) <= 0.0).any():
            raise DataError("quality does not rise with bitrate throughout")
        curves.append((y, x))
    mean, overlap = _mean_difference(curves[0], curves[1], interpolation, "quality")
    return Delta(100.0 * (10.0**mean - 1.0), overlap)


def delta_quality(
    anchor_rate: ArrayLike,
    anchor_quality: ArrayLike,
    rate: ArrayLike,
    quality: ArrayLike,
    interpolation: Interpolation = "pchip",
) -> Delta:
    """Return by how much a curve's quality exceeds the anchor's at equal rate.

    As `delta_rate`, but the mean is taken over the logarithm of the rates that both have, and
    quality need not rise.

    >>> round(delta_quality([16, 64], [40.0, 60.0], [16, 64], [43.0, 63.0]).value, 6)
    3.0
    """
    anchor, curve = _by_rate(anchor_rate, anchor_quality), _by_rate(rate, quality)
    return Delta(*_mean_difference(anchor, curve, interpolation, "bitrate"))


def rising_points(rate: ArrayLike, quality: ArrayLike, tolerance: float) -> NDArray[np.bool_]:
    """Tell of each point `[point]` of a curve whether it is better than all of lower rate.

    The others cost more and give nothing: nobody would choose them, and without them quality
    rises with rate. Raises `DataError` where quality falls by more than `tolerance` times the
    curve's range below what a lower rate gave: that is no plateau and no chance, and leaving such
    points out would say something wrong.

    >>> rising_points([16, 24, 32, 64], [20.0, 19.0, 40.0, 70.0], tolerance=0.1).tolist()
    [True, False, True, True]
    """
    rates, qualities = matched_vectors(rate, quality)
    # Of equal rates the best comes first, so that the others are no better.
    order = np.lexsort((-qualities, rates))
    ordered = qualities[order]
    best = np.maximum.accumulate(ordered)
    fall = float(np.max(best - ordered))
    if fall > tolerance * np.ptp(qualities):
        worst = int(np.argmax(best - ordered))
        raise DataError(
            f"quality falls with bitrate: by {fall:.3g} up to the rate {rates[order][worst]:.4g},"
            f" more than {tolerance:.0%} of the curve's range"
        )
    kept = np.empty(rates.size, dtype=np.bool_)
    kept[order] = np.append(True, ordered[1:] > best[:-1])
    return kept


def rate_for(
    rate: ArrayLike, quality: ArrayLike, wanted: float, interpolation: Interpolation = "pchip"
) -> float:
    """Return the lowest rate at which a curve `[point]` reaches the wanted quality.

    The curve's lowest rate where that is good enough, infinity where none is. Raises what
    `delta_quality` raises.

    >>> rate_for([16, 64], [40.0, 60.0], 50.0), rate_for([16, 64], [40.0, 60.0], 80.0)
    (32.0, inf)
    """
    x, y = _by_rate(rate, quality)
    if y[0] >= wanted:
        return float(10.0 ** x[0])
    curve = _interpolate(x, y, interpolation)
    if isinstance(curve, Polynomial):
        roots = (curve - wanted).roots()
        found = roots[np.abs(roots.imag) < 1e-9].real
    else:
        found = curve.solve(wanted, extrapolate=False)
    inside = found[(found >= x[0]) & (found <= x[-1])]
    if inside.size:
        return round(float(10.0 ** inside.min()), 9)
    # A root at the very end may be lost to rounding.
    return float(10.0 ** x[-1]) if y[-1] >= wanted else float("inf")


def _by_rate(rate: ArrayLike, quality: ArrayLike) -> tuple[Vector, Vector]:
    rates, qualities = matched_vectors(rate, quality)
    if (rates <= 0.0).any():
        raise DataError("rates must be positive")
    order = np.argsort(rates)
    x = np.log10(rates[order])
    if (np.diff(x) <= 0.0).any():
        raise DataError("two points of a curve have the same bitrate")
    return x, qualities[order]


def _mean_difference(
    anchor: tuple[Vector, Vector],
    curve: tuple[Vector, Vector],
    interpolation: Interpolation,
    name: str,
) -> tuple[float, float]:
    """Return the mean of curve - anchor over the x that both have, and the share of it."""
    low, high = max(anchor[0][0], curve[0][0]), min(anchor[0][-1], curve[0][-1])
    if high <= low:
        raise DataError(f"the curves have no {name} in common")
    first, second = (
        _integrate(_interpolate(*one, interpolation), low, high) for one in (anchor, curve)
    )
    spread = max(anchor[0][-1], curve[0][-1]) - min(anchor[0][0], curve[0][0])
    return float((second - first) / (high - low)), float((high - low) / spread)


def _interpolate(x: Vector, y: Vector, interpolation: Interpolation) -> PPoly | Polynomial:
    if interpolation not in _LEAST:
        raise ConfigError(
            f"no interpolation is called {interpolation!r}: there are {', '.join(_LEAST)}"
        )
    if x.size < _LEAST[interpolation]:
        raise DataError(
            f"{interpolation} needs {_LEAST[interpolation]} points of a curve: there are {x.size}"
        )
    if interpolation == "cubic":
        return Polynomial.fit(x, y, 3)
    return PchipInterpolator(x, y) if interpolation == "pchip" else Akima1DInterpolator(x, y)


def _integrate(curve: PPoly | Polynomial, low: float, high: float) -> float:
    if isinstance(curve, Polynomial):
        whole = curve.integ()
        return float(whole(high) - whole(low))
    return float(curve.integrate(low, high))
