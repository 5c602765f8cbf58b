"""Box plots side by side, drawn in SVG."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from auricle.evaluation.page.axes import LETTER, LINE, Axis, draw_y_axis, span_values, tick_width
from auricle.evaluation.page.blocks import Box, Boxes
from auricle.evaluation.page.figures import (
    WIDTH,
    Figure,
    count_left,
    draw_frame,
    draw_mark,
    finish,
    is_known,
    shorten,
)
from auricle.evaluation.page.svg import element

_TOP = 32.0
_BOTTOM = 344.0
_MARGIN = 14.0
_FLAT = 1.6 * LINE
_NARROWEST = 40.0
_WIDEST_BOX = 44.0
_MOST_LETTERS = 20
_MEAN_SHAPE = 3
# Names that are wider than their box lean: cosine and sine of 50 degrees.
_LEAN = 50
_ALONG, _DOWN = 0.643, 0.766


def draw_boxes(boxes: Boxes) -> Figure:
    """Return a drawing of box plots: whiskers, quartiles, median, outliers and mean."""
    shown = [box for box in boxes.boxes if is_known(*_numbers(box))]
    notes = count_left(len(boxes.boxes) - len(shown), "box", "without its five numbers")
    if not shown:
        return Figure(boxes.title, notes=notes)
    names = [shorten(box.name, _MOST_LETTERS) for box in shown]
    axis = _lay_axis(boxes, shown)
    left, slot, depth = _lay_names(names, tick_width(axis))
    right = left + slot * len(shown)
    frame = draw_frame(right + _MARGIN, _BOTTOM + depth, boxes.title, _describe(boxes))
    frame.append(draw_y_axis(axis, left, right, boxes.axis))
    columns = element("g", class_="series shade-0")
    for place, (box, name) in enumerate(zip(shown, names, strict=True)):
        middle = left + slot * (place + 0.5)
        column = _draw_box(box, middle, slot, axis)
        column.append(_draw_name(name, middle, lean=depth > _FLAT))
        columns.append(column)
    frame.append(columns)
    return finish(boxes.title, frame, (), notes)


def _numbers(box: Box) -> tuple[float, ...]:
    return box.low, box.first, box.median, box.third, box.high


def _outliers(box: Box) -> list[float]:
    return [one for one in box.outliers if is_known(one)]


def _lay_axis(boxes: Boxes, shown: list[Box]) -> Axis:
    """Return the vertical axis; it reaches all values, even beyond the range asked for."""
    values = [one for box in shown for one in (*_numbers(box), *_outliers(box))]
    values += [box.mean for box in shown if box.mean is not None and is_known(box.mean)]
    low, high = span_values(values, boxes.y_range)
    return Axis(min(low, *values), max(high, *values), _BOTTOM, _TOP)


def _lay_names(names: list[str], ticks: float) -> tuple[float, float, float]:
    """Return where the plot starts, how wide its columns are, and the depth of names below."""
    longest = max(map(len, names)) * LETTER
    slot = max(_NARROWEST, (WIDTH - ticks - _MARGIN) / len(names))
    if longest <= slot:
        return ticks, slot, _FLAT
    left = max(ticks, longest * _ALONG - slot / 2)
    slot = max(_NARROWEST, (WIDTH - left - _MARGIN) / len(names))
    return left, slot, longest * _DOWN + LINE


def _draw_name(name: str, middle: float, *, lean: bool) -> Element:
    y = _BOTTOM + LINE
    if not lean:
        return element("text", name, x=middle, y=y, text_anchor="middle")
    turn = f"rotate(-{_LEAN} {middle:.2f} {y - 4:g})"
    return element("text", name, x=middle + 4, y=y - 4, text_anchor="end", transform=turn)


def _draw_box(box: Box, middle: float, slot: float, axis: Axis) -> Element:
    """Return a box that tells its numbers wherever its column is touched."""
    half = min(_WIDEST_BOX, slot * 0.6) / 2
    low, first, median, third, high = (axis.place(one) for one in _numbers(box))
    left, right = middle - half, middle + half
    ends = "".join(f"M{middle - half / 2:.2f} {y:.2f}h{half:.2f}" for y in (low, high))
    whiskers = f"M{middle:.2f} {low:.2f}V{first:.2f}M{middle:.2f} {third:.2f}V{high:.2f}{ends}"
    column = element(
        "g",
        element("title", _tell(box)),
        element(
            "rect", class_="area", x=middle - slot / 2, y=_TOP, width=slot, height=_BOTTOM - _TOP
        ),
        element("path", class_="whisker", d=whiskers),
        element("rect", class_="box", x=left, y=third, width=2 * half, height=first - third),
        element("path", class_="median", d=f"M{left:.2f} {median:.2f}H{right:.2f}"),
        class_="mark column",
    )
    for one in _outliers(box):
        column.append(element("circle", class_="outlier", cx=middle, cy=axis.place(one), r=3.0))
    if box.mean is not None and is_known(box.mean):
        column.append(draw_mark(middle, axis.place(box.mean), _MEAN_SHAPE))
    return column


def _tell(box: Box) -> str:
    told = box.hint or (
        f"median {box.median:.4g}, quartiles {box.first:.4g} and {box.third:.4g},"
        f" whiskers {box.low:.4g} to {box.high:.4g}"
        + (f", mean {box.mean:.4g}" if is_known(box.mean) else "")
        + (f", outliers: {len(_outliers(box))}" if _outliers(box) else "")
    )
    return told if box.name in told else f"{box.name}\n{told}"


def _describe(boxes: Boxes) -> str:
    means = "; diamonds are means" if any(is_known(box.mean) for box in boxes.boxes) else ""
    return f"{boxes.axis} as {len(boxes.boxes)} box plots{means}. Arrow keys go from box to box."
