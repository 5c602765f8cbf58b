"""Ratings and values of metrics that stand in one table already, and no audio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auricle.catalog import REFERENCE_CATALOG
from auricle.core.errors import ConfigError, DataError
from auricle.data.listening_sets import RatedPair
from auricle.data.rating_rows import Row, Sheet, read_sheet
from auricle.evaluation.rated_benchmark import rating_interval
from auricle.evaluation.rated_metrics import Contender
from auricle.evaluation.rated_scores import RatedValue

_RATINGS = ("score", "rating", "mos")
_TESTS = ("set", "attribute")
_VOTES = ("raters", "votes")
# Columns with numbers that no metric has said.
_FACTS = {
    *_RATINGS, *_TESTS, *_VOTES, "test", "item", "system", "scale", "reference", "degraded",
    "listener", "trial", "sample_rate", "deviation", "interval", "ci95", "hidden",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableOptions:
    """Which column of a table holds what; None: the usual name, if there is such a column.

    `rating` is the mean rating, `metrics` the values to judge (none named: every other column of
    numbers), `item` what was played, `system` what was done to it, `tests` what tells listening
    tests apart. Of the ratings' 95% intervals `interval` holds half the width, or `deviation` the
    standard deviation of single scores with the number of `votes`. Of metrics in
    `lower_is_better` less is better.
    """

    rating: str | None = None
    metrics: tuple[str, ...] = ()
    item: str | None = None
    system: str | None = None
    tests: tuple[str, ...] = ()
    interval: str | None = None
    deviation: str | None = None
    votes: str | None = None
    lower_is_better: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """A table's ratings and values, one each for `pairs`, as `rated_benchmark.judge` takes them.

    `intervals` are half the widths of the ratings' 95% intervals, NaN where they are not known;
    `notes` say in words what was left out or assumed.
    """

    pairs: tuple[RatedPair, ...]
    contenders: tuple[Contender, ...]
    values: dict[str, list[RatedValue]]
    intervals: tuple[float, ...]
    notes: tuple[str, ...]


def read_scores(path: Path, options: TableOptions | None = None) -> ScoreTable:
    """Read a table of ratings and values of metrics, such as the `clips.csv` of a benchmark.

    Columns are separated by commas, semicolons or tabs. Rows without a rating are left out, empty
    cells of metrics are values that are not there. Without a column of items each row is an item of
    its own. Less is better of known distances (metrics of Auricle that say so, "fad-...") and of
    those in `lower_is_better`.

    Raises `DataError` naming line and column for what is no number or does not match, and when
    there is no rating or metric; `ConfigError` for a metric in `lower_is_better` that is not
    judged, or a `deviation` without `votes`.
    """
    options = options or TableOptions()
    sheet = read_sheet(path)
    rating = _choose(sheet, options.rating, _RATINGS, "--rating")
    if rating is None:
        raise DataError(
            f"{path}: no column is called {', '.join(_RATINGS)}; name the one of the ratings by"
            f" --rating: there is {', '.join(sheet.header)}"
        )
    rows = [row for row in sheet.rows if not math.isnan(row.number(rating))]
    if not rows:
        raise DataError(f"{path}: column {rating} holds no rating")
    columns = _Columns(
        rating=rating,
        item=_choose(sheet, options.item, ("item",), "--item"),
        system=_choose(sheet, options.system, ("system",), "--system"),
        tests=_choose_tests(sheet, options.tests),
        interval=_choose(sheet, options.interval, ("ci95", "interval"), "--interval"),
        deviation=_choose(sheet, options.deviation, ("deviation",), "--deviation"),
        votes=_choose(sheet, options.votes, _VOTES, "--votes"),
    )
    if options.deviation is not None and columns.votes is None:
        raise ConfigError(
            "a standard deviation tells nothing of the mean without the number of votes: name their"
            " column by --votes"
        )
    metrics = _choose_metrics(sheet, rows, options.metrics, columns.used)
    if unknown := set(options.lower_is_better) - set(metrics):
        raise ConfigError(
            f"--lower-is-better {sorted(unknown)[0]}: no such metric is judged, only"
            f" {', '.join(metrics)}"
        )
    pairs = tuple(columns.to_pair(row, sheet.path) for row in rows)
    notes = [f"Ratings: column `{rating}`; items: {_tell(columns.item, 'each row is one')}."]
    if dropped := len(sheet.rows) - len(rows):
        notes.append(f"Rows without a rating, left out: {dropped}.")
    return ScoreTable(
        pairs=pairs,
        contenders=tuple(_contender(name, options.lower_is_better) for name in metrics),
        values={name: [_value(row, name) for row in rows] for name in metrics},
        intervals=tuple(
            columns.to_interval(row, pair) for row, pair in zip(rows, pairs, strict=True)
        ),
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns that were chosen."""

    rating: str
    item: str | None
    system: str | None
    tests: tuple[str, ...]
    interval: str | None
    deviation: str | None
    votes: str | None

    @property
    def used(self) -> set[str | None]:
        single = (self.rating, self.item, self.system, self.interval, self.deviation, self.votes)
        return {*single, *self.tests}

    def to_pair(self, row: Row, path: Path) -> RatedPair:
        """Return what a row tells of a clip; its line stands for the file."""
        first, *others = [row.text(name) for name in self.tests] or [path.stem]
        place = row.place()
        return RatedPair(
            set=first,
            attribute="/".join(others) or "quality",
            item=row.text(self.item) if self.item else place,
            system=row.text(self.system) if self.system else "",
            reference=Path(),
            degraded=Path(row.text("degraded") or place),
            score=row.number(self.rating),
            raters=row.count(self.votes) if self.votes else 0,
            deviation=row.number(self.deviation) if self.deviation else math.nan,
        )

    def to_interval(self, row: Row, pair: RatedPair) -> float:
        if self.interval is None:
            return rating_interval(pair)
        width = row.number(self.interval)
        if width < 0.0:
            place = row.place(self.interval)
            raise DataError(f"{place}: half the width of an interval is not below 0")
        return width


