"""A sweep as a page, as Markdown, as JSON, and as a table of all points."""

from __future__ import annotations

import csv
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from auricle.evaluation.page.blocks import Page, Section
from auricle.evaluation.page.report import write_report
from auricle.evaluation.sweep import Sweep
from auricle.evaluation.sweep_tables import (
    INTERPOLATIONS,
    SweepReport,
    count_clips,
    show_losses,
    sweep_sections,
)


def write_sweep(report: SweepReport, folder: Path) -> list[str]:
    """Write `report.json`, `report.md`, `report.html` and `points.csv`; return what is left out.

    Without Jinja2 there is no page.
    """
    left_out = write_report(to_page(report), to_json(report), folder)
    _write_points(report.sweep, folder / "points.csv")
    return left_out


def to_json(report: SweepReport) -> dict[str, Any]:
    """Return everything as plain data, bitrates in bit/s."""
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
                "scale": [one.scale.low, one.scale.high],
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
            f"{count_clips(len(sweep.clips))}, encoded by {codecs} and scored by {metrics}."
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
