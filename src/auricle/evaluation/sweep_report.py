"""A sweep as a page, as Markdown, as JSON, and as a table of all points."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from auricle.core.errors import MissingDependencyError
from auricle.evaluation.page.blocks import Page, Section
from auricle.evaluation.page.markdown import to_markdown
from auricle.evaluation.page.write import write_page
from auricle.evaluation.sweep import Sweep
from auricle.evaluation.sweep_tables import (
    INTERPOLATIONS,
    SweepReport,
    show_losses,
    sweep_sections,
)


def write_sweep(report: SweepReport, folder: Path) -> tuple[str, ...]:
    """Write `report.json`, `report.md`, `points.csv` and `report.html`; return what went amiss.

    Without Jinja2 there is no page, which the returned text says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = to_page(report)
    text = json.dumps(to_json(report), indent=2, allow_nan=False) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")
    (folder / "report.md").write_text(to_markdown(page), encoding="utf-8")
    _write_points(report.sweep, folder / "points.csv")
    try:
        write_page(page, folder / "report.html")
    except MissingDependencyError as error:
        return (f"report.html is left out: {error}",)
    return ()


def to_json(report: SweepReport) -> dict[str, Any]:
    """Return everything as plain data, None for what is undefined; bitrates are in bit/s."""
    sweep, plan = report.sweep, report.sweep.plan
    return {
        "version": version("auricle"),
        "excerpt": plan.excerpt,
        "interpolation": report.interpolation,
        "codecs": list(plan.names),
        "bitrates": list(plan.bitrates),
        "metrics": [
            {
                "name": one.name,
                "full_name": one.full_name,
                "higher_is_better": one.sign > 0,
                "scale": [_plain(one.scale.low), _plain(one.scale.high)],
            }
            for one in plan.contenders
        ],
        "clips": [asdict(one) for one in sweep.clips],
        "points": [asdict(one) for one in sweep.points],
        "failures": [asdict(one) for one in sweep.failures],
        **asdict(report.findings),
        "baseline": None if report.verdict is None else asdict(report.verdict),
    }


def to_page(report: SweepReport) -> Page:
    """Return the report as a page."""
    sweep = report.sweep
    codecs = ", ".join(sweep.plan.names)
    metrics = ", ".join(one.full_name for one in sweep.plan.contenders)
    return Page(
        title="Codecs by bitrate",
        summary=(
            f"{len(sweep.clips)} clips, encoded by {codecs} and scored by {metrics}."
            " Bitrates are those that were really spent, without containers; brackets hold 95%"
            " bootstrap intervals over clips. Longer clips were cut to their loudest"
            f" {sweep.plan.excerpt:g} s."
        ),
        sections=[*sweep_sections(report), *_draw_all_losses(report)],
        facts=[
            ("Auricle", version("auricle")),
            ("Interpolation", INTERPOLATIONS[report.interpolation]),
        ],
    )


def _draw_all_losses(report: SweepReport) -> list[Section]:
    losses = report.findings.losses
    if not losses:
        return []
    return [Section("Clips that suffer most, at every bitrate", [show_losses(losses)], True)]


def _write_points(sweep: Sweep, path: Path) -> None:
    header = (
        *("clip", "codec", "nominal_bps", "setting_bps", "measured_bps"),
        *("metric", "score", "low", "high"),
    )
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for one in sweep.points:
            facts = one.clip, one.codec or "uncoded", one.nominal, one.setting
            scored = f"{one.bitrate:.1f}", one.metric, f"{one.score:.6g}"
            writer.writerow((*facts, *scored, *(one.interval or ("", ""))))


def _plain(end: float) -> float | None:
    return end if math.isfinite(end) else None
