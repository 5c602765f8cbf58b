"""Drawings are well-formed, hold every mark that can be drawn, and tell what they leave out."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluation.page.demo import make_demo

from auricle.evaluation.page.blocks import (
    Bar,
    Block,
    Box,
    Boxes,
    Chart,
    Intervals,
    Mark,
    Page,
    Section,
    Series,
)
from auricle.evaluation.page.write import render_page

NAN, INF = float("nan"), float("inf")
ANY = st.floats(allow_nan=True, allow_infinity=True, width=32)
MARKS = st.builds(Mark, x=ANY, y=ANY, hint=st.text(), low=st.none() | ANY, high=st.none() | ANY)
SERIES = st.builds(Series, st.text(), st.lists(MARKS, max_size=4), st.booleans())
CHARTS = st.builds(
    Chart,
    st.text(),
    st.text(),
    st.text(),
    st.lists(SERIES, max_size=3),
    st.none() | st.tuples(ANY, ANY),
    st.none() | st.tuples(ANY, ANY),
    st.booleans(),
    st.booleans(),
)
BARS = st.builds(Bar, st.text(), ANY, ANY, ANY, st.text())
INTERVALS = st.builds(Intervals, st.text(), st.text(), st.lists(BARS, max_size=3), st.none() | ANY)
BOX = st.builds(
    Box, st.text(), ANY, ANY, ANY, ANY, ANY, st.lists(ANY, max_size=2), st.none() | ANY, st.text()
)
BOXES = st.builds(
    Boxes, st.text(), st.text(), st.lists(BOX, max_size=3), st.none() | st.tuples(ANY, ANY)
)


def drawings(*blocks: Block) -> list[Element]:
    """Return the drawings of a page with these blocks, as an XML parser reads them."""
    html = render_page(Page("", "", [Section("", blocks)]))
    found = re.findall(r'<div class="scroll">(<svg.*?)</div>', html, re.DOTALL)
    return [ElementTree.fromstring(one) for one in found]


def titles(drawing: Element) -> list[str]:
    return [one.text or "" for one in drawing.iter("title")]


@settings(max_examples=80, deadline=None)
@given(CHARTS | INTERVALS | BOXES)
def test_no_values_and_no_names_break_a_drawing(block: Block) -> None:
    for drawing in drawings(block):
        for element in drawing.iter():
            for name, value in element.attrib.items():
                if name in {"x", "y", "d", "width", "height", "cy", "points", "viewBox"}:
                    assert "nan" not in value
                    assert "inf" not in value


def test_all_drawings_of_a_page_are_pictures_with_a_name_and_a_description() -> None:
    found = drawings(*(block for section in make_demo().sections for block in section.blocks))
    assert len(found) == 7
    for drawing in found:
        assert drawing.get("role") == "img"
        assert drawing.get("aria-label")
        assert drawing.findtext("desc")


def test_marks_without_a_value_are_left_out_and_told() -> None:
    marks = [Mark(1, 2), Mark(NAN, 2), Mark(2, INF), Mark(3, 4, low=NAN, high=5)]
    page = Page("", "", [Section("", [Chart("", "", "", [Series("a", marks)])])])
    assert "2 marks without a value are not drawn." in render_page(page)
    (drawing,) = drawings(Chart("", "", "", [Series("a", marks)]))
    assert titles(drawing) == ["a\n1, 2", "a\n3, 4"]


def test_a_logarithmic_axis_has_no_place_for_zero() -> None:
    chart = Chart("", "", "", [Series("", [Mark(0, 1), Mark(64, 2)])], logarithmic=True)
    (drawing,) = drawings(chart)
    assert titles(drawing) == ["64, 2"]


def test_octaves_are_equally_wide() -> None:
    marks = [Mark(rate, 1) for rate in (16, 32, 64, 128)]
    (drawing,) = drawings(Chart("", "", "", [Series("", marks)], logarithmic=True))
    places = [float(one.get("x", "")) for one in drawing.iter("use")]
    steps = [b - a for a, b in pairwise(places)]
    assert max(steps) - min(steps) < 0.02


def test_named_ticks_take_the_place_of_numbers_and_do_not_run_into_each_other() -> None:
    ticks = [(0, "clean"), (1, "128k"), (2, "a long name"), (2.1, "another"), (9, "beyond")]
    marks = [Mark(place, 1) for place in range(4)]
    (drawing,) = drawings(Chart("", "", "", [Series("", marks)], ticks=ticks))
    texts = [one.text for one in drawing.iter("text") if one.get("text-anchor") == "middle"]
    assert [text for text in texts if text] == ["clean", "128k", "a long name"]


def test_marks_beyond_given_axes_are_told_but_lines_go_on_to_them() -> None:
    chart = Chart("", "", "", [Series("a", [Mark(1, 1), Mark(2, 9)], line=True)], y_range=(0, 5))
    html = render_page(Page("", "", [Section("", [chart])]))
    assert "1 mark beyond the axes is not drawn." in html
    (drawing,) = drawings(chart)
    assert len(titles(drawing)) == 1
    (line,) = [one for one in drawing.iter("path") if "line" in one.get("class", "")]
    assert float(line.get("d", "").split()[-1]) < 0


def test_a_line_joins_its_marks_from_left_to_right() -> None:
    chart = Chart("", "", "", [Series("a", [Mark(3, 1), Mark(1, 1), Mark(2, 1)], line=True)])
    (drawing,) = drawings(chart)
    (line,) = [one for one in drawing.iter("path") if "line" in one.get("class", "")]
    places = [float(one.split()[0]) for one in line.get("d", "")[1:].split("L")]
    assert places == sorted(places)


def test_intervals_tell_their_name_once_and_long_names_in_full() -> None:
    long = "a metric whose name is longer than any row has room for"
    bars = [Bar("snr", 0.5, 0.4, 0.6, "snr: 0.5"), Bar(long, 0.2, 0.1, 0.3)]
    (drawing,) = drawings(Intervals("", "SRCC", bars, at=0.9))
    assert titles(drawing) == ["snr: 0.5", f"{long}\n0.2 [0.1, 0.3]"]


def test_boxes_reach_all_values_and_tell_their_numbers() -> None:
    box = Box("opus", 10, 20, 30, 40, 50, outliers=(120.0,), mean=31)
    (drawing,) = drawings(Boxes("", "", [box], y_range=(0, 100)))
    (outlier,) = drawing.iter("circle")
    assert float(outlier.get("cy", "")) >= 32
    (told,) = titles(drawing)
    assert told == ("opus\nmedian 30, quartiles 20 and 40, whiskers 10 to 50, mean 31, outliers: 1")
