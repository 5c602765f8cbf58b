"""`auricle benchmark`: metrics against listening tests."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from auricle.cli.progress import progress_bar
from auricle.data.listening_layouts import ListeningLayout


def benchmark(
    folder: Annotated[
        Path,
        typer.Argument(help="Rated audio: a folder, or a CSV file of reference,degraded,score."),
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="Metric's name, bundle folder, or fad-ENCODER; repeat for several. Default: every"
            " metric with a reference that is installed."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Only this set; repeat for several. Default: all."),
    ] = None,
    layout: Annotated[
        ListeningLayout | None,
        typer.Option(help="How the folder is laid out. Default: recognised."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder for report.md, report.json and clips.csv; it keeps all values, so that"
            " another run computes only what is new."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Pairs compared at a time.")] = 1,
) -> None:
    """Tell how well metrics agree with listeners: correlations with intervals, per test."""
    from auricle.core.errors import DataError
    from auricle.data.listening_layouts import read_listening_tests
    from auricle.evaluation.rated_benchmark import judge
    from auricle.evaluation.rated_metrics import find_contenders
    from auricle.evaluation.rated_report import to_json, to_markdown, write_clips
    from auricle.evaluation.rated_scores import Studio

    tests = read_listening_tests(folder, layout)
    sets = dict.fromkeys(pair.set for pair in tests.pairs)
    if unknown := [name for name in set_ or () if name not in sets]:
        raise DataError(f"{folder} holds no set {', '.join(unknown)}: there is {', '.join(sets)}")
    pairs = [p for p in tests.pairs if not p.hidden and (not set_ or p.set in set_)]
    contenders, missing = find_contenders(metric or [])
    notes = [*tests.notes, *missing]
    values = {}
    with ExitStack() as stack:
        kept = output or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        studio = Studio(kept)
        bar = stack.enter_context(progress_bar())
        for one in contenders:
            show = partial(_show, bar, bar.add_task(one.name, total=None))
            values[one.name] = studio.score(one, pairs, jobs=jobs, progress=show)
    found = judge(pairs, contenders, values)
    text = to_markdown(found, notes)
    print(text, end="")
    if output is not None:
        write_clips(found, output / "clips.csv")
        (output / "report.md").write_text(text, encoding="utf-8")
        (output / "report.json").write_text(json.dumps(to_json(found, notes), indent=2) + "\n")


def _show(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)
