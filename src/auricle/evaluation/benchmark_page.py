"""A benchmark as a page: which metric to trust, every test, reliability, ladders, costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

from auricle.evaluation.benchmark_costs import cost_sections
from auricle.evaluation.benchmark_reliability import reliability_sections
from auricle.evaluation.benchmark_run import BenchmarkRun
from auricle.evaluation.benchmark_sets import set_sections, show_estimate
from auricle.evaluation.ladder_report import ladder_sections
from auricle.evaluation.page.blocks import Bar, Block, Cell, Intervals, Page, Section, Table, Text
from auricle.evaluation.rated_metrics import Contender
from auricle.evaluation.rated_words import is_blind, join, say_blind, say_undecided
from auricle.stats.intervals import Estimate

_LEVEL = 0.05
_NONE = "-"
_TITLE = "Metrics against listening tests"
_SUMMARY = (
    "Metrics are compared with the mean ratings of listeners, clip by clip. Values of distances are"
    " negated, so that 1 is the best correlation there is; hidden references are left out. Brackets"
    " hold 95% bootstrap intervals over a test's items, over clips where it has fewer than five."
)


def to_page(run: BenchmarkRun) -> Page:
    """Return the report as a page, the leaderboard first."""
    sections = [
        *_first_sections(run),
        *set_sections(run),
        *reliability_sections(run),
        *_ladder_sections(run),
        *cost_sections(run),
        *_last_sections(run),
    ]
    facts = [("Auricle", version("auricle")), ("Command", run.command), ("Machine", run.machine)]
    return Page(_TITLE, _SUMMARY, sections, [fact for fact in facts if fact[1]])


def summarise(run: BenchmarkRun) -> Page:
    """Return what is to be read first: the leaderboard, advice, failures and notes."""
    return Page(_TITLE, _SUMMARY, [*_first_sections(run), *_last_sections(run)])


def _first_sections(run: BenchmarkRun) -> list[Section]:
    return [
        Section("Leaderboard", [_leaderboard(run), *_draw_means(run)]),
        Section("Which metric to trust", [*map(Text, advise(run)), _tabulate_choices(run)]),
    ]


def _last_sections(run: BenchmarkRun) -> list[Section]:
    notes = [Section("Notes", [Text(note) for note in run.notes])] if run.notes else []
    return [Section("Failures", [_tabulate_failures(run)]), *notes]


def advise(run: BenchmarkRun) -> list[str]:
    """Return in plain words which metric agrees best, and what is known of the others."""
    tests = run.found.means[0].tests if run.found.means else ()
    ranked = run.rank(None)
    if not ranked:
        return ["No metric has a number for every test of overall quality: see the tests below."]
    best, several = ranked[0], len(tests) > 1
    over = f"Over the {len(tests)} tests of overall quality " if several else ""
    told = f"{'mean ' * several}SRCC {show_estimate(run.srcc(best.name, None))}"
    said = [f"{over}`{best.name}` orders clips most like listeners do: {told}."]
    verdict = _split(run, ranked, None)
    if verdict.worse:
        said.append(
            f"It is better than {join([f'`{name}`' for name in verdict.worse])} by more than chance"
            f" explains (paired bootstrap, p < {_LEVEL:g} after {run.correction} correction for all"
            " pairs of metrics)."
        )
    said += say_undecided(verdict.same, len(tests))
    alone = [one for one in ranked if not one.needs_reference]
    if alone and best.needs_reference:
        first = alone[0]
        said.append(
            f"Of those that need no reference `{first.name}` is the best:"
            f" {show_estimate(run.srcc(first.name, None))}."
        )
    said += say_blind(verdict.blind)
    without = [f"`{one.name}`" for one in run.found.contenders if one not in ranked]
    if without:
        why = "a number in some test, and so without a mean" if several else "a correlation"
        said.append(f"Without {why}: {join(without)}.")
    if any(run.is_outside(best, test) for test in tests):
        said.append(f"Some of the tests lie outside the domain of `{best.name}`, {best.domain}.")
    return said


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Metrics beside the best, with their SRCC: as good as far as is known, and worse ones.

    `blind` are those, the best included, whose interval includes 0.
    """

    same: dict[str, Estimate]
    worse: dict[str, Estimate]
    blind: dict[str, Estimate]


def _split(run: BenchmarkRun, ranked: Sequence[Contender], test: str | None) -> _Verdict:
    known = {one.name: found for one in ranked if (found := run.srcc(one.name, test)) is not None}
    best = ranked[0].name
    ps = {name: run.p_value(best, name, test) for name in known}
    worse = {name: known[name] for name, p in ps.items() if p is not None and p < _LEVEL}
    blind = {name: found for name, found in known.items() if is_blind(found)}
    settled = {best, *worse, *blind}
    same = {name: found for name, found in known.items() if name not in settled}
    return _Verdict(same, worse, blind)


