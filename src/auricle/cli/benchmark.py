"""`auricle benchmark`: metrics against listening tests."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, TaskID

from auricle.cli.exits import Exit
from auricle.cli.pages import print_page, print_warnings
from auricle.cli.progress import progress_bar
from auricle.core.ratings import ListeningLayout

if TYPE_CHECKING:
    from auricle.data.listening_sets import RatedPair
    from auricle.evaluation.footprint import Footprint
    from auricle.evaluation.ladder_results import LadderResults
    from auricle.evaluation.rated_metrics import Contender
    from auricle.evaluation.rated_scores import RatedValue, Studio

_Told = Callable[[int, int], None]


def benchmark(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(help="Rated audio: a folder, or a CSV file of reference,degraded,score."),
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="Metric's name, bundle folder, or fad-ENCODER; repeat for several. Default: every"
            " metric that is installed, with a reference or without."
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
    describe: Annotated[
        Path | None,
        typer.Option(
            help="YAML file that describes the sets. Default: listening_tests.yaml in the folder,"
            " if it is there."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder for report.html, report.md, report.json and clips.csv; it keeps all"
            " values, so that another run computes only what is new."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Pairs compared at a time.")] = 1,
    ladder_clips: Annotated[
        int,
        typer.Option(
            min=0,
            help="References of each set that are degraded step by step, to see whether harder"
            " degradation is scored worse; 0 for none.",
        ),
    ] = 1,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try again what a metric could not judge before.")
    ] = False,
    measure: Annotated[
        bool, typer.Option(help="Measure speed and memory of each metric, once per machine.")
    ] = True,
) -> None:
    """Tell which metrics agree with listeners: leaderboard, every test, ladders, speed, memory.

    Metrics that are not installed are listed with the reason. Prints the leaderboard; all else is
    in the report (--output).

    Exit codes: 0 done, 1 a file could not be read or nothing scored, 2 wrong usage, 4 incomplete
    installation, 5 ratings that cannot be read, 6 output not written, 130 interrupted.
    """
    from auricle.data.listening_layouts import read_listening_tests
    from auricle.data.set_description import read_description
    from auricle.evaluation.benchmark_page import summarise
    from auricle.evaluation.benchmark_run import BenchmarkRun
    from auricle.evaluation.footprint import describe_machine
    from auricle.evaluation.rated_benchmark import judge
    from auricle.evaluation.rated_metrics import find_contenders
    from auricle.evaluation.rated_report import write_benchmark
    from auricle.evaluation.rated_scores import Studio

    description = read_description(describe or folder)
    tests = read_listening_tests(folder, layout, description)
    pairs = tests.rated(set_ or ())
    contenders, missing = find_contenders(metric or [])
    with ExitStack() as stack:
        kept = output or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bar = stack.enter_context(progress_bar())
        studio = Studio(kept, retry=retry)
        values = _score(studio, contenders, pairs, jobs, bar)
        climbed = _climb(contenders, pairs, kept, jobs, bar, ladder_clips)
        footprints = _measure(contenders, kept, bar) if measure else {}
    run = BenchmarkRun(
        found=judge(pairs, contenders, values),
        notes=(*tests.notes, *missing, *_tell_axes(contenders)),
        footprints=footprints,
        machine=describe_machine() if measure else "",
        ladders=climbed,
        domains={name: one.domain for name, one in description.sets.items()},
        command=_spell(context),
    )
    if output is not None:
        # First: whoever reads what is printed may leave.
        print_warnings(write_benchmark(run, output))
    print_page(summarise(run), output)
    everything = [one for each in values.values() for one in each]
    if any(one.unreadable for one in everything) or all(one.value is None for one in everything):
        raise typer.Exit(Exit.NOT_SCORED)


def _score(
    studio: Studio,
    contenders: Sequence[Contender],
    pairs: Sequence[RatedPair],
    jobs: int,
    bar: Progress,
) -> dict[str, list[RatedValue]]:
    """Score all pairs by every metric; what is known already is not computed again."""
    return {
        one.name: studio.score(one, pairs, jobs=jobs, progress=_task(bar, one.name))
        for one in contenders
    }


def _climb(
    contenders: Sequence[Contender],
    pairs: Sequence[RatedPair],
    kept: Path,
    jobs: int,
    bar: Progress,
    clips: int,
) -> LadderResults | None:
    """Run all ladders over a few references of each set; None where there are none."""
    from auricle.evaluation.benchmark_run import find_references
    from auricle.evaluation.ladders import run_ladders

    references = find_references(pairs, clips)
    if not references:
        return None
    told = _task(bar, "ladders")
    return run_ladders(contenders, references, folder=kept / "ladders", jobs=jobs, progress=told)


def _tell_axes(contenders: Sequence[Contender]) -> list[str]:
    """Say which of its axes a metric of several is judged by."""
    return [
        f"{one.name} rates {', '.join(one.axes)}: it is judged by {one.axes[0]}"
        for one in contenders
        if one.axes
    ]


def _measure(contenders: Sequence[Contender], kept: Path, bar: Progress) -> dict[str, Footprint]:
    from auricle.evaluation.footprint import measure_footprints
    from auricle.evaluation.journal import Journal

    journal = Journal(kept / "footprints.jsonl")
    return measure_footprints(contenders, journal, _task(bar, "speed and memory"))


def _spell(context: typer.Context) -> str:
    """Return the command as it was typed, by the options that were given."""
    words = ["auricle", str(context.info_name)]
    for one in context.command.params:
        source = context.get_parameter_source(one.name or "")
        if source is None or source.name != "COMMANDLINE":
            continue
        value = context.params[one.name or ""]
        if one.param_type_name == "argument":
            words.append(str(value))
        elif isinstance(value, bool):
            words.append((one.opts if value else one.secondary_opts)[0])
        else:
            several = value if isinstance(value, list | tuple) else [value]
            words += [word for each in several for word in (one.opts[0], str(each))]
    return shlex.join(words)


def _task(bar: Progress, name: str) -> _Told:
    return partial(_show, bar, bar.add_task(name, total=None))


def _show(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)
