"""Tables of ratings of one's own, long or wide.

A long table has a row per vote, or per mean of votes. A wide one has no column of scores: its rows
are stimuli and its columns listeners, or its rows are listeners and its columns stimuli.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from auricle.core.errors import DataError
from auricle.core.ratings import MeanRating, Rating, RatingTable
from auricle.core.spec import PERCENT, Scale
from auricle.data.rating_columns import (
    ACR,
    UNKNOWN,
    Field,
    RatingOptions,
    find_columns,
    guess_scale,
    holds_means,
    to_scale,
)
from auricle.data.rating_rows import Row, Sheet

Columns = Mapping[Field, str]
Kept = list[tuple[Row, dict[str, Any]]]
_Placed = list[tuple[float, str]]
_One = TypeVar("_One", Rating, MeanRating)

# Up to one score in so many off a usual scale is taken for a slip, more for another scale.
_SLIPS = 20
_TOLD_SLIPS = 5


def read_votes(sheet: Sheet, options: RatingOptions) -> RatingTable:
    """Read a long or wide table, by the options and the usual names of columns.

    Raises `DataError` naming line and column for what is no score, for scores that no scale is
    known for, and when columns are missing.
    """
    columns = find_columns(sheet.header, options, f"{sheet.path}, line 1")
    _require_single(sheet, columns.values())
    notes: dict[str, str] = {}
    kept: list[tuple[Row, dict[str, Any]]] = []
    for row in sheet.rows:
        facts = read_facts(row, columns, options)
        if facts["scale"] is None:
            test = f"{facts['test']}/{facts['attribute']}"
            notes[test] = f"{test} is left out: {_cell(row, columns, 'scale')!r} is no scale"
        else:
            kept.append((row, facts))
    if "score" not in columns:
        table = RatingTable(tuple(_read_wide(sheet, kept, columns, options)))
    elif not {"item", "system", "file"} & set(columns):
        raise DataError(
            f"{sheet.path}, line 1: no column says what was rated: call one item, system or file,"
            " or name it by an option, such as system=COLUMN"
        )
    elif holds_means(columns):
        table = leave_out_unrated([_to_mean(row, facts, columns) for row, facts in kept])
        if unread := _find_scores(sheet, columns, options):
            notes[""] = (
                f"{sheet.path.name} is read as means, and its columns {', '.join(unread)} are not;"
                f" if they are listeners, name {columns['score']} among the ignored ones"
            )
    else:
        table = RatingTable(tuple(_read_long(kept, columns)))
    table = _settle_scales(table)
    return replace(table, notes=(*notes.values(), *table.notes))


def _read_long(kept: Kept, columns: Columns) -> Iterator[Rating]:
    name = columns["score"]
    for row, facts in kept:
        score = row.number(name)
        if not math.isnan(score):
            if not (facts["item"] or facts["system"]):
                raise DataError(f"{row.place()}: nothing says what was rated: fill in the row")
            yield Rating(
                **facts,
                listener=_cell(row, columns, "listener"),
                trial=_cell(row, columns, "trial"),
                score=score,
                place=row.place(name),
            )


def _to_mean(row: Row, facts: Mapping[str, Any], columns: Columns) -> MeanRating:
    name = columns["score"]
    return MeanRating(
        **facts,
        mean=row.number(name),
        deviation=row.number(columns["deviation"]) if "deviation" in columns else math.nan,
        listeners=row.count(columns["count"]) if "count" in columns else 0,
        place=row.place(name),
    )


def _read_wide(
    sheet: Sheet, kept: Kept, columns: Columns, options: RatingOptions
) -> Iterator[Rating]:
    """Read a column per stimulus where rows are listeners', else a column per listener."""
    names = _find_scores(sheet, columns, options)
    _require_wide(sheet, columns, names)
    split = any("/" in name for name in names)
    for row, facts in kept:
        for name in names:
            score = _wide_score(row, name)
            if math.isnan(score):
                continue
            found = {"listener": name}
            if "listener" in columns:
                item, _, system = name.rpartition("/") if split else (facts["item"], "", name)
                found = {"listener": _cell(row, columns, "listener")}
                found |= {"item": item, "system": system, "role": options.role(system)}
            trial = _cell(row, columns, "trial")
            yield Rating(**{**facts, **found}, trial=trial, score=score, place=row.place(name))


def _find_scores(sheet: Sheet, columns: Columns, options: RatingOptions) -> list[str]:
    """Return the columns that no field has: in wide tables those of listeners or stimuli."""
    taken = {*columns.values(), *options.ignored}
    return [name for name in sheet.header if name and name not in taken]


def _require_wide(sheet: Sheet, columns: Columns, names: list[str]) -> None:
    place = f"{sheet.path}, line 1"
    if not names or not {"listener", "item", "system", "file"} & set(columns):
        raise DataError(
            f"{place}: there is no column of scores (called score, rating, vote, mos or mean), and"
            " it is no wide table either: that has listeners or items and systems in its rows, and"
            f" scores in columns of other names; name the column of scores by an option, such as"
            f" score=COLUMN: there is {', '.join(sheet.header)}"
        )
    _require_single(sheet, names)
    odd = [name for name in names if "/" not in name]
    if "listener" in columns and 0 < len(odd) < len(names):
        raise DataError(
            f"{place}: column {odd[0]!r} is no ITEM/SYSTEM as others are: rename it, or name it"
            " among the ignored ones"
        )


