"""What all drawings share: their frame, the shapes of marks, and the words told on hovering."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from auricle.evaluation.page.svg import element, to_markup

WIDTH = 560.0
SHADES = 8
"""Colours in style.css; with as many shapes, 64 series differ in one or the other."""

# Around their centre, about equal in area; drawn once per page and referred to by every mark.
SHAPES = (
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0Z",
    "M-4-4H4V4H-4Z",
    "M0-5.4L5 3.8H-5Z",
    "M0-5.8L5.8 0L0 5.8L-5.8 0Z",
    "M0 5.4L5-3.8H-5Z",
    "M-1.7-5.2H1.7V-1.7H5.2V1.7H1.7V5.2H-1.7V1.7H-5.2V-1.7H-1.7Z",
    "M0-6.2L1.6-2.1L5.9-1.9L2.5 0.8L3.6 5L0 2.6L-3.6 5L-2.5 0.8L-5.9-1.9L-1.6-2.1Z",
    "M-5.2 0L-2.6-4.5H2.6L5.2 0L2.6 4.5H-2.6Z",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A series in a legend."""

    name: str
    shade: int
    shape: int
    line: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its title, its legend (none: nothing to tell apart), and what it leaves out.

    `markup` is empty where there is nothing to draw; `wide` ones take all the width of a page.
    """

    title: str
    markup: str = ""
    legend: Sequence[Entry] = ()
    notes: Sequence[str] = ()
    wide: bool = False


def look_of(place: int) -> tuple[int, int]:
    """Return the colour and the shape of a series.

    >>> look_of(1), look_of(9)
    ((1, 1), (1, 2))
    """
    return place % SHADES, (place + place // SHADES) % len(SHAPES)


def draw_mark(x: float, y: float, shape: int, hint: str = "") -> Element:
    """Return a mark; its hint is a title, which browsers show without the page's script, too."""
    mark = element("use", href=f"#shape-{shape}", x=x, y=y)
    if hint:
        mark.set("class", "mark")
        mark.append(element("title", hint))
    return mark


def draw_frame(width: float, height: float, title: str, description: str) -> Element:
    """Return the empty drawing, which readers of screens meet as one picture."""
    frame = element(
        "svg", viewBox=f"0 0 {width:g} {height:g}", width=width, role="img", tabindex="0"
    )
    frame.set("aria-label", title or description)
    frame.append(element("desc", description))
    return frame


def finish(title: str, frame: Element, legend: Sequence[Entry], notes: Sequence[str]) -> Figure:
    """Return the figure of a complete drawing."""
    wide = float(frame.get("width", 0)) > WIDTH
    return Figure(title, to_markup(frame), legend, notes, wide)


def is_known(*values: float | None) -> bool:
    """Tell whether all values are finite numbers."""
    return all(one is not None and math.isfinite(one) for one in values)


def tell_interval(value: float, low: float | None, high: float | None) -> str:
    """Return a value with its interval in words.

    >>> tell_interval(0.91234, 0.9, 0.95), tell_interval(3.0, None, None)
    ('0.9123 [0.9, 0.95]', '3')
    """
    if low is None or high is None or not is_known(low, high):
        return f"{value:.4g}"
    return f"{value:.4g} [{low:.4g}, {high:.4g}]"


def count_left(count: int, noun: str, why: str) -> list[str]:
    """Return a note on what was left out, if anything was.

    >>> count_left(1, "mark", "without a value"), count_left(0, "mark", "")
    (['1 mark without a value is not drawn.'], [])
    """
    if not count:
        return []
    return [f"{count} {noun}{'s' * (count > 1)} {why} {'are' if count > 1 else 'is'} not drawn."]


def shorten(name: str, most: int) -> str:
    """Return a name without its middle where it is longer than `most` characters.

    >>> shorten("a long name of a system", 11)
    'a lon…ystem'
    """
    name = " ".join(name.split())
    if len(name) <= most:
        return name
    half = (most - 1) // 2
    return f"{name[:half]}\N{HORIZONTAL ELLIPSIS}{name[-half:]}"
