"""`auricle benchmark`: metrics against listening tests."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, TaskID

from auricle.cli.progress import progress_bar
from auricle.data.listening_layouts import ListeningLayout

if TYPE_CHECKING:
    from auricle.data.listening_sets import RatedPair
    from auricle.evaluation.rated_metrics import Contender
    from auricle.evaluation.rated_scores import RatedValue


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
    from auricle.data.listening_layouts import read_listening_tests
    from auricle.evaluation.rated_benchmark import judge
    from auricle.evaluation.rated_metrics import find_contenders
    from auricle.evaluation.rated_report import to_markdown, write_report

    tests = read_listening_tests(folder, layout)
    pairs = tests.rated(set_ or ())
    contenders, missing = find_contenders(metric or [])
    notes = [*tests.notes, *missing]
    found = judge(pairs, contenders, _score(contenders, pairs, output, jobs))
    print(to_markdown(found, notes), end="")
    if output is not None:
        write_report(found, notes, output)


def _score(
    contenders: Sequence[Contender], pairs: Sequence[RatedPair], output: Path | None, jobs: int
) -> dict[str, list[RatedValue]]:
    """Score all pairs by every metric, kept in `output` if there is one."""
    from auricle.evaluation.rated_scores import Studio

    with ExitStack() as stack:
        kept = output or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        studio = Studio(kept)
        bar = stack.enter_context(progress_bar())
        return {
            one.name: studio.score(
                one, pairs, jobs=jobs,
                progress=partial(_show, bar, bar.add_task(one.name, total=None)),
            )
            for one in contenders
        }  # fmt: skip


def _show(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)