def _choose(sheet: Sheet, wanted: str | None, usual: Sequence[str], option: str) -> str | None:
    """Return the column that was asked for, or else the first that has a usual name."""
    if wanted is None:
        known = {name.lower(): name for name in reversed(sheet.header)}
        return next((known[name] for name in usual if name in known), None)
    if wanted not in sheet.header:
        raise DataError(
            f"{sheet.path}: {option} {wanted}: there is no such column, only"
            f" {', '.join(sheet.header)}"
        )
    return wanted


def _choose_tests(sheet: Sheet, wanted: Sequence[str]) -> tuple[str, ...]:
    found = [_choose(sheet, name, (), "--test") for name in wanted]
    if not wanted:
        found = [_choose(sheet, None, (name,), "--test") for name in _TESTS]
    return tuple(name for name in found if name is not None)


def _choose_metrics(
    sheet: Sheet, rows: Sequence[Row], wanted: Sequence[str], used: set[str | None]
) -> tuple[str, ...]:
    """Return the columns that were asked for, or all of numbers that nothing else is known of."""
    if wanted:
        return tuple(name for name in dict.fromkeys(wanted) if _choose(sheet, name, (), "--metric"))
    found = tuple(
        name
        for name in sheet.header
        if name not in used and name.lower() not in _FACTS and _is_number(rows, name)
    )
    if not found:
        raise DataError(
            f"{sheet.path}: besides {', '.join(sorted(n for n in used if n))} no column holds"
            " numbers only; name those of metrics by --metric"
        )
    return found


def _is_number(rows: Sequence[Row], column: str) -> bool:
    try:
        return any(not math.isnan(row.number(column)) for row in rows)
    except DataError:
        return False


def _contender(name: str, lower_is_better: Sequence[str]) -> Contender:
    distances = {
        metric.spec.name
        for metric in REFERENCE_CATALOG.values()
        if not metric.spec.scale.higher_is_better
    }
    lower = name in lower_is_better or name in distances or name.startswith("fad-")
    return Contender(name, name, -1.0 if lower else 1.0, identity=name)


def _value(row: Row, metric: str) -> RatedValue:
    value = row.number(metric)
    if math.isnan(value):
        return RatedValue(str(row.line), error="no value in the table")
    return RatedValue(str(row.line), value)


def _tell(column: str | None, otherwise: str) -> str:
    return f"column `{column}`" if column else otherwise
