"""Values with their intervals, one below the other, drawn in SVG."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from auricle.evaluation.page.axes import LETTER, LINE, Axis, draw_x_axis, span_values
from auricle.evaluation.page.blocks import Bar, Intervals
from auricle.evaluation.page.figures import (
    WIDTH,
    Figure,
    count_left,
    draw_frame,
    draw_mark,
    finish,
    is_known,
    shorten,
    tell_interval,
)
from auricle.evaluation.page.svg import element

_ROW = 28.0
_TOP = 10.0
# Longer names lose their middle: on narrow screens they would take the place of the plot.
_MOST_LETTERS = 24


def draw_intervals(intervals: Intervals) -> Figure:
    """Return a drawing with a row per value, and a line at the value to compare with."""
    bars = [bar for bar in intervals.bars if is_known(bar.value)]
    notes = count_left(len(intervals.bars) - len(bars), "row", "without a value")
    if not bars:
        return Figure(intervals.title, notes=notes)
    bottom = _TOP + _ROW * len(bars)
    names = [shorten(bar.name, _MOST_LETTERS) for bar in bars]
    left = max(map(len, names)) * LETTER + 16.0
    axis = Axis(*span_values(_ends(intervals, bars), None), left, WIDTH - 20.0)
    frame = draw_frame(WIDTH, bottom + 2.8 * LINE, intervals.title, _describe(intervals))
    frame.append(draw_x_axis(axis, _TOP, bottom, intervals.axis, most=5))
    if intervals.at is not None and is_known(intervals.at):
        x = axis.place(intervals.at)
        frame.append(element("path", class_="guide", d=f"M{x:.2f} {_TOP:g}V{bottom:g}"))
    rows = element("g", class_="series shade-0")
    for place, (bar, name) in enumerate(zip(bars, names, strict=True)):
        rows.append(_draw_row(bar, name, _TOP + _ROW * place, axis))
    frame.append(rows)
    return finish(intervals.title, frame, (), notes)


def _ends(intervals: Intervals, bars: list[Bar]) -> list[float]:
    ends = [end for bar in bars for end in (bar.value, bar.low, bar.high)]
    return ends if intervals.at is None else [*ends, intervals.at]


def _draw_row(bar: Bar, name: str, top: float, axis: Axis) -> Element:
    """Return a row that tells its hint wherever it is touched."""
    middle = top + _ROW / 2
    told = bar.hint or tell_interval(bar.value, bar.low, bar.high)
    row = element("g", class_="mark row")
    row.append(element("title", told if bar.name in told else f"{bar.name}\n{told}"))
    row.append(element("rect", class_="area", y=top, width=WIDTH, height=_ROW))
    row.append(element("text", name, x=axis.start - 12.0, y=middle, dy="0.35em", text_anchor="end"))
    if is_known(bar.low, bar.high):
        low, high = axis.place(bar.low), axis.place(bar.high)
        ends = "".join(f"M{x:.2f} {middle - 4:g}v8" for x in (low, high))
        line = f"M{low:.2f} {middle:g}H{high:.2f}{ends}"
        row.append(element("path", class_="whisker", d=line))
    row.append(draw_mark(axis.place(bar.value), middle, 0))
    return row


def _describe(intervals: Intervals) -> str:
    at = "" if intervals.at is None else f", compared with {intervals.at:.4g}"
    return (
        f"{intervals.axis} of {len(intervals.bars)} rows with intervals{at}."
        " Arrow keys go from row to row."
    )
