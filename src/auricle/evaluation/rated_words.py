"""What is said of metrics that were judged by ratings, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from auricle.evaluation.rated_results import SetResult
from auricle.evaluation.rated_sheet import FEWEST_MAPPED
from auricle.stats.intervals import Estimate
from auricle.stats.mappings import MappingKind


def count(number: int, noun: str) -> str:
    """Return a number of things.

    >>> count(1, "clip"), count(2, "clip")
    ('1 clip', '2 clips')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def join(names: Sequence[str]) -> str:
    """Return a list as it is read.

    >>> join(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def is_blind(srcc: Estimate) -> bool:
    """Tell whether a correlation's interval includes 0.

    >>> is_blind(Estimate(0.2, -0.3, 0.6, 0.95))
    True
    """
    return srcc.low <= 0.0 <= srcc.high


def say_undecided(same: Mapping[str, Estimate], tests: int = 1) -> list[str]:
    """Say of which metrics, with their SRCC, it is not known whether the best is better.

    >>> say_undecided({"a": Estimate(0.8, 0.6, 0.9, 0.95)})
    ['The test is too small to tell apart from it: `a` 0.80 [0.60, 0.90].']
    """
    small = "The test is" if tests == 1 else "The tests are"
    return [f"{small} too small to tell apart from it: {_list(same)}."] if same else []


def say_blind(blind: Mapping[str, Estimate]) -> list[str]:
    """Say which metrics, with their SRCC, may have nothing to do with the ratings."""
    if not blind:
        return []
    return [
        "Not shown to agree with listeners at all, as the interval of SRCC includes 0:"
        f" {_list(blind)}."
    ]


def say_without_errors(results: Sequence[SetResult], mapping: MappingKind) -> list[str]:
    """Say why no metric has errors, if a mapping could not be fitted for any."""
    if mapping == "none" or any(one.rmse is not None for one in results):
        return []
    return [
        "Errors are not known: before them values are mapped to ratings, which takes"
        f" {FEWEST_MAPPED} items or more, and ratings that are not all equal."
    ]


def _list(metrics: Mapping[str, Estimate]) -> str:
    return join(
        [
            f"`{name}` {one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"
            for name, one in metrics.items()
        ]
    )
