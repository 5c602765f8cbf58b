"""Progress on stderr, so that stdout stays clean."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from auricle.core.score import Result


class _Rate(ProgressColumn):
    """Items per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "-/s")


def progress_bar(quiet: bool = False) -> Progress:
    """Return a bar with count, rate and time left; it shows on terminals only."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )


def track_files(results: Iterator[Result], total: int, done: int, quiet: bool) -> Iterator[Result]:
    """Pass results on while a bar shows how many of `total` are there."""
    with progress_bar(quiet) as bar:
        task = bar.add_task("scoring", total=total, completed=done)
        for result in results:
            yield result
            bar.advance(task)
