"""Axes of charts: from values to places in a drawing, and the grid behind the marks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from auricle.evaluation.page.svg import element
from auricle.evaluation.page.ticks import octave_ticks, round_ticks, write_ticks

# Drawings are laid out for the large letters of narrow screens (see style.css), in units.
LETTER = 10.0
LINE = 20.0
_MARGIN = 0.04


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` to `high`, drawn from `start` to `end` (units of the drawing).

    `named` are the ticks, values and how they are called; without any they are round numbers.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False
    named: Sequence[tuple[float, str]] = ()

    @property
    def length(self) -> float:
        """How long the axis is drawn."""
        return abs(self.end - self.start)

    def place(self, value: float) -> float:
        """Return where a value is drawn, beyond the axis for values beyond its ends."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log2(low), math.log2(high), math.log2(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Tell whether a value lies between the ends."""
        return self.low <= value <= self.high

    def ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """Return values to mark, and how they are written."""
        if self.named:
            return [(value, name) for value, name in self.named if self.holds(value)]
        chosen = (octave_ticks if self.logarithmic else round_ticks)(self.low, self.high, most)
        return list(zip(chosen, write_ticks(chosen), strict=True))


def span_values(
    values: Iterable[float], given: tuple[float, float] | None, *, logarithmic: bool = False
) -> tuple[float, float]:
    """Return the ends of an axis: those given, or around finite values with a small margin.

    >>> span_values([1.0, 2.0], None), span_values([3.0], None), span_values([3.0], (1.0, 5.0))
    ((0.96, 2.04), (2.5, 3.5), (1.0, 5.0))
    """
    if given is not None and _spans(*given, logarithmic):
        return (min(given), max(given))
    known = [one for one in values if math.isfinite(one) and (one > 0 or not logarithmic)]
    low, high = min(known, default=1.0), max(known, default=1.0)
    alone = math.isclose(low, high)
    if logarithmic:
        factor = 2.0 if alone else (high / low) ** _MARGIN
        return low / factor, high * factor
    margin = max(0.5, abs(high) / 10) if alone else (high - low) * _MARGIN
    return low - margin, high + margin


def _spans(first: float, second: float, logarithmic: bool) -> bool:
    finite = math.isfinite(first) and math.isfinite(second)
    return (
        finite and not math.isclose(first, second) and (not logarithmic or min(first, second) > 0)
    )


def draw_x_axis(axis: Axis, top: float, bottom: float, title: str, most: int = 6) -> Element:
    """Return grid lines from `top` to `bottom`, ticks below them, and the axis' title."""
    marks = element("g", class_="axis")
    free = -math.inf
    for value, text in axis.ticks(most):
        x, half = axis.place(value), len(text) * LETTER / 2
        marks.append(element("path", class_="grid", d=f"M{x:.2f} {top:g}V{bottom:g}"))
        # Of names that would run into each other the first one stays.
        if x - half >= free:
            marks.append(element("text", text, x=x, y=bottom + LINE, text_anchor="middle"))
            free = x + half
    middle = (axis.start + axis.end) / 2
    marks.append(
        element("text", title, class_="name", x=middle, y=bottom + 2.3 * LINE, text_anchor="middle")
    )
    return marks


def draw_y_axis(axis: Axis, left: float, right: float, title: str) -> Element:
    """Return grid lines from `left` to `right`, ticks to their left, and the axis' title above."""
    marks = element("g", class_="axis")
    for value, text in axis.ticks():
        y = axis.place(value)
        marks.append(element("path", class_="grid", d=f"M{left:g} {y:.2f}H{right:g}"))
        marks.append(element("text", text, x=left - 8.0, y=y, dy="0.35em", text_anchor="end"))
    marks.append(element("text", title, class_="name", x=2.0, y=16.0))
    return marks


def tick_width(axis: Axis) -> float:
    """Return the room that an axis' ticks need to the left of a plot."""
    return max((len(text) for _, text in axis.ticks()), default=1) * LETTER + 14.0
