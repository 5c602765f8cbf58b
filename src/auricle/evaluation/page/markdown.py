"""Report pages as Markdown: headings, paragraphs and tables; pictures are left to HTML."""

from __future__ import annotations

from collections.abc import Sequence

from auricle.evaluation.page.blocks import Cell, Page, Table, Text


def to_markdown(page: Page, *, folded: bool = True) -> str:
    """Return a report page as Markdown, with its folded sections or without.

    >>> from auricle.evaluation.page.blocks import Section
    >>> table = Table(("codec", "score"), [("opus", Cell("80", best=True))])
    >>> print(to_markdown(Page("Codecs", "Two.", [Section("Means", [table])])), end="")
    # Codecs
    <BLANKLINE>
    Two.
    <BLANKLINE>
    ## Means
    <BLANKLINE>
    | codec | score |
    |---|---|
    | opus | **80** |
    """
    parts = [f"# {page.title}", page.summary]
    if page.facts:
        parts.append("\n".join(f"- {name}: {fact}" for name, fact in page.facts))
    part = ""
    for section in page.sections:
        if not any(isinstance(block, Text | Table) for block in section.blocks):
            continue
        if section.folded and not folded:
            continue
        if section.part and section.part != part:
            parts.append(f"## {section.part}")
        part = section.part
        parts.append(f"{'###' if part else '##'} {section.title}")
        for block in section.blocks:
            if isinstance(block, Text):
                parts.append(block.text)
            elif isinstance(block, Table):
                parts += [block.caption] * bool(block.caption) + [_show_table(block)]
    return "\n\n".join(parts) + "\n"


def read_cell(cell: str | Cell) -> str:
    """Return what is read in a cell."""
    return cell if isinstance(cell, str) else cell.text


def _show_table(table: Table) -> str:
    lines = [_line(table.header), "|" + "---|" * len(table.header)]
    return "\n".join([*lines, *(_line([_mark(cell) for cell in row]) for row in table.rows)])


def _mark(cell: str | Cell) -> str:
    text = read_cell(cell)
    return f"**{text}**" if isinstance(cell, Cell) and cell.best and text else text


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
