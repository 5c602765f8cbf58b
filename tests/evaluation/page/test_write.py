"""Pages are one file that loads nothing, in which no text becomes markup."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluation.page.demo import make_demo

from auricle.core.errors import MissingDependencyError
from auricle.evaluation.page import write
from auricle.evaluation.page.blocks import (
    Bar,
    Cell,
    Chart,
    Intervals,
    Mark,
    Page,
    Section,
    Series,
    Table,
    Text,
)
from auricle.evaluation.page.markdown import to_markdown
from auricle.evaluation.page.write import render_page, write_page

ODD = '</script><b onclick="x">\'&amp;\n\x00\udc80 ü漢字'
SCHEMES = ("light", "dark")


class Tags(HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def page_of(text: str) -> Page:
    """Return a page in which one text stands wherever text can stand."""
    cell = Cell(text, hint=text, best=True)
    series = [Series(text, [Mark(1, 2, text)]), Series(text, [Mark(2, 1)], line=True)]
    blocks = [
        Text(text),
        Table([text, text], [[text, cell]], text),
        Chart(text, text, text, series),
        Intervals(text, text, [Bar(text, 1, 0, 2, text)]),
    ]
    return Page(text, text, [Section(text, blocks), Section(text, [], folded=True)], [(text, text)])


@settings(max_examples=40, deadline=None)
@given(st.text() | st.just(ODD))
def test_text_never_becomes_markup(text: str) -> None:
    plain = [tag for tag, _ in Tags(render_page(page_of("plain"))).found]
    odd = [tag for tag, _ in Tags(render_page(page_of(text.replace("`", "")))).found]
    # Without any text there is neither a summary nor a caption.
    optional = {"p", "caption", "span", "title", "wbr"}
    assert [one for one in odd if one not in optional] == [
        one for one in plain if one not in optional
    ]


def test_words_between_backticks_are_code() -> None:
    html = render_page(Page("", "", [Section("", [Text("Run `a < b` and ` alone.")])]))
    assert "Run <code>a &lt; b</code> and ` alone." in html


def test_odd_file_names_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "page.html"
    write_page(page_of(ODD), path)
    assert "ü漢字" in path.read_text(encoding="utf-8")


def test_a_page_refers_to_nothing_outside_itself() -> None:
    found = Tags(render_page(make_demo())).found
    for tag, attributes in found:
        assert tag not in {"img", "iframe", "object", "embed", "base"}
        for name in ("src", "href", "action", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in render_page(make_demo())


def test_anchors_are_unique_and_links_lead_to_them() -> None:
    found = Tags(render_page(make_demo())).found
    names = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(names) == len(set(names))
    targets = {attributes["href"] for tag, attributes in found if tag in {"a", "use"}}
    assert targets <= {f"#{name}" for name in names}


def test_headings_are_in_order() -> None:
    tags = [tag for tag, _ in Tags(render_page(make_demo())).found]
    levels = [int(tag[1]) for tag in tags if tag in {"h1", "h2", "h3", "h4"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize(("count", "folds"), [(1, 0), (15, 0), (16, 1)])
def test_long_lists_of_contents_are_folded(count: int, folds: int) -> None:
    sections = [Section(f"part {place}", []) for place in range(count)]
    tags = Tags(render_page(Page("", "", sections))).found
    assert sum(tag == "a" for tag, _ in tags) == (count if count > 1 else 0)
    assert sum(tag == "details" for tag, _ in tags) == folds


def test_contents_list_parts_instead_of_their_sections() -> None:
    text = [Text("Some.")]
    sections = [
        Section("first", text),
        Section("hidden", text, folded=True),
        *(Section(title, text, part=part) for part in ("one", "two") for title in ("is", "has")),
        Section("last", text),
    ]
    page = Page("", "", sections)
    html = render_page(page)
    found = Tags(html).found
    targets = [attributes["href"] for tag, attributes in found if tag == "a"]
    assert targets == ["#section-1", "#section-3-part", "#section-5-part", "#section-7"]
    assert set(targets) <= {f"#{attributes.get('id')}" for _, attributes in found}
    levels = [tag for tag, _ in found if tag in {"h2", "h3"}]
    assert levels == ["h2", "h2", "h2", "h3", "h3", "h2", "h3", "h3", "h2"]
    headings = [line for line in to_markdown(page).splitlines() if line.startswith("#")]
    assert headings[3:7] == ["## one", "### is", "### has", "## two"]
    assert headings[-1] == "## last"


def test_long_headers_may_break_and_short_units_may_not() -> None:
    table = Table(("kb/s", "p835_fb48/overall"), [("a", "b")])
    html = render_page(Page("", "", [Section("", [table])]))
    assert ">kb/s<" in html
    assert "p835_<wbr>fb48/<wbr>overall" in html


def test_what_is_empty_is_said() -> None:
    html = render_page(
        Page("", "", [Section("", [Table(["a"], [], "Clips"), Chart("", "", "", [])])])
    )
    assert "Clips: there is nothing to show." in html
    assert "There is nothing to draw." in html


def test_without_jinja_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    write._template.cache_clear()
    with pytest.raises(MissingDependencyError, match=r"auricle\[report\]"):
        render_page(Page("", "", []))


def colours(scheme: str) -> dict[str, str]:
    style = resources.files("auricle.evaluation.page").joinpath("style.css").read_text("utf-8")
    block = style.split(":root {")[1 + SCHEMES.index(scheme)].split("}")[0]
    return dict(re.findall(r"--([\w-]+): (#\w{6});", block))


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours (WCAG 2.2, "contrast ratio")."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_and_series_stand_out(scheme: str) -> None:
    known = colours(scheme)
    for ground in ("ground", "surface", "raised"):
        for text in ("ink", "soft", "accent"):
            assert contrast(known[text], known[ground]) >= 4.5, (text, ground)
        for series in (name for name in known if name.startswith("series-")):
            assert contrast(known[series], known[ground]) >= 3, (series, ground)
