"""The results of a grid as tables, in the form of MMMOS (Lin et al., 2025), Tables III and IV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from auricle.stats.correlation import mse
from auricle.stats.intervals import Estimate, paired_bootstrap_difference
from auricle.stats.performance import Agreement
from auricle.systems.config import Name
from auricle.training.fusion_recipe import GridRecipe
from auricle.training.grid import Candidate, GridResult
from auricle.training.judging import Judgement, choose_rows

_MEASURES = ("mse", "pcc", "srcc", "ktau")


def write_report(grid: GridRecipe, result: GridResult, output: Path) -> None:
    """Write `results.md`, `results.json` and `ratings.csv` to `output`."""
    text = "\n".join(_report(grid, result))
    (output / "results.md").write_text(text + "\n", encoding="utf-8")
    facts = {
        candidate.name: {
            "members": candidate.members,
            "sets": {name: asdict(j) for name, j in result.judgements[candidate.name].items()},
        }
        for candidate in (*result.models, *result.ensembles)
    }
    (output / "results.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    _write_ratings(result, output / "ratings.csv")


def _report(grid: GridRecipe, result: GridResult) -> Iterator[str]:
    config = result.config
    shared = result.judgements[result.models[0].name][grid.baseline].composite is not None
    yield "### Models\n"
    yield (
        "Figures are those of the axes' mean, on their scale."
        if shared
        else "MSE is the mean over axes in squared shares of their scales, the others are means of"
        " the axes' correlations."
    )
    yield "Bold: the best of a column. `x`: in the ensemble that became the bundle.\n"
    chosen = next(e for e in result.ensembles if e.name == grid.bundle).members
    yield from _table(grid, result, result.models, chosen)
    yield "\n### Ensembles\n"
    best = result.best_model(grid.baseline)
    yield f"The best single model on {grid.baseline} is {best.name}.\n"
    yield from _table(grid, result, (best, *result.ensembles), ())
    yield ""
    for ensemble in result.ensembles:
        yield f"- {ensemble.name}: {', '.join(ensemble.members)}"
    *_, last = grid.sets
    for axis in config.axes:
        yield f"\n### {axis.name}, {axis.low:g} to {axis.high:g}, on {last}\n"
        yield from _axis_table(result, last, axis.name)
    rival = min(result.models, key=lambda model: _error(result, model, grid.baseline))
    yield "\n### Ensembles against a single model\n"
    yield f"Difference of the clips' MSE on each axis to that of {rival.name}, which has the least"
    yield f"MSE of all models on {grid.baseline} (below 0: the ensemble is better); 95% intervals"
    yield "of the paired bootstrap over recordings.\n"
    yield from _differences(grid, result, rival)


def _table(
    grid: GridRecipe,
    result: GridResult,
    candidates: Sequence[Candidate],
    chosen: Sequence[str],
) -> Iterator[str]:
    names = [f"{of}: {measure.upper()}" for of in grid.sets for measure in _MEASURES]
    figures = [
        [value for of in grid.sets for value in _summary(result, candidate, of)]
        for candidate in candidates
    ]
    columns = list(zip(*figures, strict=True))
    best = [min(c) if place % len(_MEASURES) == 0 else max(c) for place, c in enumerate(columns)]
    yield f"| model | | {' | '.join(names)} |"
    yield f"|---|---|{'---|' * len(names)}"
    for candidate, row in zip(candidates, figures, strict=True):
        cells = (
            f"**{value:.3f}**" if value == top else f"{value:.3f}"
            for value, top in zip(row, best, strict=True)
        )
        mark = "x" if candidate.name in chosen else ""
        yield f"| {candidate.name} | {mark} | {' | '.join(cells)} |"


def _summary(result: GridResult, candidate: Candidate, of: Name) -> list[float]:
    """Return the four measures of the composite, or their means over axes."""
    judgement = result.judgements[candidate.name][of]
    if judgement.composite is not None:
        return [getattr(judgement.composite, measure).value for measure in _MEASURES]
    return [_error(result, candidate, of), *(_mean(judgement, m) for m in _MEASURES[1:])]


def _error(result: GridResult, candidate: Candidate, of: Name) -> float:
    """Return the mean over axes of the MSE in squared shares of their scales.

    The composite's would not do to find the best: errors on its axes cancel.
    """
    found = result.judgements[candidate.name][of].axes
    return float(np.mean([found[a.name].mse.value / a.span**2 for a in result.config.axes]))


def _mean(judgement: Judgement, measure: str) -> float:
    return float(np.mean([getattr(found, measure).value for found in judgement.axes.values()]))


def _axis_table(result: GridResult, of: Name, axis: str) -> Iterator[str]:
    yield "| model | items | MSE | PCC | SRCC | KTAU |"
    yield "|---|---|---|---|---|---|"
    for candidate in (*result.models, *result.ensembles):
        found: Agreement = result.judgements[candidate.name][of].axes[axis]
        cells = (_interval(getattr(found, measure)) for measure in _MEASURES)
        yield f"| {candidate.name} | {found.items} | {' | '.join(cells)} |"


def _differences(grid: GridRecipe, result: GridResult, rival: Candidate) -> Iterator[str]:
    axes = [axis.name for axis in result.config.axes]
    clips, labels = result.embedded.clips, result.embedded.ratings
    yield f"| ensemble | set | {' | '.join(axes)} |"
    yield f"|---|---|{'---|' * len(axes)}"
    for ensemble in result.ensembles:
        for of, choice in grid.sets.items():
            rows = choose_rows(clips, choice)
            cells = []
            for place in range(len(axes)):
                rated = rows[np.isfinite(labels[rows, place])]
                groups = [clips[row].recording or clips[row].id for row in rated.tolist()]
                gap = paired_bootstrap_difference(
                    mse,
                    labels[rated, place],
                    ensemble.ratings[rated, place],
                    rival.ratings[rated, place],
                    groups=groups,
                    resamples=grid.resamples,
                )
                cells.append(_interval(gap))
            yield f"| {ensemble.name} | {of} | {' | '.join(cells)} |"


def _interval(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _write_ratings(result: GridResult, path: Path) -> None:
    axes = [axis.name for axis in result.config.axes]
    candidates = (*result.models, *result.ensembles)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("id", "split", "system", "recording", "model", *axes))
        for row, clip in enumerate(result.embedded.clips):
            facts = (clip.id, clip.split, clip.system, clip.recording)
            writer.writerow((*facts, "label", *_cells(result.embedded.ratings[row])))
            for candidate in candidates:
                writer.writerow((*facts, candidate.name, *_cells(candidate.ratings[row])))


def _cells(ratings: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[str]:
    return [f"{rating:.4f}" for rating in ratings.tolist()]
