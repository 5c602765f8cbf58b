"""`auricle ladders`: whether harder degradation is scored worse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auricle.cli.exits import Exit
from auricle.cli.pages import join_reasons, print_page, print_warnings
from auricle.cli.progress import progress_bar
from auricle.core.errors import InputError


def ladders(
    clips: Annotated[
        list[str], typer.Argument(help="Clean recordings: files, folders (recursively) or globs.")
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="Metric's name, with a reference or without; repeat for several. Default: every"
            " one that is installed."
        ),
    ] = None,
    ladder: Annotated[
        list[str] | None,
        typer.Option(
            help="A ladder's name, or NAME=RUNG,RUNG,... from mild to severe, such as"
            " speech=opus:64k,opus:24k,opus:16k+lowpass:3500; repeat for several. Default: all."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder for report.html, report.md, report.json and scores.csv; it keeps all"
            " scores, so that another run computes only what is new."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Steps degraded and scored at a time.")] = 1,
) -> None:
    """Tell how often metrics score harder degradation worse, step by step, on clips of yours.

    Each clip is degraded in steps. Two steps are in order when the harder one has the worse
    score. Steps that a clip cannot feel, a low-pass above its spectrum, don't count.

    Ladders: bitrate-mp3, bitrate-aac, bitrate-opus, bitrate-vorbis, low-pass, noise-white,
    noise-pink, clipping, quantisation, packet-loss.
    """
    # Filters and metrics take a while to import.
    from auricle.api import expand_paths
    from auricle.evaluation.ladder_report import to_page, write_ladders
    from auricle.evaluation.ladder_table import find_ladders
    from auricle.evaluation.ladders import run_ladders
    from auricle.evaluation.rated_metrics import find_contenders

    wanted = find_ladders(ladder or ())
    contenders, notes = find_contenders(metric or [])
    files = [Path(path) for path in expand_paths(clips)]
    with progress_bar() as bar:
        task = bar.add_task("steps", total=None)
        found = run_ladders(
            contenders, files, ladders=wanted, folder=output, jobs=jobs,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip
    if not found.scores:
        reasons = [": ".join(filter(None, (one.clip, one.metric, one.message)))
                   for one in found.failures]  # fmt: skip
        raise InputError(f"nothing was scored: {join_reasons(reasons)}")
    # Written first: who reads the terminal's output may leave early.
    left_out = [] if output is None else write_ladders(found, notes, output)
    print_page(to_page(found, notes), output)
    print_warnings(left_out)
    if any(not failure.metric for failure in found.failures):
        raise typer.Exit(Exit.NOT_SCORED)
