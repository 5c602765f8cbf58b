"""Results as a table, as JSON, as JSON lines, as CSV."""

from __future__ import annotations

import csv
import json
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console
from rich.table import Table

from auricle.api import Row
from auricle.core.spec import MetricSpec, Scale

_COLUMNS = [
    *("path", "metric", "score", "low", "high", "worst_start", "worst_end", "worst_score"),
    *("duration", "warnings", "error_kind", "error_message", "model_sha256", "version"),
]
_HISTORY_COLUMNS = [
    *("history_verdict", "history_lossy", "history_codec", "history_low", "history_high"),
    "bandwidth_hz",
]
_BLOCKS = "▁▂▃▄▅▆▇█"


class Writer(ABC):
    """Writes rows to a stream; what must wait for the last row is written on leaving."""

    def __init__(
        self, stream: TextIO, spec: MetricSpec, track: bool, explain: bool = False
    ) -> None:
        self._stream = stream
        self._spec = spec
        self._track = track
        self._explain = explain

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finish()

    @abstractmethod
    def write(self, row: Row) -> None:
        """Take one row."""

    def finish(self) -> None:  # noqa: B027 - most writers hold nothing back
        """Write what is still held back."""


class LinesWriter(Writer):
    """One JSON object per line, as soon as it is known."""

    def write(self, row: Row) -> None:
        self._stream.write(json.dumps(row) + "\n")
        self._stream.flush()


class JsonWriter(Writer):
    """One JSON array."""

    def __init__(
        self, stream: TextIO, spec: MetricSpec, track: bool, explain: bool = False
    ) -> None:
        super().__init__(stream, spec, track, explain)
        self._rows: list[Row] = []

    def write(self, row: Row) -> None:
        self._rows.append(row)

    def finish(self) -> None:
        json.dump(self._rows, self._stream, indent=2)
        self._stream.write("\n")


class CsvWriter(Writer):
    """One flat line per file."""

    def __init__(
        self, stream: TextIO, spec: MetricSpec, track: bool, explain: bool = False
    ) -> None:
        super().__init__(stream, spec, track, explain)
        ends = ("", "_low", "_high", "_joint_low", "_joint_high")
        axes = [name + end for name in spec.axes for end in ends]
        columns = [
            *["reference"] * spec.needs_reference,
            *_COLUMNS,
            *["distance"] * spec.needs_reference,
            *axes,
            *["track"] * track,
            *_HISTORY_COLUMNS * explain,
        ]
        self._csv = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
        self._csv.writeheader()

    def write(self, row: Row) -> None:
        flat: dict[str, Any] = dict(row)
        flat["low"], flat["high"] = row["interval"] or ("", "")
        for name, value in (row["worst"] or {}).items():
            flat[f"worst_{name}"] = value
        flat["warnings"] = ";".join(notice["kind"] for notice in row["warnings"])
        for name, text in (row["error"] or {}).items():
            flat[f"error_{name}"] = text
        for name, axis in row.get("axes", {}).items():
            flat[name] = axis["score"]
            flat[f"{name}_low"], flat[f"{name}_high"] = axis["interval"]
            flat[f"{name}_joint_low"], flat[f"{name}_joint_high"] = axis["joint"] or ("", "")
        flat["track"] = ";".join(f"{moment['score']}" for moment in row.get("track", []))
        flat |= _flatten_history(row.get("history") or {})
        self._csv.writerow(flat)
        self._stream.flush()


class TableWriter(Writer):
    """A table for people."""

    def __init__(
        self, stream: TextIO, spec: MetricSpec, track: bool, explain: bool = False
    ) -> None:
        super().__init__(stream, spec, track, explain)
        self._table = Table(box=None, header_style="bold", pad_edge=False)
        self._table.add_column("file", overflow="fold", min_width=12)
        self._table.add_column(spec.axes[0] if spec.axes else "score", justify="right")
        self._table.add_column("90% interval", justify="right", no_wrap=True)
        for name in spec.axes[1:]:
            self._table.add_column(name, justify="right")
        if spec.axes:
            self._table.add_column("90% on all axes", overflow="fold")
        self._table.add_column("worst moment", no_wrap=True)
        if track:
            self._table.add_column("track", overflow="fold")
        if explain:
            self._table.add_column("history", overflow="fold")
        self._table.add_column("warnings", overflow="fold")

    def write(self, row: Row) -> None:
        if row["error"] is not None:
            empty = len(self._spec.axes) + self._track + self._explain
            cells = ["-", "", ""] + [""] * empty
            reason = f"not scored: {row['error']['message']}"
            self._table.add_row(_plain(row["path"]), *cells, reason)
            return
        others = (row["axes"][name] for name in self._spec.axes[1:])
        cells = [
            _show(row["score"], self._spec.scale.span),
            _interval(row, self._spec.scale),
            *(_show(axis["score"], axis["scale"][1] - axis["scale"][0]) for axis in others),
            *([_box(row)] if self._spec.axes else []),
            _worst(row, self._spec.scale),
        ]
        if self._track:
            cells.append(_bars(row, self._spec.scale))
        if self._explain:
            cells.append(_describe_history(row["history"]))
        notices = "; ".join(f"{n['kind']}: {n['message']}" for n in row["warnings"])
        self._table.add_row(_plain(row["path"]), *cells, notices)

    def finish(self) -> None:
        _print_table(self._table, self._stream)


