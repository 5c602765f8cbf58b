"""A few-shot study as tables: means over seeds, and what a start is worth against another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from auricle.core.errors import DataError
from auricle.stats.correlation import rmse
from auricle.stats.hypotheses import one_sample_t_test
from auricle.stats.intervals import Estimate, bootstrap_interval
from auricle.stats.vectors import Vector
from auricle.training.few_shot import MEASURES, FewShots, Shot
from auricle.training.repeats import mean_and_deviation


def report_few_shots(study: FewShots, baseline: str) -> str:
    """Return a study as Markdown, with every arm against the `baseline`.

    Changes are relative to the baseline's mean. The t-test is on the differences of RMSE and SRCC
    between trainings of one seed, hence of the same labels; the interval of the difference of RMSE,
    a mean over seeds, comes from the paired bootstrap over recordings of the test split (over its
    clips where it has fewer than three recordings): seeds say what another draw of labels may
    change, recordings what another test would.
    """
    return "\n".join((*_means(study), "", *_differences(study, baseline))) + "\n"


def difference_of_rmse(ours: Sequence[Shot], theirs: Sequence[Shot]) -> Estimate:
    """Return the mean difference of RMSE over seeds (below 0: ours is better), 95% interval.

    Both predict the same clips. Raises what `bootstrap_interval` raises.
    """
    trials = [shot.trial for shot in (*ours, *theirs)]

    def difference(label: Vector, *predicted: Vector) -> float:
        errors = [rmse(one, label) for one in predicted]
        return float(np.mean(errors[: len(ours)]) - np.mean(errors[len(ours) :]))

    recordings = trials[0].recording
    return bootstrap_interval(
        difference,
        trials[0].label,
        *(trial.predicted for trial in trials),
        groups=recordings if len(set(recordings)) > 2 else None,
    )


def _means(study: FewShots) -> Iterator[str]:
    clips = len(study.shots[0].trial.label)
    yield (
        f"{clips} clips of the test split; RMSE and MAE {study.scale}. Mean over seeds, in brackets"
        " their standard deviation.\n"
    )
    yield "| labels | start | seeds | RMSE | MAE | PCC | SRCC |"
    yield "|---|---|---|---|---|---|---|"
    for labels in _counts(study):
        for arm in _arms(study):
            shots = study.of(arm, labels)
            cells = (_spread(shots, name) for name in MEASURES)
            yield f"| {_label(shots[0])} | {arm} | {len(shots)} | {' | '.join(cells)} |"


def _differences(study: FewShots, baseline: str) -> Iterator[str]:
    yield f"Against {baseline}: changes of the means, tests over seeds, and over the test split.\n"
    yield (
        "| labels | start | RMSE | MAE | PCC | SRCC | RMSE over seeds | SRCC over seeds |"
        " difference of RMSE |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for labels in _counts(study):
        theirs = study.of(baseline, labels)
        for arm in _arms(study):
            if arm == baseline:
                continue
            ours = study.of(arm, labels)
            cells = [_change(ours, theirs, name) for name in MEASURES]
            cells += [_test(ours, theirs, name) for name in ("rmse", "srcc")]
            cells.append(str(difference_of_rmse(ours, theirs)))
            yield f"| {_label(ours[0])} | {arm} | {' | '.join(cells)} |"


def _arms(study: FewShots) -> tuple[str, ...]:
    return tuple(dict.fromkeys(shot.arm for shot in study.shots))


def _counts(study: FewShots) -> tuple[int, ...]:
    return tuple(sorted({shot.labels for shot in study.shots}))


def _label(shot: Shot) -> str:
    return f"all {shot.labels}" if shot.whole else str(shot.labels)


def _values(shots: Sequence[Shot], name: str) -> list[float]:
    return [getattr(shot.trial, name) for shot in shots]


def _spread(shots: Sequence[Shot], name: str) -> str:
    mean, deviation = mean_and_deviation(_values(shots, name))
    return f"{mean:.3f}" if deviation is None else f"{mean:.3f} ({deviation:.3f})"


def _change(ours: Sequence[Shot], theirs: Sequence[Shot], name: str) -> str:
    before = float(np.mean(_values(theirs, name)))
    if before == 0.0:
        return "-"
    return f"{100.0 * (float(np.mean(_values(ours, name))) - before) / abs(before):+.1f} %"


def _test(ours: Sequence[Shot], theirs: Sequence[Shot], name: str) -> str:
    with suppress(DataError):  # a single seed, or no seed differs
        pairs = zip(_values(ours, name), _values(theirs, name), strict=True)
        return str(one_sample_t_test([one - other for one, other in pairs], 0.0))
    return "-"
