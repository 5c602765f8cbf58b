"""Report pages as one HTML file that needs nothing else: style and script stand in it."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auricle.core.errors import MissingDependencyError
from auricle.evaluation.page.blocks import (
    Block,
    Boxes,
    Chart,
    Intervals,
    Page,
    Section,
    Table,
    Text,
)
from auricle.evaluation.page.boxes import draw_boxes
from auricle.evaluation.page.charts import draw_chart
from auricle.evaluation.page.figures import SHAPES
from auricle.evaluation.page.intervals import draw_intervals
from auricle.evaluation.page.tables import show_table

if TYPE_CHECKING:
    from jinja2 import Template

# What XML does not allow: control characters, and halves of surrogate pairs from odd file names.
_NOT_TEXT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# More sections than this are listed only when asked for; longer names may break within.
_MOST_LISTED = 15
_LONG_NAME = 12


def write_page(page: Page, path: Path) -> None:
    """Write a report page as one self-contained HTML file; folders are made.

    Raises `MissingDependencyError` without Jinja2.
    """
    html = render_page(page)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")


def render_page(page: Page) -> str:
    """Return a report page as HTML that loads nothing: neither scripts nor styles nor fonts.

    Raises `MissingDependencyError` without Jinja2.

    >>> from auricle.evaluation.page.blocks import Page, Section, Text
    >>> html = render_page(Page("Codecs", "A < B.", [Section("Means", [Text("None.")])]))
    >>> "<h1>Codecs</h1>" in html, "A &lt; B." in html
    (True, True)
    """
    style, script = _read("style.css"), _read("page.js")
    before = ["", *(one.part for one in page.sections)]
    sections = [
        _show_section(one, place, one.part if one.part != part else "")
        for place, (one, part) in enumerate(zip(page.sections, before, strict=False), start=1)
    ]
    html = _template().render(
        page=page,
        sections=sections,
        contents=[one for one in sections if one["listed"]],
        most_listed=_MOST_LISTED,
        shapes=SHAPES,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    return _NOT_TEXT.sub("\N{REPLACEMENT CHARACTER}", html)


@cache
def _template() -> Template:
    try:
        from jinja2 import Environment, StrictUndefined
    except ModuleNotFoundError as error:
        raise MissingDependencyError("jinja2", extra="report") from error
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"code": _mark_code, "breakable": _allow_breaks}
    return environment.from_string(_read("page.html.jinja"))


def _show_section(section: Section, place: int, begins: str) -> dict[str, Any]:
    """Return what the template shows of a section; neighbouring figures share a grid.

    `begins` is the name of the part that begins here. Contents list parts, and open sections that
    are in none.
    """
    groups = groupby(section.blocks, key=lambda one: not isinstance(one, Text | Table))
    return {
        "title": section.title,
        "begins": begins,
        "level": "h3" if section.part else "h2",
        "listed": begins if section.part else not section.folded,
        "folded": section.folded,
        "anchor": f"section-{place}",
        "groups": [(figures, [_show_block(one) for one in blocks]) for figures, blocks in groups],
    }


def _show_block(block: Block) -> dict[str, Any]:
    match block:
        case Text():
            return {"kind": "text", "text": block.text}
        case Table():
            return {"kind": "table", "table": show_table(block)}
        case Chart():
            return {"kind": "figure", "figure": draw_chart(block)}
        case Intervals():
            return {"kind": "figure", "figure": draw_intervals(block)}
        case Boxes():
            return {"kind": "figure", "figure": draw_boxes(block)}


def _mark_code(text: str) -> str:
    """Return text as HTML in which words between backticks are code."""
    from markupsafe import Markup

    parts = re.split(r"`([^`]+)`", text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part
        for place, part in enumerate(parts)
    )


def _allow_breaks(name: str) -> str:
    """Return a name as HTML; long ones may go on in the next line after a slash or underscore."""
    from markupsafe import Markup

    parts = re.split(r"(?<=[/_])(?=.)", name) if len(name) > _LONG_NAME else [name]
    return Markup("<wbr>").join(parts)


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the word that allows an inline style or script in a Content-Security-Policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
