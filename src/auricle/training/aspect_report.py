"""The results of a search as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.data.manifest import Split
from auricle.training.aspect_recipe import FINAL, AspectRecipe
from auricle.training.aspects import AspectResult

_MEASURES = ("srcc", "mse")


def write_aspect_report(search: AspectRecipe, result: AspectResult, output: Path) -> None:
    """Write `results.md` and `results.json` to `output`."""
    text = "\n".join(_report(search, result))
    (output / "results.md").write_text(text + "\n", encoding="utf-8")
    figures = {
        split: {
            name: {
                measure: {
                    axis.name: [_to_number(value) for value in column]
                    for axis, column in zip(
                        result.axes, getattr(found, measure).T.tolist(), strict=True
                    )
                }
                for measure in _MEASURES
            }
            for name, found in strategies.items()
        }
        for split, strategies in result.figures.items()
    }
    facts = {"seeds": search.seeds, "chosen": result.chosen, "figures": figures}
    (output / "results.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _report(search: AspectRecipe, result: AspectResult) -> Iterator[str]:
    seeds = len(search.seeds)
    yield f"Means over {seeds} seeds ± their standard deviation. {search.judge_by.upper()} on the"
    yield "validation split chose what each axis is trained against (bold); the row"
    yield f"`{FINAL}` is of the systems that are trained so."
    for split in result.figures:
        beside = "" if split == "validation" else " (not used for the choice)"
        yield f"\n### {split}{beside}\n"
        yield from _table(result, split)


def _table(result: AspectResult, split: Split) -> Iterator[str]:
    titles = [f"{axis.name}: {measure.upper()}" for axis in result.axes for measure in _MEASURES]
    yield f"| trained against | {' | '.join(titles)} |"
    yield f"|---|{'---|' * len(titles)}"
    for name, figures in result.figures[split].items():
        cells = []
        for place, axis in enumerate(result.axes):
            for measure in _MEASURES:
                cell = _cell(getattr(figures, measure)[:, place])
                cells.append(f"**{cell}**" if result.chosen[axis.name] == name else cell)
        yield f"| {name} | {' | '.join(cells)} |"


def _cell(values: NDArray[np.float64]) -> str:
    spread = f" ± {values.std(ddof=1):.3f}" if values.size > 1 else ""
    return f"{values.mean():.3f}{spread}"


def _to_number(value: float) -> float | None:
    return None if np.isnan(value) else value