def _require_single(sheet: Sheet, names: Iterable[str]) -> None:
    for name in names:
        if sheet.header.count(name) > 1:
            raise DataError(
                f"{sheet.path}, line 1: two columns are called {name}: give each a name of its own"
            )


def _wide_score(row: Row, name: str) -> float:
    try:
        return row.number(name)
    except DataError as error:
        raise DataError(
            f"{error}; where the column holds no scores, name it among the ignored ones"
        ) from error


def read_facts(row: Row, columns: Columns, options: RatingOptions) -> dict[str, Any]:
    """Return what long and wide rows, votes and means have in common, by their fields' names.

    `scale` is None where what stands there is none, and `UNKNOWN` where nothing does.
    """
    path, system = row.path, _cell(row, columns, "system")
    file, reference = _cell(row, columns, "file"), _cell(row, columns, "reference")
    rate = row.count(columns["sample_rate"]) if "sample_rate" in columns else 0
    scale: Scale | None = options.scale or UNKNOWN
    if options.scale is None and (text := _cell(row, columns, "scale")):
        scale = to_scale(text)
    whole = path.resolve().parent.name if path.stem.startswith("ratings") else path.stem
    try:
        told = _cell(row, columns, "role") if "role" in columns else None
        role = options.role(system, told)
    except DataError as error:
        raise DataError(f"{row.place(columns['role'])}: {error}") from error
    return {
        "test": _cell(row, columns, "test") or whole,
        "attribute": _cell(row, columns, "attribute") or "quality",
        "item": _cell(row, columns, "item") or reference or file,
        "system": system,
        "role": "reference" if file and file == reference else role,
        "stimulus": locate(path, file),
        "reference": locate(path, reference),
        "sample_rate": rate or None,
        "scale": scale,
    }


def _cell(row: Row, columns: Columns, one: Field) -> str:
    return row.text(columns[one]) if one in columns else ""


def leave_out_unrated(means: list[MeanRating]) -> RatingTable:
    """Return the means that are numbers, and in words how many are not."""
    unrated = Counter(f"{one.test}/{one.attribute}" for one in means if math.isnan(one.mean))
    return RatingTable(
        means=tuple(one for one in means if not math.isnan(one.mean)),
        notes=tuple(f"{test}: {n} without a rating left out" for test, n in unrated.items()),
    )


def locate(path: Path, file: str) -> str:
    """Return where a file is that a table names, from the table on; addresses stay as they are.

    >>> locate(Path("set/ratings.csv"), "a.wav"), locate(Path("set/ratings.csv"), "https://a/b.wav")
    ('set/a.wav', 'https://a/b.wav')
    """
    return file if not file or "://" in file else str(path.parent / file)


def _settle_scales(table: RatingTable) -> RatingTable:
    """Put scores that nothing is said of on the scale that their range tells."""
    scores: dict[tuple[str, str], _Placed] = {}
    every: list[tuple[float, Rating | MeanRating]] = [(one.score, one) for one in table.ratings]
    every += [(one.mean, one) for one in table.means]
    for score, one in every:
        if one.scale == UNKNOWN:
            scores.setdefault((one.test, one.attribute), []).append((score, one.place))
    scales = {key: _guess(given, key) for key, given in scores.items()}
    return RatingTable(
        tuple(_settle(one, scales) for one in table.ratings),
        tuple(_settle(one, scales) for one in table.means),
        (
            *table.notes,
            *(
                f"{test}/{attribute}: the scale {scale.low:g}-{scale.high:g} is guessed from the"
                " scores"
                for (test, attribute), scale in scales.items()
            ),
        ),
    )


def _settle(one: _One, scales: Mapping[tuple[str, str], Scale]) -> _One:
    if one.scale != UNKNOWN:
        return one
    return replace(one, scale=scales[one.test, one.attribute])


def _guess(scores: _Placed, question: tuple[str, str]) -> Scale:
    scale = guess_scale(score for score, _ in scores)
    if scale is None:
        _refuse_slips(scores)
        low, high = min(scores)[0], max(scores)[0]
        raise DataError(
            f"{scores[0][1]}: nothing says which scale the scores of {'/'.join(question)} are on,"
            f" and what lies between {low:g} and {high:g} may be on several: add a column scale"
            " (such as 0-10), or give it as an option"
        )
    return scale


def _refuse_slips(scores: _Placed) -> None:
    """Name the few scores without which the others would tell their scale."""
    for scale in (ACR, PERCENT):
        off = [(score, place) for score, place in scores if not scale.low <= score <= scale.high]
        others = (score for score, _ in scores if scale.low <= score <= scale.high)
        if len(off) * _SLIPS > len(scores) or guess_scale(others) != scale:
            continue
        told = "; ".join(
            f"{place}: {score:g} lies "
            + (f"above {scale.high:g}" if score > scale.high else f"below {scale.low:g}")
            for score, place in off[:_TOLD_SLIPS]
        )
        more = f"; and {len(off) - _TOLD_SLIPS} more" if len(off) > _TOLD_SLIPS else ""
        raise DataError(
            f"{told}{more}, while all others lie in {scale.low:g}-{scale.high:g}: correct it, or"
            " give the scale as an option or in a column scale"
        )
