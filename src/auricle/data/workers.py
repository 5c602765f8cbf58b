"""Worker processes: spawned, one thread each, stopped at once when the caller stops."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_tasks(
    work: Callable[[Task], Outcome], tasks: Sequence[Task], jobs: int
) -> Iterator[Outcome]:
    """Yield what `work` returns for each task, as they finish, from `jobs` processes.

    One job runs in this process. Tasks not yet begun are dropped when the caller stops or one
    raises.

    >>> sorted(run_tasks(abs, [-1, 2, -3], jobs=1))
    [1, 2, 3]
    """
    if jobs <= 1:
        yield from map(work, tasks)
        return
    # Spawned, not forked: decoders, FFTs and numba hold threads that do not survive a fork.
    with _single_threaded(), ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        try:
            for future in as_completed([pool.submit(work, task) for task in tasks]):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def run_alone(work: Callable[[Task], Outcome], task: Task) -> Outcome:
    """Return what `work` returns for a task, from a new process that does nothing else.

    >>> run_alone(abs, -1)
    1
    """
    with _single_threaded(), ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, task).result()


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Children inherit the environment: one thread each, or they fight over the cores."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
