"""Report pages on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid

if TYPE_CHECKING:
    from auricle.evaluation.page.blocks import Page, Table

# For files and pipes tables need not fold.
_WIDTH = 10_000
_REASONS = 3


def print_page(page: Page, saved: Path | None = None) -> None:
    """Print what stands open in a report; pictures and folded sections are left to files.

    `saved` is the folder that the report was written to, if it was.
    """
    from auricle.evaluation.page.blocks import Table, Text

    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH
    # What reads a pipe wants whole lines.
    whole = not console.is_terminal
    console.print(f"{page.title}\n{page.summary}", soft_wrap=whole)
    part = ""
    for section in page.sections:
        blocks = [one for one in section.blocks if isinstance(one, Text | Table)]
        if section.folded or not blocks:
            continue
        if section.part and section.part != part:
            console.print(f"\n{section.part}\n{'=' * len(section.part)}", style="bold")
        part = section.part
        console.print(f"\n{section.title}", style="bold")
        for block in blocks:
            if isinstance(block, Text):
                console.print(block.text, soft_wrap=whole)
                continue
            console.print(_lay_out(block))
            if block.caption:
                console.print(block.caption, soft_wrap=whole)
    if saved is not None:
        # Without Jinja2 there is no page.
        names = ("report.html", "report.md")
        whole_report = next(filter(Path.exists, (saved / name for name in names)), saved)
        console.print(f"\nThe whole report: {whole_report}", style="dim", soft_wrap=True)
    elif folded := dict.fromkeys(one.title for one in page.sections if one.folded):
        titles = ", ".join(folded)
        console.print(f"\n--output DIR writes more: {titles}", style="dim", soft_wrap=whole)
    for name, fact in page.facts:
        console.print(f"{name}: {fact}", style="dim", soft_wrap=whole)


def join_reasons(reasons: Sequence[str]) -> str:
    """Return why nothing came out as one line: the first few of equal or different reasons."""
    told = list(dict.fromkeys(reasons))
    more = [f"and {len(told) - _REASONS} more"] if len(told) > _REASONS else []
    return "; ".join([*told[:_REASONS], *more])


def print_warnings(texts: Iterable[str]) -> None:
    """Print what went amiss on standard error, a line each."""
    console = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)
    for text in texts:
        console.print(f"auricle: warning: {text}")


def _lay_out(table: Table) -> Grid:
    from auricle.evaluation.page.markdown import read_cell

    grid = Grid(box=None, pad_edge=False)
    for name in table.header:
        grid.add_column(name)
    for row in table.rows:
        grid.add_row(*(read_cell(cell) for cell in row))
    return grid
