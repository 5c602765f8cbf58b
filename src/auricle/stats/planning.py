"""How many listeners and items a test needs, and what one reaches that has been held.

The model: a score is the system's quality, plus what the listener always gives more, plus what the
item is better, plus the rest (an item pleases one listener more than another, and noise). A mean
over n listeners and m items has the variance `listener / n + residual / (n m)` over listeners, and
`item / m` more where the items, too, are a sample that stands for others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import Rating
from auricle.stats.panel import tabulate_panel
from auricle.stats.reliability import spearman_brown
from auricle.stats.variance_components import Spread, tabulate_systems, variance_components

# Who needs more than a million listeners asked the wrong question.
_MOST = 1_000_000
# Float noise must not ask for one listener more.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Precision:
    """What a test reaches with the `listeners` and `items` it has.

    `half_width` is that of a system's t interval over listeners, the items taken as given, and
    `half_width_items` that where they stand for others. `detectable` is the smallest true
    difference between two systems that a paired t-test over listeners finds with the wanted power.
    For unbalanced tests `items` is the mean number of a system's items that a listener rated.
    """

    listeners: int
    items: float
    spread: Spread
    half_width: float
    half_width_items: float
    detectable: float


def half_width(
    spread: Spread,
    listeners: int,
    items: float,
    *,
    vary_items: bool = False,
    confidence: float = 0.95,
) -> float:
    """Return the expected half-width of the t interval of a system's MOS.

    Over listeners only it has `listeners - 1` degrees of freedom; with `vary_items`, where another
    test would have other items as well, those of F. E. Satterthwaite's approximation. Everybody
    rates everything once. Raises `ConfigError` for fewer than two listeners, less than one item
    (two with `vary_items`), or a confidence outside 0..1. Source: F. E. Satterthwaite, Biometrics
    Bulletin 2 (1946).

    >>> round(half_width(Spread(60.0, 40.0, 200.0), listeners=20, items=8), 2)
    4.31
    >>> round(half_width(Spread(60.0, 40.0, 200.0), listeners=20, items=8, vary_items=True), 2)
    6.57
    """
    _check_share("confidence", confidence)
    fewest = 2 if vary_items else 1
    if listeners < 2 or items < fewest:
        raise ConfigError(
            f"an interval takes 2 listeners and {fewest} items or more, "
            f"not {listeners} and {items:g}"
        )
    by_listener = spread.listener / listeners + spread.residual / (listeners * items)
    variance, freedom = by_listener, listeners - 1.0
    if vary_items:
        both = spread.residual / (listeners * items)
        by_item = spread.item / items + both
        variance = by_listener + by_item - both
        squares = (
            by_listener**2 / (listeners - 1)
            + by_item**2 / (items - 1)
            + both**2 / ((listeners - 1) * (items - 1))
        )
        freedom = variance**2 / squares if squares > 0.0 else freedom
    return float(stats.t.ppf(0.5 + confidence / 2.0, freedom) * math.sqrt(variance))


def listeners_for_width(
    wanted: float,
    spread: Spread,
    items: float,
    *,
    vary_items: bool = False,
    confidence: float = 0.95,
) -> int:
    """Return the fewest listeners with whom a MOS has a half-width of `wanted` or less.

    Raises `ConfigError` where no number of listeners does (with `vary_items`, items that differ
    leave their own uncertainty), or as `half_width`.

    >>> listeners_for_width(0.25, Spread(0.8**2, 0.0, 0.0), items=1)
    42
    """
    _check_positive("the wanted half-width", wanted)
    return _search(
        lambda listeners: (
            half_width(spread, listeners, items, vary_items=vary_items, confidence=confidence)
            <= wanted
        ),
        f"no number of listeners reaches a half-width of {wanted:g} with {items:g} items: "
        "take more items",
    )


def items_for_width(
    wanted: float,
    spread: Spread,
    listeners: int,
    *,
    vary_items: bool = True,
    confidence: float = 0.95,
) -> int:
    """Return the fewest items with which a MOS has a half-width of `wanted` or less.

    Raises `ConfigError` where no number of items does (what listeners always give more does not
    average out over items), or as `half_width`.

    >>> items_for_width(6.0, Spread(60.0, 40.0, 200.0), listeners=20)
    10
    """
    _check_positive("the wanted half-width", wanted)
    return _search(
        lambda items: (
            half_width(spread, listeners, items, vary_items=vary_items, confidence=confidence)
            <= wanted
        ),
        f"no number of items reaches a half-width of {wanted:g} with {listeners} listeners: "
        "take more listeners",
        fewest=2 if vary_items else 1,
    )


def power_of_difference(
    difference: float, deviation: float, listeners: int, *, level: float = 0.05
) -> float:
    """Return how probably a paired, two-sided t-test finds a true difference of two systems.

    `deviation` is the standard deviation over listeners of their own differences between the two.
    The little chance of a significant difference of the wrong sign counts, as in statsmodels and in
    R's `power.t.test(strict = TRUE)`.

    Raises `ConfigError` for a deviation that is not positive, fewer than two listeners, or a level
    outside 0..1. Source: J. Cohen, "Statistical Power Analysis for the Behavioral Sciences" (1988),
    chapter 2.

    >>> round(power_of_difference(5.0, 10.0, 34), 3)
    0.808
    """
    _check_positive("the standard deviation", deviation)
    _check_share("significance level", level)
    if listeners < 2:
        raise ConfigError(f"a t-test takes 2 listeners or more, not {listeners}")
    freedom, shift = listeners - 1, abs(difference) / deviation * math.sqrt(listeners)
    limit = stats.t.isf(level / 2.0, freedom)
    right = float(stats.nct.sf(limit, freedom, shift))
    # SciPy has NaN or noise where this tail is as good as 0.
    wrong = float(stats.nct.sf(limit, freedom, -shift)) if shift < 10.0 else 0.0
    return min(right + wrong, 1.0)


def listeners_for_difference(
    difference: float, deviation: float, *, power: float = 0.8, level: float = 0.05
) -> int:
    """Return the fewest listeners who show a true difference with the wanted power.

    Arguments and source as in `power_of_difference`. Raises `ConfigError` for a difference of 0, a
    power outside 0..1, and as there.

    >>> listeners_for_difference(5.0, 10.0)
    34
    """
    _check_positive("the difference", abs(difference))
    _check_share("power", power)
    return _search(
        lambda listeners: (
            power_of_difference(difference, deviation, listeners, level=level) >= power
        ),
        f"no number of listeners shows a difference of {difference:g}",
    )


def smallest_difference(
    deviation: float, listeners: int, *, power: float = 0.8, level: float = 0.05
) -> float:
    """Return the smallest true difference that so many listeners show with the wanted power.

    Arguments, errors and source as in `power_of_difference`.

    >>> round(smallest_difference(10.0, 34), 3)
    4.95
    """
    _check_share("power", power)
    if power <= level:
        raise ConfigError(f"a power of {power:g} takes no difference at a level of {level:g}")
    low, high = 0.0, deviation
    while power_of_difference(high, deviation, listeners, level=level) < power:
        low, high = high, 2.0 * high
    while high - low > 1e-7 * high:
        middle = (low + high) / 2.0
        enough = power_of_difference(middle, deviation, listeners, level=level) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def raters_for_reliability(wanted: float, reliability: float, raters: float = 1.0) -> int:
    """Return the fewest raters whose mean is as reliable as wanted.

    `reliability` is that of the mean of `raters` raters: an ICC(1, k), or a split-half `panel`. The
    formula of Spearman and Brown, turned round. Raises `ConfigError` for reliabilities outside
    0..1, ends excluded, or fewer than one rater.

    >>> raters_for_reliability(0.9, reliability=0.75, raters=10)
    30
    """
    _check_share("wanted reliability", wanted)
    _check_share("reliability", reliability)
    if not raters >= 1.0:
        raise ConfigError(f"a reliability is that of one rater or more, not of {raters:g}")
    return _search(
        lambda panel: spearman_brown(reliability, panel / raters) >= wanted - _ROUNDING,
        f"no number of raters is as reliable as {wanted:g}",
        fewest=1,
    )


def achieved_precision(
    ratings: Sequence[Rating], *, power: float = 0.8, confidence: float = 0.95
) -> Precision:
    """Return how precise the means of a test are with the listeners and items it has.

    Variances are those of `variance_components`; `listeners` and `items` are the median system's.
    `detectable` comes from the median over pairs of systems of the standard deviation of listeners'
    mean differences, over items that a listener rated of both; it is NaN for a single system.

    Raises what `variance_components` raises and `ConfigError` for shares outside 0..1.

    >>> pilot = [
    ...     Rating("t", "q", item, system, name, float(base + step + bias + 3 * (base * bias % 2)))
    ...     for base, item in [(40, "a"), (51, "b"), (62, "c")]
    ...     for step, system in [(0, "x"), (9, "y")]
    ...     for bias, name in [(0, "L1"), (5, "L2"), (-4, "L3")]
    ... ]
    >>> found = achieved_precision(pilot)
    >>> found.listeners, found.items, round(found.half_width, 1)
    (3, 3.0, 12.5)
    """
    spread = variance_components(ratings)
    tables = tabulate_systems(ratings)
    listeners = int(np.median([len(table) for table in tables.values()]))
    items = float(np.median([np.isfinite(table).sum() / len(table) for table in tables.values()]))
    if listeners < 2:
        raise DataError("most systems have a single listener: there is no precision over listeners")
    deviations = _difference_deviations(ratings)
    detectable = float("nan")
    if deviations:
        typical = float(np.median(deviations))
        detectable = (
            smallest_difference(typical, listeners, power=power, level=1.0 - confidence)
            if typical > 0.0
            else 0.0
        )
    wide = float("nan")
    if items >= 2.0:
        wide = half_width(spread, listeners, items, vary_items=True, confidence=confidence)
    return Precision(
        listeners,
        items,
        spread,
        half_width(spread, listeners, items, confidence=confidence),
        wide,
        detectable,
    )


def _difference_deviations(ratings: Sequence[Rating]) -> list[float]:
    """Return the standard deviation over listeners of their differences of each two systems."""
    _, stimuli, scores = tabulate_panel([one for one in ratings if not one.role])
    places = {stimulus: place for place, stimulus in enumerate(stimuli)}
    systems = sorted({system for _, system in stimuli})
    items = sorted({item for item, _ in stimuli})
    deviations: list[float] = []
    for place, first in enumerate(systems):
        for second in systems[place + 1 :]:
            both = [item for item in items if {(item, first), (item, second)} <= places.keys()]
            left, right = (
                scores[:, [places[item, system] for item in both]] for system in (first, second)
            )
            differences = left - right
            known = np.isfinite(differences)
            rows = known.any(axis=1)
            if rows.sum() > 1:
                means = np.nansum(differences[rows], axis=1) / known[rows].sum(axis=1)
                deviations.append(float(means.std(ddof=1)))
    return deviations


def _search(enough: Callable[[int], bool], failure: str, fewest: int = 2) -> int:
    """Return the least number that is enough."""
    if enough(fewest):
        return fewest
    # In small steps: more may be too little again. With two items, say, the more listeners the
    # more it all hangs on the items, and the fewer the degrees of freedom.
    low, high = fewest, fewest + 1
    while not enough(high):
        if high > _MOST:
            raise ConfigError(failure)
        low, high = high, max(high + 1, high * 21 // 20)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _check_share(name: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise ConfigError(f"the {name} must lie between 0 and 1, not {value}")


def _check_positive(name: str, value: float) -> None:
    if not 0.0 < value < math.inf:
        raise ConfigError(f"{name} must be positive, not {value}")