def _leaderboard(run: BenchmarkRun) -> Table:
    tests = run.found.means[0].tests if run.found.means else ()
    ranked = run.rank(None)
    order = [*ranked, *(one for one in run.found.contenders if one not in ranked)]
    # Of one test the mean is the test.
    means = () if len(tests) == 1 else (None,)
    columns = [_rank_cells(run, order, test) for test in (*means, *tests)]
    rows = [
        [Cell(one.name, hint=one.full_name), "yes" if one.needs_reference else "no", *cells]
        for one, *cells in zip(order, *columns, strict=True)
    ]
    ceilings = [run.ceiling(test) for test in tests]
    if any(ceilings):
        cells = [Cell(show_estimate(one)) for one in ceilings]
        rows.append(["(a perfect metric)", "", *[_NONE for _ in means], *cells])
    sets = [test.partition("/")[0] for test in tests]
    names = sets if len(set(sets)) == len(sets) else tests
    header = ("metric", "reference", *["mean SRCC" for _ in means], *names)
    caption = "SRCC (Spearman's) with the mean rating"
    caption += ", and its mean over all tests of overall quality." if means else "."
    if any(ceilings):
        caption += " (a perfect metric): what the noise of the listeners leaves to reach."
    if any(run.is_outside(one, test) for one in order for test in tests):
        caption += " ° a test outside the metric's domain."
    return Table(header, rows, caption)


def _rank_cells(run: BenchmarkRun, order: Sequence[Contender], test: str | None) -> list[Cell]:
    values = [run.srcc(one.name, test) for one in order]
    best = max((one.value for one in values if one is not None), default=None)
    cells = []
    for one, found in zip(order, values, strict=True):
        outside = test is not None and run.is_outside(one, test)
        result = run.result(one.name, test) if test is not None else None
        partial = f"{result.clips} of {result.of}" if result and result.clips < result.of else ""
        hints = [partial and f"{partial} clips", outside and f"{one.name} is of {one.domain}"]
        told = f" ({partial})" if partial and found is not None else ""
        cells.append(
            Cell(
                show_estimate(found) + told + " °" * outside,
                order=None if found is None else found.value,
                hint="; ".join(hint for hint in hints if hint),
                best=found is not None and found.value == best,
            )
        )
    return cells


def _draw_means(run: BenchmarkRun) -> list[Block]:
    bars = []
    for one in run.rank(None):
        mean = run.srcc(one.name, None)
        assert mean is not None
        bars.append(Bar(one.name, mean.value, mean.low, mean.high, one.full_name))
    several = bool(run.found.means) and len(run.found.means[0].tests) > 1
    title = "Mean over tests of overall quality" if several else "Agreement with listeners"
    return [Intervals(title, "SRCC", bars)] if bars else []


def _tabulate_choices(run: BenchmarkRun) -> Table:
    """Return for each test the best metric, and what is known of the others beside it."""
    rows: list[list[str | Cell]] = []
    for test in run.tests:
        ranked = run.rank(test)
        if not ranked:
            rows.append([test, *[_NONE] * 4])
            continue
        verdict = _split(run, ranked, test)
        told = show_estimate(run.srcc(ranked[0].name, test))
        # Its interval stands in the test's own table: here it would push a column off the page.
        best = Cell(f"{ranked[0].name} {told.partition(' ')[0]}", hint=told)
        groups = (verdict.same, verdict.worse, verdict.blind)
        rows.append([test, best, *(", ".join(names) or _NONE for names in groups)])
    caption = (
        f"By SRCC. Worse: p < {_LEVEL:g} by paired bootstrap, after {run.correction}"
        " correction for all pairs of metrics of the test. Not shown to agree: the interval of SRCC"
        " includes 0."
    )
    header = ("test", "best", "test too small to tell", "worse", "not shown to agree")
    return Table(header, rows, caption)


def _ladder_sections(run: BenchmarkRun) -> list[Section]:
    if run.ladders is None:
        return []
    return [
        replace(section, title=f"Ladders: {section.title[0].lower()}{section.title[1:]}")
        for section in ladder_sections(run.ladders)
    ]


def _tabulate_failures(run: BenchmarkRun) -> Block:
    rows: list[list[str | Cell]] = []
    for one in run.found.contenders:
        failed = [value for value in run.judged(one.name) if value.error]
        for reason in dict.fromkeys(value.error for value in failed):
            count = sum(value.error == reason for value in failed)
            rows.append([one.name, Cell(str(count), order=count), reason])
    return Table(("metric", "files", "because"), rows) if rows else Text("None.")
