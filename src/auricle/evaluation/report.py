"""An evaluation as Markdown and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from auricle.evaluation.benchmark import Evaluation, count_recordings
from auricle.stats.intervals import Estimate
from auricle.stats.performance import Agreement

_MEASURES = ("pcc", "srcc", "ktau", "rmse", "mae")


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything the report says as plain data, with None for what is undefined."""
    return {
        "metric": evaluation.metric,
        "model_sha256": evaluation.model_sha256,
        "split": evaluation.split,
        "recordings": count_recordings(evaluation.clips),
        "per_clip": _plain(evaluation.per_clip()),
        "per_process": _plain(evaluation.per_process()),
        "per_source": {name: _plain(a) for name, a in evaluation.per_source().items()},
        "coverage": _plain(evaluation.coverage()),
        "reliability": [
            {"nominal": level, "inside": _plain(share)}
            for level, share in evaluation.reliability().items()
        ],
        "failures": [{"id": name, "message": text} for name, text in evaluation.failures],
    }


def to_markdown(evaluation: Evaluation, *, plots: bool = False) -> str:
    """Return the tables that docs/results and model cards show.

    What is undefined is a dash. With `plots`, the text shows `scatter.png` and `reliability.png`,
    to be drawn beside it.
    """
    rows = [_row("all clips", evaluation.per_clip())]
    rows += [_row(source, found) for source, found in evaluation.per_source().items()]
    rows.append(_row("means per process", evaluation.per_process()))
    covered = _percent(evaluation.coverage())
    scale = evaluation.scale
    lines = [
        f"`{evaluation.metric}` on the {evaluation.split} split:"
        f" {len(evaluation.clips)} clips of {count_recordings(evaluation.clips)} recordings,"
        f" {len(evaluation.failures)} without a score. Brackets hold 95% intervals,"
        " bootstrapped over recordings (over clips where a row has fewer than three recordings,"
        " over processes in the last row).",
        "",
        f"| | clips | PCC | SRCC | KTAU | RMSE {scale} | MAE {scale} |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        f"The 90% interval holds the label of {covered} of the clips; bootstrapped like all clips.",
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


def _plain(found: Agreement | Estimate | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)


def _percent(share: Estimate | None) -> str:
    if share is None:
        return "-"
    return f"{100 * share.value:.1f}% [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def _row(name: str, found: Agreement | None) -> str:
    if found is None:
        return f"| {name} |" + " - |" * (1 + len(_MEASURES))
    cells = []
    for measure in _MEASURES:
        estimate, digits = getattr(found, measure), 2 if measure in ("rmse", "mae") else 3
        value, low, high = (
            f"{number:.{digits}f}" for number in (estimate.value, estimate.low, estimate.high)
        )
        cells.append(f"{value} [{low}, {high}]")
    return f"| {name} | {found.items} | " + " | ".join(cells) + " |"
