"""What panels said, as a page, as JSON, and as a table of the ratings that count."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from auricle.evaluation.page.blocks import Page
from auricle.evaluation.page.report import write_report
from auricle.evaluation.panel_results import CONFIDENCE, PanelResult, estimate_mean
from auricle.evaluation.ratings_sections import describe_panel

_COLUMNS = (
    *("test", "attribute", "listener", "item", "system", "role", "score", "scale", "trial"),
    *("file", "reference"),
)


def to_page(results: Sequence[PanelResult], notes: Sequence[str] = ()) -> Page:
    """Return the report; each of several questions is a part of its own."""
    sections = []
    for one in results:
        part = f"{one.test} / {one.attribute}" if len(results) > 1 else ""
        sections += [replace(found, part=part) for found in describe_panel(one)]
    facts = [("Auricle", version("auricle")), *(("Note", note) for note in notes)]
    title = f"{results[0].test} / {results[0].attribute}" if len(results) == 1 else "Ratings"
    return Page(title, _summarise(results), sections, facts)


def _summarise(results: Sequence[PanelResult]) -> str:
    """Say what the brackets are that there are."""
    if not any(one.ratings or any(map(estimate_mean, one.means)) for one in results):
        return "Means as they were told. Nothing tells how sure they are."
    told = "Brackets hold 95% intervals. A mean's is over listeners, with the items as they are"
    if any(one.contrasts for one in results):
        told += "; a difference's lets listeners and items stand for others"
    return f"{told}."


def to_json(results: Sequence[PanelResult], notes: Sequence[str] = ()) -> dict[str, Any]:
    """Return everything but single ratings as plain data."""
    return {
        "notes": list(notes),
        "confidence": CONFIDENCE,
        "questions": [_to_plain(one) for one in results],
    }


def write_ratings(results: Sequence[PanelResult], notes: Sequence[str], folder: Path) -> list[str]:
    """Write `report.html`, `report.md`, `report.json` and `screened.csv`; say what is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_kept(results, folder / "screened.csv")
    return write_report(to_page(results, notes), to_json(results, notes), folder)


def _write_kept(results: Sequence[PanelResult], path: Path) -> None:
    """Write the ratings that count as a table that `read_ratings` reads."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for found in results:
            scale = f"{found.scale.low:g}-{found.scale.high:g}"
            for one in found.ratings:
                writer.writerow(
                    (
                        *(one.test, one.attribute, one.listener, one.item, one.system, one.role),
                        *(f"{one.score:.10g}", scale, one.trial, one.stimulus, one.reference),
                    )
                )


def _to_plain(one: PanelResult) -> dict[str, Any]:
    model = None
    if one.model:
        model = {
            "ratings": one.model.ratings,
            "components": [asdict(found) for found in one.model.components],
            "warnings": list(one.model.warnings),
        }
    screening = None
    if one.screening:
        excluded = {"kept": one.screening.kept, "excluded": one.screening.excluded}
        screening = {**asdict(one.screening), **excluded}
    names = ("scale", "deviation", "ceiling", "precision", "plan")
    lists = ("systems", "stimuli", "means", "averages", "contrasts")
    return {
        "test": one.test,
        "attribute": one.attribute,
        "ratings": len(one.ratings),
        "screening": screening,
        "model": model,
        **{name: asdict(value) if (value := getattr(one, name)) else None for name in names},
        **{name: [asdict(found) for found in getattr(one, name)] for name in lists},
        "notes": list(one.notes),
    }
