"""A benchmark on listening tests as Markdown, as JSON, and as a table of every clip."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auricle.evaluation.rated_benchmark import Difference, RatedBenchmark, SetResult
from auricle.stats.intervals import Estimate

# Reasons of a metric's failures in the table; report.json has all.
_SHOWN = 3
_FACTS = ("set", "attribute", "item", "system", "reference", "degraded", "score", "scale", "raters")


def to_json(found: RatedBenchmark, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Return everything but single values as plain data, None for what is undefined."""
    return {
        "notes": list(notes),
        "metrics": [
            {
                **asdict(one),
                "seconds_per_second": processor_share(found, one.name),
                "failures": [
                    {"degraded": str(pair.degraded), "test": pair.test, "message": value.error}
                    for pair, value in zip(found.pairs, found.values[one.name], strict=True)
                    if value.value is None
                ],
            }
            for one in found.contenders
        ],
        "results": [asdict(one) for one in found.results],
        "means": [asdict(one) for one in found.means],
        "differences": [asdict(one) for one in found.differences],
    }


def to_markdown(found: RatedBenchmark, notes: Sequence[str] = ()) -> str:
    """Return the tables: means, four measures per test, differences, failures."""
    parts = [
        "Correlation with the mean rating; values of distances are negated, hidden references left"
        " out. Brackets hold 95% bootstrap intervals over a test's items (over clips where it has"
        " fewer than five); `n of N` marks metrics that gave a value for n of the N clips only.",
        *notes,
        "## Mean SRCC over tests of overall quality\n\n" + _means(found),
        *(
            f"## {title}\n\n{_table(found, pick)}"
            for title, pick in (
                ("SRCC", lambda one: one.srcc),
                ("PCC", lambda one: one.pcc),
                ("PCC after a rising cubic, cross-validated by item", lambda one: one.mapped),
                ("RMSE after that cubic, on the ratings' scale", lambda one: one.rmse),
            )
        ),
        "## Differences of SRCC\n\n" + _differences(found, lambda one: one.srcc),
        "## Differences of PCC\n\n" + _differences(found, lambda one: one.pcc),
        "## Differences of RMSE after the cubic\n\n" + _differences(found, lambda one: one.rmse),
        "## Failures\n\n" + _failures(found),
    ]
    return "\n\n".join(parts) + "\n"


def write_report(found: RatedBenchmark, notes: Sequence[str], folder: Path) -> None:
    """Write `report.md`, `report.json` and `clips.csv`."""
    write_clips(found, folder / "clips.csv")
    (folder / "report.md").write_text(to_markdown(found, notes), encoding="utf-8")
    text = json.dumps(to_json(found, notes), indent=2) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")


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


def processor_share(found: RatedBenchmark, metric: str) -> float | None:
    """Return a metric's processor seconds per second of audio; None when it scored nothing."""
    # Files of several attributes were scored once.
    values = {one.key: one for one in found.values[metric] if one.value is not None}.values()
    duration = sum(one.duration for one in values)
    return sum(one.seconds for one in values) / duration if duration else None


def _means(found: RatedBenchmark) -> str:
    rows = []
    for one in sorted(found.means, key=lambda mean: -mean.srcc.value if mean.srcc else 2.0):
        share = processor_share(found, one.metric)
        cells = (_show(one.srcc), _number(one.pcc), _number(one.mapped), _number(share, 3))
        rows.append((one.metric, *cells))
    tests = ", ".join(found.means[0].tests) if found.means else ""
    header = ("metric", "SRCC", "PCC", "mapped PCC", "processor s per s")
    return f"Tests: {tests or 'none'}.\n\n{_lines(header, rows)}"


def _table(found: RatedBenchmark, pick: Callable[[SetResult], Estimate | None]) -> str:
    tests = dict.fromkeys(one.test for one in found.results)
    rows = []
    for test in tests:
        own = [one for one in found.results if one.test == test]
        cells = (_show(pick(one)) + _partial(one) for one in own)
        rows.append((f"{test} ({own[0].of})", *cells))
    return _lines(("test (clips)", *(one.name for one in found.contenders)), rows)


def _differences(found: RatedBenchmark, pick: Callable[[Difference], Estimate | None]) -> str:
    """Return a row per pair of metrics, in which a mean comes first where there is one."""
    rows: dict[str, dict[str, str]] = {}
    for one in found.differences:
        row = rows.setdefault(f"{one.first} - {one.second}", {})
        row[one.test or "mean"] = _show(pick(one))
    if not rows:
        return "There is one metric only."
    known = next(iter(rows.values()))
    tests = [test for test in known if any(row[test] != "-" for row in rows.values())]
    return _lines(
        ("", *tests), [(pair, *(row[test] for test in tests)) for pair, row in rows.items()]
    )


def _failures(found: RatedBenchmark) -> str:
    rows = []
    for one in found.contenders:
        # Files of several attributes fail once.
        failed = {value.key: value.error for value in found.values[one.name] if value.error}
        if failed:
            reasons = list(dict.fromkeys(failed.values()))
            told = "; ".join(reasons[:_SHOWN]) + "; ..." * (len(reasons) > _SHOWN)
            rows.append((one.name, str(len(failed)), told))
    return _lines(("metric", "files", "because"), rows) if rows else "None."


def _lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _partial(one: SetResult) -> str:
    return f" ({one.clips} of {one.of})" if one.clips < one.of else ""


def _show(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
