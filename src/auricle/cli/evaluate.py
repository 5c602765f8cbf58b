"""`auricle evaluate`: a metric against labelled clips."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from auricle.cli.progress import progress_bar
from auricle.data.manifest import Split


def evaluate(
    metric: Annotated[str, typer.Argument(help="A metric's name, or a bundle folder.")],
    manifest: Annotated[Path, typer.Option(help="Labelled clips, with their audio beside it.")],
    split: Annotated[Split, typer.Option(help="Which part of the manifest.")] = "test",
    output: Annotated[
        Path | None, typer.Option(help="Folder for report.md, report.json, predictions.csv.")
    ] = None,
    plots: Annotated[
        bool, typer.Option("--plots", help="Draw scatter.png and reliability.png there, too.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Files scored at a time.")] = 1,
) -> None:
    """Compare a metric's scores with labels: correlations, errors, coverage of the interval."""
    from auricle.core.errors import ConfigError
    from auricle.evaluation.benchmark import evaluate_metric, write_predictions
    from auricle.evaluation.plots import draw_reliability, draw_scatter, require_matplotlib
    from auricle.evaluation.report import to_json, to_markdown

    if plots:
        # Before hours of scoring, not after.
        if output is None:
            raise ConfigError("--plots needs a folder to draw into: add --output")
        require_matplotlib()
    with progress_bar() as bar:
        task = bar.add_task("scoring", total=None)
        found = evaluate_metric(
            metric,
            manifest,
            split,
            jobs=jobs,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if output is not None:
        # First: whatever may go wrong with the report, the hours of scoring are kept.
        write_predictions(found, output / "predictions.csv")
    text = to_markdown(found, plots=plots)
    print(text, end="")
    if output is not None:
        (output / "report.md").write_text(text, encoding="utf-8")
        (output / "report.json").write_text(json.dumps(to_json(found), indent=2) + "\n")
        if plots:
            title = f"{found.metric}, {found.split} split"
            scatter = output / "scatter.png"
            draw_scatter(
                found.target, found.score, found.recordings, scatter, title=title, scale=found.scale
            )
            draw_reliability(found, output / "reliability.png")
