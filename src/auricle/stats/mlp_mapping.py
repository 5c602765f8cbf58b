"""From distances to the scale of the ratings by a small neural network that knows its end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from auricle.core.errors import DataError
from auricle.stats.vectors import Vector, matched_vectors

_UNITS = 8
# Of the loss, where ratings spread by about one: enough to keep the curve smooth.
_DECAY = 1e-3
_STARTS = 4


@dataclass(frozen=True, slots=True)
class MlpMapping:
    """One hidden layer of tanh units: `at_zero` at 0, constant from `high` on.

    The value at x is `at_zero + sum_k outputs_k (tanh(weights_k t + biases_k) - tanh(biases_k))`
    with `t = x / high`, x clamped to `0..high`. It need not be monotone. All fields are plain
    numbers, as those of `auricle.stats.cubic_mapping.CubicMapping`.

    Raises `DataError` for layers of unequal sizes, numbers that are not finite and an empty range.

    >>> MlpMapping((1.0,), (0.0,), (-50.0,), at_zero=100.0, high=2.0).apply([0.0, 2.0]).round(1)
    array([100. ,  61.9])
    """

    weights: tuple[float, ...]
    biases: tuple[float, ...]
    outputs: tuple[float, ...]
    at_zero: float
    high: float

    def __post_init__(self) -> None:
        # JSON makes lists of tuples.
        for name in ("weights", "biases", "outputs"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))
        sizes = {len(self.weights), len(self.biases), len(self.outputs)}
        if len(sizes) != 1 or sizes == {0}:
            raise DataError("a mapping has as many weights as biases and outputs, one or more")
        numbers = (*self.weights, *self.biases, *self.outputs, self.at_zero, self.high)
        if not np.isfinite(numbers).all() or self.high <= 0.0:
            raise DataError("a mapping has finite numbers and a range from 0 on")

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the mapped values of `x`, of any shape; NaN stays NaN."""
        t = np.clip(np.asarray(x, dtype=np.float64), 0.0, self.high)[..., np.newaxis] / self.high
        weights, biases, outputs = (
            np.array(one) for one in (self.weights, self.biases, self.outputs)
        )
        hidden = np.tanh(weights * t + biases) - np.tanh(biases)
        return np.asarray(self.at_zero + (hidden * outputs).sum(axis=-1))


def fit_mlp(x: ArrayLike, y: ArrayLike, *, at_zero: float, seed: int = 0) -> MlpMapping:
    """Fit the network from distances `x` `[item]` to ratings `y` `[item]`; it is `at_zero` at 0.

    Least squares with weight decay by L-BFGS, the best of four random beginnings; the same `seed`
    gives the same mapping.

    Source: Jiang et al., "DeePAQ" (arXiv 2510.12326), where a small network maps distances to
    opinion scores.

    Raises `DataError` for fewer than four items, lengths that differ, values that are not finite,
    distances below 0, and when all distances or all ratings are equal.

    >>> distance = np.linspace(0.0, 2.0, 21)
    >>> mapping = fit_mlp(distance, 100.0 * np.exp(-distance), at_zero=100.0)
    >>> [round(float(value)) for value in mapping.apply([0.0, 0.5, 1.0, 9.0])]
    [100, 61, 37, 13]
    """
    first, second = matched_vectors(x, y, least=4)
    high, spread = float(first.max()), float(np.abs(second - second.mean()).max())
    if first.min() < 0.0:
        raise DataError(f"distances are 0 or more, not {first.min():g}")
    if float(np.ptp(first)) == 0.0 or spread <= 1e-13 * abs(float(second.mean())):
        raise DataError("there is nothing to map: all distances or all ratings are equal")
    t, target = first / high, (second - at_zero) / spread
    rng = np.random.default_rng(seed)
    found = [
        minimize(
            _loss, rng.normal(0.0, 1.0, 3 * _UNITS), args=(t, target), jac=True, method="L-BFGS-B"
        )
        for _ in range(_STARTS)
    ]
    weights, biases, outputs = np.split(min(found, key=lambda one: one.fun).x, 3)
    return MlpMapping(
        tuple(weights.tolist()),
        tuple(biases.tolist()),
        tuple((spread * outputs).tolist()),
        at_zero=float(at_zero),
        high=high,
    )


def _loss(parameters: Vector, t: Vector, target: Vector) -> tuple[float, Vector]:
    """Return the mean squared error with weight decay, and its gradient."""
    weights, biases, outputs = np.split(parameters, 3)
    inner, rest = np.tanh(np.outer(t, weights) + biases), np.tanh(biases)
    error = (inner - rest) @ outputs - target
    # Of each unit, by what the tanh gets.
    slope = outputs * (1.0 - inner**2)
    scaled = 2.0 * error / error.size
    gradient = np.concatenate(
        [
            (scaled * t) @ slope,
            scaled @ (slope - outputs * (1.0 - rest**2)),
            scaled @ (inner - rest),
        ]
    )
    decay = _DECAY / parameters.size
    loss = float(np.mean(error**2)) + decay * float(np.sum(parameters**2))
    return loss, gradient + 2.0 * decay * parameters
