"""Marks and lines over two axes, drawn in SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from auricle.evaluation.page.axes import (
    LINE,
    Axis,
    draw_x_axis,
    draw_y_axis,
    span_values,
    tick_width,
)
from auricle.evaluation.page.blocks import Chart, Mark, Series
from auricle.evaluation.page.figures import (
    WIDTH,
    Entry,
    Figure,
    count_left,
    draw_frame,
    draw_mark,
    finish,
    is_known,
    look_of,
    tell_interval,
)
from auricle.evaluation.page.svg import element, path_of, write

_HEIGHT = 400.0
_TOP = 32.0
_BOTTOM = _HEIGHT - 2.8 * LINE
_RIGHT = WIDTH - 14.0
_DIAGONAL_STEPS = 32


def draw_chart(chart: Chart) -> Figure:
    """Return a drawing of a chart: lines and bands first, intervals and marks above them."""
    shown = [replace(one, marks=list(_known_marks(one, chart))) for one in chart.series]
    unknown = sum(len(one.marks) for one in chart.series) - sum(len(one.marks) for one in shown)
    notes = count_left(unknown, "mark", "without a value")
    if not any(one.marks for one in shown):
        return Figure(chart.title, notes=notes)
    x_axis, y_axis = _lay_axes(chart, shown)
    beyond = sum(not _is_inside(mark, x_axis, y_axis) for one in shown for mark in one.marks)
    notes += count_left(beyond, "mark", "beyond the axes")
    frame = draw_frame(WIDTH, _HEIGHT, chart.title, _describe(chart))
    frame.append(draw_x_axis(x_axis, _TOP, _BOTTOM, chart.x))
    frame.append(draw_y_axis(y_axis, x_axis.start, _RIGHT, chart.y))
    under = _clip(x_axis, y_axis)
    if chart.diagonal:
        under.append(_draw_diagonal(x_axis, y_axis))
    under.extend(_draw_under(one, place, x_axis, y_axis) for place, one in enumerate(shown))
    frame.append(under)
    frame.extend(_draw_marks(one, place, x_axis, y_axis) for place, one in enumerate(shown))
    return finish(chart.title, frame, _legend(shown), notes)


def _known_marks(series: Series, chart: Chart) -> Iterator[Mark]:
    """Yield the marks that can be drawn, intervals only where both ends are known."""
    for mark in series.marks:
        if not is_known(mark.x, mark.y) or (chart.logarithmic and mark.x <= 0):
            continue
        yield mark if is_known(mark.low, mark.high) else replace(mark, low=None, high=None)


def _lay_axes(chart: Chart, shown: Sequence[Series]) -> tuple[Axis, Axis]:
    marks = [mark for one in shown for mark in one.marks]
    heights = [end for mark in marks for end in (mark.y, mark.low, mark.high) if end is not None]
    low, high = span_values(heights, chart.y_range)
    y_axis = Axis(low, high, _BOTTOM, _TOP)
    ends = span_values([mark.x for mark in marks], chart.x_range, logarithmic=chart.logarithmic)
    left = tick_width(y_axis)
    return Axis(*ends, left, _RIGHT, chart.logarithmic, chart.ticks), y_axis


def _is_inside(mark: Mark, x_axis: Axis, y_axis: Axis) -> bool:
    return x_axis.holds(mark.x) and y_axis.holds(mark.y)


def _draw_diagonal(x_axis: Axis, y_axis: Axis) -> Element:
    low, high = max(x_axis.low, y_axis.low), min(x_axis.high, y_axis.high)
    values = [low + (high - low) * step / _DIAGONAL_STEPS for step in range(_DIAGONAL_STEPS + 1)]
    points = [(x_axis.place(one), y_axis.place(one)) for one in values if low < high]
    return element("path", class_="guide", d=path_of(points) if points else "")


def _clip(x_axis: Axis, y_axis: Axis) -> Element:
    """Return a drawing in the drawing, which cuts off what goes beyond the axes."""
    x, y, width, height = x_axis.start, y_axis.end, x_axis.length, y_axis.length
    box = f"{write(x)} {write(y)} {write(width)} {write(height)}"
    return element("svg", x=x, y=y, width=width, height=height, viewBox=box)


def _draw_under(series: Series, place: int, x_axis: Axis, y_axis: Axis) -> Element:
    """Return what lies below the marks: the line with its band, or the marks' intervals."""
    group = _group(place)
    marks = sorted(series.marks, key=lambda mark: mark.x)
    places = [x_axis.place(mark.x) for mark in marks]
    lows = [y_axis.place(mark.y if mark.low is None else mark.low) for mark in marks]
    highs = [y_axis.place(mark.y if mark.high is None else mark.high) for mark in marks]
    if series.line and marks:
        around = [*zip(places, lows, strict=True), *zip(places[::-1], highs[::-1], strict=True)]
        if lows != highs:
            group.append(element("path", class_="band", d=path_of(around) + "Z"))
        heights = [y_axis.place(mark.y) for mark in marks]
        line = path_of(zip(places, heights, strict=True))
        group.append(element("path", class_=f"line dash-{place % 4}", d=line))
    else:
        bars = (
            f"M{write(x)} {write(low)}V{write(high)}"
            for x, low, high in zip(places, lows, highs, strict=True)
            if low != high
        )
        group.append(element("path", class_="whisker", d="".join(bars)))
    return group


def _draw_marks(series: Series, place: int, x_axis: Axis, y_axis: Axis) -> Element:
    group = _group(place)
    shape = look_of(place)[1]
    for mark in series.marks:
        if _is_inside(mark, x_axis, y_axis):
            x, y = x_axis.place(mark.x), y_axis.place(mark.y)
            group.append(draw_mark(x, y, shape, _tell(series.name, mark)))
    return group


def _group(place: int) -> Element:
    return element("g", class_=f"series shade-{look_of(place)[0]}", data_series=str(place))


def _tell(name: str, mark: Mark) -> str:
    """Return what is told of a mark: its hint, or its values; and its series, if not in there."""
    told = mark.hint or f"{mark.x:.4g}, {tell_interval(mark.y, mark.low, mark.high)}"
    return told if name in told else f"{name}\n{told}"


def _legend(shown: Sequence[Series]) -> list[Entry]:
    """Return an entry per series; a lone cloud of marks needs none."""
    if len(shown) == 1 and not (shown[0].line and shown[0].name):
        return []
    return [Entry(one.name, *look_of(place), one.line) for place, one in enumerate(shown)]


def _describe(chart: Chart) -> str:
    count = len(chart.series)
    names = ", ".join(one.name for one in chart.series if one.name)
    told = f"{chart.y} over {chart.x}, {count} series" + (f": {names}" if names else "")
    return f"{told}. Arrow keys go from mark to mark."
