"""The checks of crowdsourced tests together."""

from __future__ import annotations

from tests.stats.panels import rate_items

from auricle.core.spec import Scale
from auricle.stats.screening_crowd import screen_p808

ACR = Scale(1.0, 5.0)
GONE = float("nan")
PANEL = [
    [1, 2, 3, 4, 5, 1, 2, 3, 4, 5],
    [1, 2, 3, 4, 5, 2, 2, 3, 4, 5],
    [1, 2, 3, 4, 4, 1, 2, 3, 5, 5],
    [1, 3, 3, 4, 5, 1, 2, 3, 4, 4],
]


def test_each_check_finds_whom_it_is_for() -> None:
    careless: list[list[float]] = [
        [3] * 10,
        [1, 2, 3, 4] + [GONE] * 6,
        [5, 4, 3, 2, 1, 5, 4, 3, 2, 1],
    ]
    found = screen_p808(rate_items([*PANEL, *careless], scale=ACR))
    assert found.methods == ("p808",)
    assert [(one.listener, one.criterion) for one in found.reasons] == [
        ("L05", "constant"),
        ("L06", "incomplete"),
        ("L07", "correlation"),
    ]


def test_a_variance_of_a_tenth_is_enough() -> None:
    """One vote of ten differs: its variance is 0.1, by hand."""
    once = [[3] * 9 + [4], [3] * 10]
    found = screen_p808(rate_items([*PANEL, *once], scale=ACR), least_correlation=-1.0)
    assert found.excluded == ("L06",)
