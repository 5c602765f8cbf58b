"""Builds that can be killed: what is finished is journalled at once, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from auricle.data.workers import run_tasks

Progress = Callable[[int, int], None]
Task = TypeVar("Task")


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


Clip = TypeVar("Clip", bound=_Identified)


def run_journalled(
    work: Callable[[Task], Iterable[Clip]],
    tasks: Sequence[Task],
    planned: Sequence[Clip],
    done: dict[str, Clip],
    journal: Path,
    to_line: Callable[[Clip], str],
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[Clip]:
    """Return all `planned` clips: those `done` before, by id, and those that `work` makes of tasks.

    What a task made is added to `done` and, by `to_line` (which ends each line), to `journal`
    before the next one is waited for. `progress` is told how many of how many clips are there.
    """
    with journal.open("a", encoding="utf-8") as file:
        # A killed build may have left half a line.
        file.write("\n")
        for made in run_tasks(work, tasks, jobs):
            clips = list(made)
            done |= {clip.id: clip for clip in clips}
            file.writelines(map(to_line, clips))
            file.flush()
            if progress is not None:
                progress(len(done), len(planned))
    return [done[clip.id] for clip in planned]
