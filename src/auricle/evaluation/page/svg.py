"""Drawing in SVG: elements whose attributes and text cannot break the markup."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element


def element(tag: str, *children: Element | str, **attributes: str | float) -> Element:
    """Return an element; text goes before its children, `font_size` means `font-size`.

    Numbers are written to a hundredth, which is finer than any screen.

    >>> to_markup(element("text", "a < b", x=1.0, class_="axis"))
    '<text x="1" class="axis">a &lt; b</text>'
    """
    own = {
        name.rstrip("_").replace("_", "-"): value if isinstance(value, str) else write(value)
        for name, value in attributes.items()
    }
    made = Element(tag, own)
    for child in children:
        if isinstance(child, str):
            made.text = (made.text or "") + child
        else:
            made.append(child)
    return made


def path_of(points: Iterable[tuple[float, float]]) -> str:
    """Return the path data that joins points by straight lines.

    >>> path_of([(0.0, 1.0), (2.5, 3.0)])
    'M0 1L2.5 3'
    """
    return "M" + "L".join(f"{write(x)} {write(y)}" for x, y in points)


def write(number: float) -> str:
    """Return a coordinate as text.

    >>> write(12.3456), write(3.0)
    ('12.35', '3')
    """
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def to_markup(drawing: Element) -> str:
    """Return an element as text that may stand in HTML and is well-formed XML."""
    return ElementTree.tostring(drawing, encoding="unicode")
