"""What metrics of a benchmark cost: time and memory."""

from __future__ import annotations

from auricle.evaluation.benchmark_run import BenchmarkRun
from auricle.evaluation.footprint import SECONDS
from auricle.evaluation.page.blocks import Block, Cell, Section, Table, Text

_NONE = "-"
_MIB = 2**20


def cost_sections(run: BenchmarkRun) -> list[Section]:
    """Return speed and memory per metric, and on which machine they were measured."""
    blocks: list[Block] = [_tabulate(run)]
    if run.footprints:
        loads = [one.load for one in run.footprints.values() if not one.error]
        busy = f"{min(loads):.1f} to {max(loads):.1f}" if loads else "unknown"
        blocks.append(
            Text(
                f"Measured on {run.machine}. One synthetic pair of {SECONDS:g} s (mono, 48 kHz) was"
                " scored by each metric in a process of its own, with one thread. Processes that"
                f" wanted to run meanwhile, with this one, on average over a minute: {busy}; above"
                " the number of cores, wall time is too long. The peak holds Python and Auricle,"
                " too, but no program that a metric starts (PESQ, PEAQ)."
            )
        )
    return [Section("Speed and memory", blocks)]


def _tabulate(run: BenchmarkRun) -> Table:
    rows = []
    for one in run.found.contenders:
        cost = run.footprints.get(one.name)
        share = run.processor_share(one.name)
        cells: list[str | Cell] = [one.name, _number(share, 3)]
        if run.footprints:
            if cost is None or cost.error:
                cells += [_NONE] * 5
            else:
                peak, added = cost.peak / _MIB, (cost.peak - cost.start) / _MIB
                cells += [
                    _number(SECONDS / cost.wall, 0),
                    _number(cost.processor / SECONDS, 3),
                    _number(cost.loading + cost.first, 1),
                    _number(peak or None, 0),
                    _number(added if peak else None, 0),
                ]
        rows.append(cells)
    header = ["metric", "processor s per s of the clips"]
    if run.footprints:
        header += [
            "times real time",
            "processor s per s",
            "first pair, s",
            "peak memory, MiB",
            "above Auricle alone, MiB",
        ]
    caption = (
        "Processor time is that of all threads and of programs that a metric starts; of the clips"
        " with reading, without loading the metric. The first pair includes loading and compiling."
    )
    return Table(header, rows, caption)


def _number(value: float | None, digits: int) -> str | Cell:
    return _NONE if value is None else Cell(f"{value:.{digits}f}", order=value)