class PairTableWriter(Writer):
    """A table of comparisons for people; it has columns only for what the metric tells."""

    def __init__(
        self, stream: TextIO, spec: MetricSpec, track: bool, explain: bool = False
    ) -> None:
        super().__init__(stream, spec, track, explain)
        self._rows: list[Row] = []

    def write(self, row: Row) -> None:
        self._rows.append(row)

    def finish(self) -> None:
        spread = any(row["interval"] for row in self._rows)
        course = any(row["worst"] for row in self._rows)
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("reference", overflow="fold", min_width=12)
        table.add_column("file", overflow="fold", min_width=12)
        table.add_column(self._spec.name, justify="right", no_wrap=True)
        for title in ["90% interval"] * spread + ["worst moment"] * course:
            table.add_column(title, justify="right", no_wrap=True)
        if self._track:
            table.add_column("track", overflow="fold")
        table.add_column("warnings", overflow="fold")
        # Of 100 points a tenth is more than anybody hears, of five a hundredth may count.
        places = 1 if self._spec.scale == Scale(0.0, 100.0) else 3
        for row in self._rows:
            cells = [_plain(row["reference"]), _plain(row["path"])]
            cells.append("-" if row["score"] is None else f"{row['score']:.{places}f}")
            cells += [_interval(row, self._spec.scale)] * spread
            cells += [_worst(row, self._spec.scale)] * course
            if self._track:
                cells.append(_bars(row, self._spec.scale))
            told = "; ".join(f"{n['kind']}: {n['message']}" for n in row["warnings"])
            if row["error"] is not None:
                told = f"not compared: {row['error']['message']}"
            table.add_row(*cells, told)
        _print_table(table, self._stream)


def _print_table(table: Table, stream: TextIO) -> None:
    console = Console(file=stream, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console = Console(file=stream, markup=False, highlight=False, emoji=False, width=160)
    console.print(table)


def _interval(row: Row, scale: Scale) -> str:
    return "" if row["interval"] is None else _range(row["interval"], scale.span)


def _box(row: Row) -> str:
    """Return the joint intervals in the order of the axes."""
    told = [axis for axis in row["axes"].values() if axis["joint"] is not None]
    return ", ".join(_range(a["joint"], a["scale"][1] - a["scale"][0]) for a in told)


def _range(ends: list[float], span: float) -> str:
    low, high = ends
    return f"{_show(low, span)} to {_show(high, span)}"


def _worst(row: Row, scale: Scale) -> str:
    if row["worst"] is None:
        return ""
    return f"{_show(row['worst']['score'], scale.span)} at {_clock(row['worst']['start'])}"


def _bars(row: Row, scale: Scale) -> str:
    shares = ((moment["score"] - scale.low) / scale.span for moment in row.get("track", []))
    last = len(_BLOCKS) - 1
    return "".join(_BLOCKS[min(last, max(0, int(share * len(_BLOCKS))))] for share in shares)


def _show(value: float, span: float) -> str:
    """As many digits as the scale bears: none of 100, one of 5."""
    return f"{value:.0f}" if span > 20.0 else f"{value:.1f}"


def _plain(path: str) -> str:
    """Make control characters in file names visible instead of obeying them."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in path)


def _flatten_history(history: Row) -> Row:
    """Return the columns of a history; codec and rate are empty when no trace was found."""
    if not history:
        return {}
    low, high = _rate(history) if history["verdict"] == "lossy" else ("", "")
    values = (history["verdict"], history["lossy"], history["codec"], low, high)
    return dict(zip(_HISTORY_COLUMNS, (*values, history["bandwidth_hz"]), strict=True))


def _describe_history(history: Row) -> str:
    """Return a history in words."""
    bandwidth = f"bandwidth {history['bandwidth_hz'] / 1000:.1f} kHz"
    if history["verdict"] != "lossy":
        words = "no trace of lossy coding" if history["lossy"] < 0.5 else "not certainly lossy"
        return f"{words} ({history['lossy']:.2f}); {bandwidth}"
    codec = "codec unclear"
    for trace in history["traces"]:
        if trace["name"] == history["codec"]:
            codec = f"{trace['name']} ({trace['probability']:.2f})"
    low, high = (rate // 1000 for rate in _rate(history))
    return f"lossy {history['lossy']:.2f}: {codec}, {low}-{high} kb/s per channel; {bandwidth}"


def _rate(history: Row) -> tuple[int, int]:
    """Return the rate of the codec, or of whichever it was, in bit/s per channel."""
    rates = {trace["name"]: (trace["low"], trace["high"]) for trace in history["traces"]}
    return rates[history["codec"] or "lossy"]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
