"""`auricle judge`: which metric to trust, by a table of ratings and values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auricle.cli.pages import print_page, print_warnings
from auricle.stats.mappings import MappingKind
from auricle.stats.multiplicity import Correction


def judge(
    table: Annotated[
        Path, typer.Argument(help="CSV file: a row per clip, its rating and values of metrics.")
    ],
    rating: Annotated[
        str | None,
        typer.Option(help="Column of mean ratings. Default: score, rating or mos."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="Column of a metric; repeat for several. Default: every column of numbers that is"
            " none of the others."
        ),
    ] = None,
    item: Annotated[
        str | None,
        typer.Option(help="Column of what was played (song, sentence). Default: item, if there."),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(help="Column of what was done to it. Default: system, if there."),
    ] = None,
    test: Annotated[
        list[str] | None,
        typer.Option(
            help="Column that tells listening tests apart; repeat for several. Default: set and"
            " attribute, if there."
        ),
    ] = None,
    interval: Annotated[
        str | None,
        typer.Option(
            help="Column of half the width of the rating's 95% interval. Default: ci95 or interval,"
            " if there."
        ),
    ] = None,
    deviation: Annotated[
        str | None,
        typer.Option(help="Instead: column of the standard deviation of single scores, and"),
    ] = None,
    votes: Annotated[
        str | None, typer.Option(help="column of their number. Default: raters or votes, if there.")
    ] = None,
    lower_is_better: Annotated[
        list[str] | None,
        typer.Option(
            help="Metric whose lower values are better; repeat for several. Known of Auricle's own"
            " distances."
        ),
    ] = None,
    mapping: Annotated[
        MappingKind, typer.Option(help="From values to ratings, fitted without the item it maps.")
    ] = "cubic",
    correction: Annotated[
        Correction, typer.Option(help="Of p-values, for the number of pairs of metrics.")
    ] = "holm",
    output: Annotated[
        Path | None, typer.Option(help="Folder for report.html, report.md and report.json.")
    ] = None,
) -> None:
    """Tell which metric agrees best with ratings, and whether by more than chance explains.

    Needs no audio: values and ratings stand in one table, such as the clips.csv that 'auricle
    benchmark' writes.

    Exit codes: 0 done, 2 wrong usage, 4 incomplete installation, 5 a table that cannot be read or
    judged, 6 output not written, 130 interrupted.
    """
    # Statistics take a while to import.
    from auricle.evaluation import rated_benchmark
    from auricle.evaluation.judge_report import summarise, write_judgement
    from auricle.evaluation.score_table import TableOptions, read_scores

    options = TableOptions(
        rating=rating,
        metrics=tuple(metric or ()),
        item=item,
        system=system,
        tests=tuple(test or ()),
        interval=interval,
        deviation=deviation,
        votes=votes,
        lower_is_better=tuple(lower_is_better or ()),
    )
    found = read_scores(table, options)
    result = rated_benchmark.judge(
        found.pairs,
        found.contenders,
        found.values,
        mapping=mapping,
        intervals=found.intervals,
        correction=correction,
    )
    # Written first: who reads the terminal's output may leave early.
    left_out = [] if output is None else write_judgement(result, found.notes, output)
    print_page(summarise(result, found.notes), output)
    print_warnings(left_out)
