"""Where axes are marked: round numbers, or octaves, and how those are written."""

from __future__ import annotations

import math
from collections.abc import Sequence

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
# Limits of an axis that miss a round number by rounding only still reach it.
_SLACK = 1e-9


def round_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return up to `most` evenly spaced round numbers within `low..high`, ascending.

    Steps are 1, 2, 2.5 or 5 times a power of ten, the smallest that gives few enough numbers.

    >>> round_ticks(0.13, 0.97)
    [0.2, 0.4, 0.6, 0.8]
    """
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (factor * power for factor in (*_STEPS, 20.0)):
        first = math.ceil(low / step - _SLACK)
        last = math.floor(high / step + _SLACK)
        if last - first < most:
            digits = max(0, 1 - math.floor(math.log10(step)))
            return [round(place * step, digits) + 0.0 for place in range(first, last + 1)]
    raise AssertionError("a step of two spans gives one number at most")


def octave_ticks(low: float, high: float, most: int = 8) -> list[float]:
    """Return up to `most` powers of two within `low..high` (above zero), ascending.

    Where octaves are too many, every second or third of them remains. Axes of less than two
    octaves are marked by round numbers.

    >>> octave_ticks(14.0, 180.0)
    [16.0, 32.0, 64.0, 128.0]
    """
    first = math.ceil(math.log2(low) - _SLACK)
    last = math.floor(math.log2(high) + _SLACK)
    if last - first < 2:
        return round_ticks(low, high, most)
    every = math.ceil((last - first + 1) / most)
    return [2.0**place for place in range(first, last + 1, every)]


def write_ticks(ticks: Sequence[float]) -> list[str]:
    """Return ticks as text with as many digits as the finest of them needs.

    >>> write_ticks([0.0, 0.5, 1.0]), write_ticks([16.0, 32.0]), write_ticks([0.0, 2e7])
    (['0.0', '0.5', '1.0'], ['16', '32'], ['0', '2e+07'])
    """
    largest = max(map(abs, ticks), default=0.0)
    kind = "g" if largest >= 1e7 or 0.0 < largest < 1e-3 else "f"
    for digits in range(16):
        texts = [f"{tick:,.{digits}{kind}}" for tick in ticks]
        read = [float(text.replace(",", "")) for text in texts]
        if all(
            math.isclose(*pair, abs_tol=1e-9 * largest) for pair in zip(ticks, read, strict=True)
        ):
            break
    return [text.replace("-", "\N{MINUS SIGN}") for text in texts]
