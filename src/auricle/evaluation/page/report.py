"""A report as a folder: a page to look at, Markdown to read, JSON to compute with."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auricle.core.errors import MissingDependencyError
from auricle.evaluation.page.blocks import Page
from auricle.evaluation.page.markdown import to_markdown
from auricle.evaluation.page.write import write_page


def write_report(
    page: Page, facts: Mapping[str, Any], folder: Path, *, folded: bool = True
) -> list[str]:
    """Write `report.json`, `report.md` and `report.html`; return in words what is left out.

    `facts` are plain data; numbers that JSON does not have, such as infinity, become null. Without
    Jinja2 there is no `report.html`. The folder is made. Unless `folded` sections are wanted, the
    Markdown goes without them.

    >>> import tempfile
    >>> write_report(Page("Codecs", "Two.", []), {"codecs": 2}, Path(tempfile.mkdtemp()))
    []
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_undefine(facts), indent=2, allow_nan=False) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")
    (folder / "report.md").write_text(to_markdown(page, folded=folded), encoding="utf-8")
    try:
        write_page(page, folder / "report.html")
    except MissingDependencyError as error:
        return [f"report.html is left out: {error}"]
    return []


def _undefine(value: Any) -> Any:  # noqa: ANN401 - any JSON
    match value:
        case Mapping():
            return {name: _undefine(one) for name, one in value.items()}
        case list() | tuple():
            return [_undefine(one) for one in value]
        case float() if not math.isfinite(value):
            return None
    return value
