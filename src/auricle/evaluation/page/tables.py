"""Tables as the page shows them: which columns are numbers, and what cells are sorted by."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from auricle.evaluation.page.blocks import Cell, Table

# A number as it stands in tables: with a sign, a unit, and what is told behind it in brackets.
_NUMBER = re.compile(
    r"([-+\N{MINUS SIGN}]?[\d,]*\.?\d+(?:e[-+]?\d+)?)\s?[%x]?\s*([\[(±].*)?",
    re.IGNORECASE | re.DOTALL,
)
# An interval without a number before it: its low end stands for it.
_ENDS = re.compile(r"\[([-+\N{MINUS SIGN}]?\d*\.?\d+), [-+\N{MINUS SIGN}]?\d*\.?\d+\]")
_INTERVAL = re.compile(r"(.*?\S)\s+([\[(±].*)", re.DOTALL)
# What stands in the place of a number: a dash, or a word.
_NO_NUMBER = re.compile(r"\D*(\(.*\))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ShownCell:
    """A cell taken apart: the interval behind its number, and the number it is sorted by."""

    text: str
    interval: str
    order: float | None
    hint: str
    best: bool


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table with equally long rows; `numeric` tells which columns stand to the right."""

    caption: str
    header: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[ShownCell, ...], ...]
    hints: bool


def show_table(table: Table) -> ShownTable:
    """Return what the page shows of a table; short rows are filled with empty cells.

    >>> shown = show_table(Table(("metric", "SRCC"), [("a", "0.91 [0.88, 0.94]"), ("b", "-")]))
    >>> shown.numeric, shown.rows[0][1].text, shown.rows[0][1].interval, shown.rows[0][1].order
    ((False, True), '0.91', '[0.88, 0.94]', 0.91)
    """
    width = max([len(table.header), *(len(row) for row in table.rows)])
    header = (*table.header, *[""] * (width - len(table.header)))
    filled = [[*row, *[""] * (width - len(row))] for row in table.rows]
    columns = [[_as_cell(one) for one in column] for column in zip(*filled, strict=True)]
    numeric = tuple(
        place > 0 and _is_numeric(columns[place] if columns else []) for place in range(width)
    )
    shown = [
        [_show_cell(cell, right) for cell in column]
        for column, right in zip(columns, numeric, strict=False)
    ]
    rows = tuple(zip(*shown, strict=True))
    hints = any(cell.hint for row in rows for cell in row)
    return ShownTable(table.caption, header, numeric, rows, hints)


def _as_cell(cell: str | Cell) -> Cell:
    return cell if isinstance(cell, Cell) else Cell(cell)


def _is_numeric(column: list[Cell]) -> bool:
    """Tell whether there are numbers, and no other text with digits."""
    orders = [_order(cell) for cell in column]
    others = (cell for cell, order in zip(column, orders, strict=True) if order is None)
    return len(set(orders)) > (None in orders) and all(
        _NO_NUMBER.fullmatch(cell.text) for cell in others
    )


def _show_cell(cell: Cell, numeric: bool) -> ShownCell:
    found = _INTERVAL.fullmatch(cell.text) if numeric else None
    text, interval = found.groups() if found else (cell.text, "")
    return ShownCell(text, interval, _order(cell), cell.hint, cell.best)


def _order(cell: Cell) -> float | None:
    if cell.order is not None:
        return cell.order if math.isfinite(cell.order) else None
    found = _NUMBER.fullmatch(cell.text.strip()) or _ENDS.fullmatch(cell.text.strip())
    if found is None:
        return None
    return float(found[1].replace(",", "").replace("\N{MINUS SIGN}", "-"))
