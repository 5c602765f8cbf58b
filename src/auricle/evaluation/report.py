"""An evaluation as Markdown and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from auricle.evaluation.benchmark import Evaluation, count_recordings
from auricle.stats.performance import Agreement

_MEASURES = ("pcc", "srcc", "ktau", "rmse", "mae")
_HEADER = (
    "| | clips | PCC | SRCC | KTAU | RMSE of 100 | MAE of 100 |\n|---|---|---|---|---|---|---|"
)


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything the report says as plain data."""
    return {
        "metric": evaluation.metric,
        "model_sha256": evaluation.model_sha256,
        "split": evaluation.split,
        "recordings": count_recordings(evaluation.clips),
        "per_clip": asdict(evaluation.per_clip()),
        "per_process": asdict(evaluation.per_process()),
        "per_source": {name: asdict(a) for name, a in evaluation.per_source().items()},
        "coverage": asdict(evaluation.coverage()),
        "failures": [{"id": name, "message": text} for name, text in evaluation.failures],
    }


def to_markdown(evaluation: Evaluation) -> str:
    """Return the tables that docs/results and model cards show."""
    rows = [_row("all clips", evaluation.per_clip())]
    rows += [_row(source, found) for source, found in evaluation.per_source().items()]
    rows.append(_row("means per process", evaluation.per_process()))
    covered = evaluation.coverage()
    lines = [
        f"`{evaluation.metric}` on the {evaluation.split} split:"
        f" {len(evaluation.clips)} clips of {count_recordings(evaluation.clips)} recordings,"
        f" {len(evaluation.failures)} without a score. Brackets hold 95% intervals,"
        " bootstrapped over recordings (over processes in the last row).",
        "",
        _HEADER,
        *rows,
        "",
        f"The 90% interval holds the label of {100 * covered.value:.1f}% of the clips"
        f" [{100 * covered.low:.1f}, {100 * covered.high:.1f}; bootstrapped over recordings].",
    ]
    clean = evaluation.clean()
    if clean.size:
        tenth, median = np.percentile(clean, (10, 50))
        lines += [
            "",
            f"Clean clips read {median:.0f} at the median, {tenth:.0f} at the 10th percentile.",
        ]
    return "\n".join(lines) + "\n"


def _row(name: str, found: Agreement) -> str:
    cells = []
    for measure in _MEASURES:
        estimate, digits = getattr(found, measure), 2 if measure in ("rmse", "mae") else 3
        value, low, high = (
            f"{number:.{digits}f}" for number in (estimate.value, estimate.low, estimate.high)
        )
        cells.append(f"{value} [{low}, {high}]")
    return f"| {name} | {found.items} | " + " | ".join(cells) + " |"
