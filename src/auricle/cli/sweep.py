"""`auricle sweep`: codecs at bitrates, encoded, scored and compared."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auricle.cli.pages import join_reasons, print_page, print_warnings
from auricle.core.errors import InputError

if TYPE_CHECKING:
    from auricle.evaluation.sweep import Sweep
    from auricle.evaluation.sweep_gate import Verdict
    from auricle.evaluation.sweep_plan import SweepPlan

_METRICS = ("codec-music", "deepaq-fullband")


class Curves(StrEnum):
    """How points of a curve are joined."""

    PCHIP = "pchip"
    AKIMA = "akima"
    CUBIC = "cubic"


def sweep(
    references: Annotated[
        list[str], typer.Argument(help="Clean audio: files, folders and globs.", metavar="REF")
    ],
    codecs: Annotated[
        str,
        typer.Option(
            help="Codecs, joined by commas: opus, aac, aacfast, mp3, mp2, vorbis, ac3, eac3, wma,"
            " sbc. Empty: only those of --codec-command."
        ),
    ] = "opus,aac,mp3",
    bitrates: Annotated[
        str,
        typer.Option(
            help="In kb/s: 16:160, the usual ones between; 16:160:6, six at equal ratios;"
            " or a list, 16,32,64."
        ),
    ] = "16:160",
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="Metric with or without a reference, or bundle folder; repeat for several."
            f" Default: {' and '.join(_METRICS)}."
        ),
    ] = None,
    codec_command: Annotated[
        list[str] | None,
        typer.Option(
            help="A codec of your own, 'NAME=encoder {in} {out} {kbps}': a WAV file in, a file out"
            " that FFmpeg decodes; or with its decoder, 'NAME=encoder {in} {coded} {kbps} &&"
            " decoder {coded} {out}.wav'. {bitrate} is in bit/s. Repeat for several."
        ),
    ] = None,
    anchor: Annotated[
        str | None, typer.Option(help="Compare all codecs with this one. Default: in pairs.")
    ] = None,
    interpolation: Annotated[
        Curves, typer.Option(help="How points are joined for Bjontegaard deltas.")
    ] = Curves.PCHIP,
    target: Annotated[
        list[float] | None,
        typer.Option(help="Tell the bitrate that reaches this mean score; repeat for several."),
    ] = None,
    excerpt: Annotated[
        float, typer.Option(help="Of longer files only the loudest so many seconds are taken.")
    ] = 30.0,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder for report.html, report.md, report.json and points.csv; it keeps all"
            " values, so that another run computes only what is new."
        ),
    ] = None,
    fail_if_worse_than: Annotated[
        Path | None,
        typer.Option(
            help="report.json of an earlier sweep: exit with code 3 if a codec became worse. Warns"
            " of what that sweep had and this one has not."
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(min=0.0, help="Tolerated fall of a mean score, in % of the metric's scale."),
    ] = 1.0,
    jobs: Annotated[int, typer.Option(min=1, help="Encodings at a time.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Tell which codec is better at which bitrate: encode clean audio, score it, compare.

    Clips must be mono or stereo. Bitrates that a codec does not have become its nearest; what is
    compared is the bitrate that was really spent.

    Exit codes: 0 all scored, 1 something could not be scored (also where another codec is worse
    than the baseline), 2 wrong usage, 3 all scored and worse than the baseline, 4 incomplete
    installation, 6 output not written, 130 interrupted. In CI, test for any but 0.
    """
    from auricle.degrade.programs import parse_program
    from auricle.evaluation.rated_metrics import find_contenders
    from auricle.evaluation.sweep_curves import find_curves
    from auricle.evaluation.sweep_gate import compare_with_baseline, read_baseline
    from auricle.evaluation.sweep_plan import SweepPlan, parse_bitrates, parse_codecs
    from auricle.evaluation.sweep_report import to_page, write_sweep
    from auricle.evaluation.sweep_tables import SweepReport

    plan = SweepPlan(
        codecs=parse_codecs(codecs),
        bitrates=parse_bitrates(bitrates),
        contenders=tuple(find_contenders(metric or list(_METRICS))[0]),
        programs=tuple(map(parse_program, codec_command or ())),
        excerpt=excerpt,
    )
    plan.check(anchor, target or ())
    # Before minutes of encoding, not after; the file may be what this run overwrites.
    baseline = None
    if fail_if_worse_than is not None:
        baseline = read_baseline(fail_if_worse_than, excerpt)
    found = _run(plan, references, output, jobs, quiet)
    if not found.clips:
        reasons = [f"{one.clip}: {one.message}" for one in found.failures]
        raise InputError(f"nothing could be encoded: {join_reasons(reasons)}")
    curves = find_curves(
        found, anchor=anchor, interpolation=interpolation.value, targets=target or ()
    )
    verdict = None if baseline is None else compare_with_baseline(found, baseline, tolerance)
    report = SweepReport(found, curves, interpolation.value, verdict)
    # Written first: who reads the terminal's output may leave early.
    left_out = [] if output is None else write_sweep(report, output)
    print_page(to_page(report), output)
    print_warnings([*left_out, *(verdict.missing if verdict is not None else ())])
    _leave(found, verdict)


def _run(
    plan: SweepPlan, references: list[str], output: Path | None, jobs: int, quiet: bool
) -> Sweep:
    """Encode and score, kept in `output` if there is one."""
    from auricle.api import expand_paths
    from auricle.cli.progress import progress_bar
    from auricle.evaluation.sweep import run_sweep

    with ExitStack() as stack:
        folder = output or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bar = stack.enter_context(progress_bar(quiet))
        task = bar.add_task("encoding and scoring", total=None)
        return run_sweep(
            plan,
            expand_paths(references),
            folder,
            jobs=jobs,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _leave(found: Sweep, verdict: Verdict | None) -> None:
    from rich.console import Console

    from auricle.cli.exits import Exit

    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    for one in verdict.worse if verdict is not None else ():
        errors.print(
            f"auricle: {one.codec} is worse by {one.metric}: {one.before:.4g} became"
            f" {one.after:.4g}, most at {one.worst / 1000:g} kb/s",
            markup=False,
        )
    if found.failures:
        raise typer.Exit(Exit.NOT_SCORED)
    if verdict is not None and verdict.worse:
        raise typer.Exit(Exit.BELOW_MINIMUM)
