"""A benchmark on listening tests as Markdown, as JSON, as a page, and as a table of every clip."""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auricle.evaluation import ladder_report
from auricle.evaluation.benchmark_page import to_page
from auricle.evaluation.benchmark_run import BenchmarkRun
from auricle.evaluation.page.report import write_report
from auricle.evaluation.rated_results import RatedBenchmark

_FACTS = ("set", "attribute", "item", "system", "reference", "degraded", "score", "scale", "raters")
# More would be noise, and make the file half as large again.
_DIGITS = 5


def to_json(run: BenchmarkRun) -> dict[str, Any]:
    """Return everything but single values as plain data, None for what is undefined."""
    found = run.found
    told = {
        "command": run.command,
        "notes": list(run.notes),
        "machine": run.machine,
        "domains": dict(run.domains),
        "mapping": found.mapping,
        "correction": found.correction,
        "metrics": [
            {
                **asdict(one),
                "seconds_per_second": run.processor_share(one.name),
                "footprint": asdict(run.footprints[one.name])
                if one.name in run.footprints
                else None,
                "failures": [
                    {"degraded": str(pair.degraded), "test": pair.test, "message": value.error}
                    for pair, value in zip(found.pairs, found.values[one.name], strict=True)
                    if value.value is None
                ],
            }
            for one in found.contenders
        ],
        "results": [asdict(one) for one in found.results],
        "systems": [asdict(one) for one in found.systems],
        "means": [asdict(one) for one in found.means],
        "differences": [asdict(one) for one in found.differences],
        "ceilings": [asdict(one) for one in found.ceilings],
        "ladders": ladder_report.to_json(run.ladders) if run.ladders is not None else None,
    }
    rounded: dict[str, Any] = _round(told)
    return rounded


def write_benchmark(run: BenchmarkRun, folder: Path) -> list[str]:
    """Write `report.html`, `report.md`, `report.json` and `clips.csv`; say what is left out."""
    write_clips(run.found, folder / "clips.csv")
    # Every clip in Markdown would be too long to read.
    return write_report(to_page(run), to_json(run), folder, folded=False)


def write_clips(found: RatedBenchmark, path: Path) -> None:
    """Write a row per rated pair with the value of every metric, on its own scale."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*_FACTS, *(one.name for one in found.contenders)))
        columns = (found.values[one.name] for one in found.contenders)
        for pair, *values in zip(found.pairs, *columns, strict=True):
            told = ("" if one.value is None else f"{one.value:.6g}" for one in values)
            writer.writerow((*(getattr(pair, name) for name in _FACTS), *told))


def _round(told: Any) -> Any:  # noqa: ANN401
    match told:
        case dict():
            return {name: _round(one) for name, one in told.items()}
        case list() | tuple():
            return [_round(one) for one in told]
        case float():
            return float(f"{told:.{_DIGITS}g}")
        case _:
            return told
