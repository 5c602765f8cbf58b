"""What a report page is made of: plain data, which `auricle.evaluation.page.write` lays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of plain text; `code` words stand between backticks."""

    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: what is read, what it is sorted by, and what is told on hovering.

    `best` marks the best of its column (or row). Without `order`, text that is a number (with an
    interval in brackets behind it) is sorted as that number.
    """

    text: str
    order: float | None = None
    hint: str = ""
    best: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose columns can be sorted; cells are text, or a `Cell`. First column: names."""

    header: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point `(x, y)` with what is told on hovering and the range of y that is uncertain.

    Without a hint the values are told. Marks whose x or y is not finite are counted, not drawn.
    """

    x: float
    y: float
    hint: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Marks that belong together, by colour and shape, under a name; `line` joins them by x."""

    name: str
    marks: Sequence[Mark]
    line: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Series over x and y axes. Ends of axes follow the marks where `x_range` or `y_range` is None.

    Intervals of marks are bars, those of lines bands. With `diagonal` the line y = x is drawn, and
    `logarithmic` spaces x by octaves. `ticks` are values of x and how they are called, in place of
    round numbers.
    """

    title: str
    x: str
    y: str
    series: Sequence[Series]
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    diagonal: bool = False
    logarithmic: bool = False
    ticks: Sequence[tuple[float, str]] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """A named value with its interval, a row of `Intervals`; without a hint both are told."""

    name: str
    value: float
    low: float
    high: float
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Values with intervals, one row each, along one horizontal axis; `at` is a line to compare."""

    title: str
    axis: str
    bars: Sequence[Bar]
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A box plot's five numbers, outliers and mean (None: not drawn), under a name.

    Without a hint the numbers are told. Boxes whose five numbers are not finite are not drawn.
    """

    name: str
    low: float
    first: float
    median: float
    third: float
    high: float
    outliers: Sequence[float] = ()
    mean: float | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Box plots side by side over one vertical axis."""

    title: str
    axis: str
    boxes: Sequence[Box]
    y_range: tuple[float, float] | None = None


Block = Text | Table | Chart | Intervals | Boxes


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and what stands below it; `folded` sections open on a click (and when printed).

    Neighbours of the same `part` stand together below its name.
    """

    title: str
    blocks: Sequence[Block]
    folded: bool = False
    part: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A report: its title, a sentence or two on what it is, and its sections."""

    title: str
    summary: str
    sections: Sequence[Section]
    facts: Sequence[tuple[str, str]] = field(default_factory=tuple)
    """Small print: version, date, command."""
