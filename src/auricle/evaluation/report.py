"""An evaluation as Markdown and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from auricle.evaluation.benchmark import Evaluation, count_recordings
from auricle.stats.intervals import Estimate
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
        "reliability": [
            {"nominal": level, "inside": asdict(share)}
            for level, share in evaluation.reliability().items()
        ],
        "failures": [{"id": name, "message": text} for name, text in evaluation.failures],
    }


def to_markdown(evaluation: Evaluation, *, plots: bool = False) -> str:
    """Return the tables that docs/results and model cards show.

    With `plots`, the text shows `scatter.png` and `reliability.png`, to be drawn beside it.
    """
    rows = [_row("all clips", evaluation.per_clip())]
    rows += [_row(source, found) for source, found in evaluation.per_source().items()]
    rows.append(_row("means per process", evaluation.per_process()))
    covered = _percent(evaluation.coverage())
    lines = [
        f"`{evaluation.metric}` on the {evaluation.split} split:"
        f" {len(evaluation.clips)} clips of {count_recordings(evaluation.clips)} recordings,"
        f" {len(evaluation.failures)} without a score. Brackets hold 95% intervals,"
        " bootstrapped over recordings (over processes in the last row).",
        "",
        _HEADER,
        *rows,
        "",
        f"The 90% interval holds the label of {covered} of the clips; bootstrapped over"
        " recordings.",
        "",
        "Intervals of other widths, from the standard deviation stated with each score and a normal"
        " shape of its error:",
        "",
        "| nominal | labels inside |",
        "|---|---|",
        *(
            f"| {100 * level:.0f}% | {_percent(share)} |"
            for level, share in evaluation.reliability().items()
        ),
    ]
    clean = evaluation.clean()
    if clean.size:
        tenth, median = np.percentile(clean, (10, 50))
        lines += [
            "",
            f"Clean clips read {median:.0f} at the median, {tenth:.0f} at the 10th percentile.",
        ]
    if plots:
        lines += [
            "",
            "![scores over labels, a colour and marker per recording](scatter.png)",
            "![share of labels inside intervals over their nominal share](reliability.png)",
        ]
    return "\n".join(lines) + "\n"


def _percent(share: Estimate) -> str:
    return f"{100 * share.value:.1f}% [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def _row(name: str, found: Agreement) -> str:
    cells = []
    for measure in _MEASURES:
        estimate, digits = getattr(found, measure), 2 if measure in ("rmse", "mae") else 3
        value, low, high = (
            f"{number:.{digits}f}" for number in (estimate.value, estimate.low, estimate.high)
        )
        cells.append(f"{value} [{low}, {high}]")
    return f"| {name} | {found.items} | " + " | ".join(cells) + " |"
