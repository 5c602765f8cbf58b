"""Ratings as a panel: what is refused, and that each listener is one row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.stats.panels import rate_items

from auricle.core.errors import DataError
from auricle.core.ratings import Rating
from auricle.core.spec import Scale
from auricle.stats.opinion import system_opinions
from auricle.stats.panel import group_listeners, tabulate_panel
from auricle.stats.screening_plan import METHODS


def test_votes_of_nobody_known_are_never_taken_for_one_listener() -> None:
    votes = [replace(one, listener="") for one in rate_items([[10.0, 50.0], [50.0, 90.0]])]
    for judge in (group_listeners, tabulate_panel, system_opinions, *METHODS.values()):
        with pytest.raises(DataError, match="names no listener: item 00"):
            judge(votes)


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        ([], "no ratings"),
        ([Rating("t", "q", "a", "x", "L1", np.nan, place="x.csv, line 2")], "nan: x.csv, line 2"),
        ([Rating("t", name, "a", "x", "L1", 1.0) for name in "qr"], "answer 2 questions"),
        (
            [Rating("t", "q", "a", "x", "L1", 1.0, Scale(0, high)) for high in (5, 10)],
            "several scales",
        ),
    ],
)
def test_what_is_no_panel_is_refused(ratings: list[Rating], message: str) -> None:
    with pytest.raises(DataError, match=message):
        group_listeners(ratings)


def test_replicates_are_averaged_and_gaps_are_nan() -> None:
    ratings = rate_items([[10.0, 20.0], [np.nan, 40.0]])
    ratings.append(replace(ratings[0], score=30.0, trial="2"))
    listeners, stimuli, scores = tabulate_panel(ratings)
    assert listeners == ("L01", "L02")
    assert stimuli == (("item 00", "x"), ("item 01", "x"))
    np.testing.assert_array_equal(scores, [[20.0, 20.0], [np.nan, 40.0]])
