"""`auricle ratings`: what listeners said, who of them counts, and which system is better."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auricle.cli.pages import print_page, print_warnings
from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import RatingLayout
from auricle.stats.multiplicity import Correction

if TYPE_CHECKING:
    from auricle.core.ratings import MeanRating, Rating, RatingTable
    from auricle.data.rating_columns import RatingOptions
    from auricle.stats.screening_checks import Trap

_NONE = "none"
_TRAP = re.compile(r"(.+)=([-+]?\d*\.?\d+)(?:\s*(?:\+-|\+/-|\N{PLUS-MINUS SIGN})\s*(\d*\.?\d+))?")


def ratings(
    source: Annotated[
        Path, typer.Argument(help="Ratings: a table, or a folder of a known layout.")
    ],
    test: Annotated[
        list[str] | None, typer.Option(help="Only this test; repeat for several.")
    ] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(help="Only this question; repeat for several.")
    ] = None,
    screen: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD",
            help="Who goes: bs1534, bs1116, p808 (constant, incomplete, and correlation with the"
            " others), bt500, correlation, constant, incomplete, straight-lines, replicates (far"
            " apart), abnormal (scores that cannot be meant), traps, or none; repeat for several."
            " Default: bs1534 where there are hidden references on 0-100.",
        ),
    ] = None,
    trap: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SCORE[+-TOL]",
            help="Item, system or file whose right answer is known, such as trap.wav=2 or"
            " gold.wav=5+-1: who answers otherwise goes, and it counts in nothing else; repeat for"
            " several.",
        ),
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Compare all others with this system, not all pairs.")
    ] = None,
    correction: Annotated[
        Correction, typer.Option(help="Of p-values, for the number of comparisons.")
    ] = "holm",
    interactions: Annotated[
        bool,
        typer.Option(
            help="Let listeners and items differ in what they do to a system, not only overall."
        ),
    ] = True,
    interval: Annotated[
        float | None,
        typer.Option(help="Tell how many listeners or items make a mean known to +- this."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=NAME",
            help="What a column of a table of your own holds, such as score=points,"
            " listener=person, item=song, system=codec; repeat for several.",
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="Column of a wide table that is neither a listener nor a stimulus."),
    ] = None,
    scale: Annotated[str | None, typer.Option(help="Scale of all scores, such as 1-5.")] = None,
    reference: Annotated[str, typer.Option(help="System that is the hidden reference.")] = "",
    low_anchor: Annotated[str, typer.Option(help="System that is the low anchor.")] = "",
    mid_anchor: Annotated[str, typer.Option(help="System that is the mid-range anchor.")] = "",
    layout: Annotated[
        RatingLayout | None,
        typer.Option(help="How the ratings are laid out. Default: recognised."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for report.html, report.md, report.json and screened.csv."),
    ] = None,
) -> None:
    """Tell from listeners' ratings which system is better, how sure that is, and who should go.

    Reads webMUSHRA, ODAQ, P.808, and long or wide tables; docs/ratings-in.md has them all,
    docs/ratings.md what the numbers mean.

    Exit codes: 0 done, 2 wrong usage, 5 ratings that cannot be read or judged, 6 output not
    written.
    """
    # Statistics take a while to import.
    from auricle.data.ratings import read_ratings
    from auricle.evaluation.panel_results import PanelOptions, judge_panel
    from auricle.evaluation.ratings_report import to_page, write_ratings

    traps = tuple(map(_read_trap, trap or []))
    screenings = _pick_screenings(screen)
    options = PanelOptions(screenings, traps, against, correction, interactions, interval)
    columns = _pair_columns(column or [])
    how = _collect(columns, ignore or [], scale, reference, low_anchor, mid_anchor)
    table = read_ratings(source, layout, how)
    questions = _choose(table, test, attribute)
    _require_traps(table, traps)
    results = [judge_panel(table.select(*question), options) for question in questions]
    notes = [f"{source}: {_count(table)}", *table.notes]
    if output is not None:
        # First: whoever reads what is printed may leave.
        print_warnings(write_ratings(results, notes, output))
    print_page(to_page(results, notes), output)


def _pick_screenings(names: list[str] | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    if _NONE in names:
        if len(names) > 1:
            raise ConfigError("--screen none does not go with other screenings")
        return ()
    return tuple(names)


def _read_trap(text: str) -> Trap:
    from auricle.stats.screening_checks import Trap

    found = _TRAP.fullmatch(text)
    if found is None:
        raise ConfigError(
            f"--trap {text}: write NAME=SCORE or NAME=SCORE+-TOL, such as gold.wav=5+-1"
        )
    return Trap(found[1], float(found[2]), float(found[3] or 0))


def _require_traps(table: RatingTable, traps: Sequence[Trap]) -> None:
    every: list[Rating | MeanRating] = [*table.ratings, *table.means]
    for trap in traps:
        if not any(trap.covers(one) for one in every):
            raise ConfigError(f"--trap {trap.name}: no item, system or file is called that")


def _pair_columns(texts: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    wrong = [
        text for text, (field, _, name) in zip(texts, pairs, strict=True) if not field * bool(name)
    ]
    if wrong:
        raise ConfigError(f"--column {wrong[0]}: write FIELD=NAME, such as score=points")
    return {field: name for field, _, name in pairs}


def _collect(
    columns: dict[str, str],
    ignored: list[str],
    scale: str | None,
    reference: str,
    low_anchor: str,
    mid_anchor: str,
) -> RatingOptions:
    from auricle.data.rating_columns import RatingOptions, to_scale

    found = None if scale is None else to_scale(scale)
    if scale is not None and found is None:
        raise ConfigError(f"--scale {scale}: write both ends, such as 1-5 or 0-100")
    return RatingOptions(found, columns, tuple(ignored), reference, low_anchor, mid_anchor)


def _choose(
    table: RatingTable, tests: list[str] | None, attributes: list[str] | None
) -> list[tuple[str, str]]:
    """Return the questions that were asked for; all without a wish."""
    chosen = [
        (test, attribute)
        for test, attribute in table.questions
        if (not tests or test in tests) and (not attributes or attribute in attributes)
    ]
    if not chosen:
        there = ", ".join(f"{test} / {attribute}" for test, attribute in table.questions)
        raise DataError(f"no such test or attribute: the ratings have {there}")
    return chosen


def _count(table: RatingTable) -> str:
    counts = {"rating": len(table.ratings), "mean": len(table.means)}
    return ", ".join(f"{n} {what}{'s' * (n > 1)}" for what, n in counts.items() if n)
