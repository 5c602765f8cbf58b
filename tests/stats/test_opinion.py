"""Means, intervals, boxes and the SOS parameter against R, NumPy and simulated panels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.stats.panels import GOLDEN, rate_items

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import Rating
from auricle.core.spec import Scale
from auricle.stats.opinion import (
    Opinion,
    box_numbers,
    sos_parameter,
    stimulus_opinions,
    system_opinions,
)

FIVE = Scale(1.0, 5.0)


def test_one_stimulus_is_what_r_says() -> None:
    golden = GOLDEN["opinion"]
    (found,) = stimulus_opinions(rate_items([[vote] for vote in golden["votes"]]))
    assert (found.item, found.system, found.listeners, found.ratings) == ("item 00", "x", 10, 10)
    assert found.mean == found.t.value == golden["mean"]
    assert found.deviation == pytest.approx(golden["deviation"], rel=1e-9)
    assert (found.t.low, found.t.high) == pytest.approx(golden["t"], rel=1e-9)
    box = found.box
    assert (box.lower, box.median, box.upper) == tuple(golden["box"])
    assert box.outliers == tuple(golden["outliers"])
    assert (box.low_whisker, box.high_whisker) == (35.0, 61.0)
    half = 1.57 * (box.upper - box.lower) / np.sqrt(10)
    assert (box.notch_low, box.notch_high) == pytest.approx((49.5 - half, 49.5 + half))


def test_boxes_are_tukeys_where_quartiles_are_hinges() -> None:
    """With 4k + 1 scores both definitions meet, so whiskers can be checked by `boxplot.stats`."""
    golden = GOLDEN["opinion"]
    box = box_numbers(golden["odd"])
    ours = [box.low_whisker, box.lower, box.median, box.upper, box.high_whisker]
    assert ours == golden["tukey"]
    assert box.outliers == (golden["outside"],)


def test_a_system_everybody_rated_has_the_interval_of_listener_means() -> None:
    (found,) = system_opinions(rate_items(np.array(GOLDEN["panel"])[:, :6]))
    assert (found.item, found.listeners, found.ratings) == ("", 12, 72)
    assert (found.t.low, found.t.high) == pytest.approx(GOLDEN["opinion"]["system"], rel=1e-9)


def test_missing_ratings_are_linearised() -> None:
    golden = GOLDEN["missing"]
    scores = np.array(golden["scores"], dtype=np.float64)
    (found,) = system_opinions(rate_items(scores))
    assert found.ratings == 66
    assert found.mean == pytest.approx(golden["mean"], rel=1e-9)
    assert (found.t.low, found.t.high) == pytest.approx(golden["t"], rel=1e-9)


def test_bootstrap_is_that_of_scipy_but_for_the_draws() -> None:
    votes = np.array(GOLDEN["panel"], dtype=np.float64)[:, 3]
    (found,) = stimulus_opinions(rate_items(votes[:, None]), resamples=20000)
    other = stats.bootstrap(
        (votes,), np.mean, n_resamples=20000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert (found.bootstrap.low, found.bootstrap.high) == pytest.approx(
        (other.low, other.high), abs=0.6
    )
    (again,) = stimulus_opinions(rate_items(votes[:, None]), resamples=20000)
    assert again == found


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """200 panels of 20 biased listeners: 95 % of the t intervals, a little less by bootstrap."""
    generator = np.random.default_rng(0)
    inside = np.zeros(2)
    for _ in range(200):
        scores = 50 + generator.normal(0, 8, (20, 1)) + generator.normal(0, 10, (20, 6))
        (found,) = system_opinions(rate_items(scores), resamples=400)
        inside += [one.low <= 50 <= one.high for one in (found.t, found.bootstrap)]
    assert 0.91 <= inside[0] / 200 <= 0.99
    assert 0.88 <= inside[1] / 200 <= 0.98


def test_a_single_listener_has_no_interval() -> None:
    (found,) = system_opinions(rate_items([[40.0, 60.0]]))
    assert found.mean == 50.0
    assert np.isnan([found.t.low, found.t.high, found.bootstrap.low]).all()
    (lone,) = stimulus_opinions(rate_items([[40.0]]))
    assert np.isnan(lone.deviation)


@settings(max_examples=25, deadline=None)
@given(
    scores=st.lists(st.lists(st.integers(0, 100), min_size=4, max_size=4), min_size=2, max_size=6),
    data=st.data(),
)
def test_order_and_scale_change_nothing(scores: list[list[int]], data: st.DataObject) -> None:
    ratings = rate_items(scores)
    shuffled = data.draw(st.permutations(ratings))
    for opinions in (system_opinions, stimulus_opinions):
        here = opinions(ratings, resamples=50)
        assert opinions(shuffled, resamples=50) == here
        moved = [
            dataclasses.replace(one, score=1.0 + one.score / 25.0, scale=FIVE) for one in ratings
        ]
        for left, right in zip(here, opinions(moved, resamples=50), strict=True):
            assert numbers(right) == pytest.approx(1.0 + numbers(left) / 25.0)
    assert find_parameter(shuffled) == find_parameter(ratings)


def numbers(found: Opinion) -> np.ndarray:
    box, t, bootstrap = found.box, found.t, found.bootstrap
    return np.array(
        [found.mean, t.low, t.high, bootstrap.low, bootstrap.high, box.median, box.lower, box.upper]
    )


def find_parameter(ratings: list[Rating]) -> object:
    try:
        return sos_parameter(ratings, resamples=50).a
    except DataError as error:
        return str(error)


def test_sos_is_the_fit_of_r() -> None:
    golden = GOLDEN["sos"]
    found = sos_parameter(rate_items(GOLDEN["acr"], scale=FIVE))
    assert found.stimuli == 40
    assert found.a.value == pytest.approx(golden["a"], rel=1e-9)
    assert found.explained == pytest.approx(golden["explained"], rel=1e-6)
    assert found.a.low < found.a.value < found.a.high


def test_sos_of_known_distributions() -> None:
    """Binomial scores on 1 to 5 have a = 1/4, scores at the ends only a = 1; any scale alike."""
    generator = np.random.default_rng(2)
    chances = np.linspace(0.15, 0.85, 30)
    binomial = 1.0 + generator.binomial(4, chances, size=(200, 30))
    ends = 1.0 + 4.0 * generator.binomial(1, chances, size=(200, 30))
    for scores, truth in [(binomial, 0.25), (ends, 1.0)]:
        found = sos_parameter(rate_items(scores, scale=FIVE), resamples=500).a
        assert found.value == pytest.approx(truth, abs=0.01)
        percent = sos_parameter(rate_items((scores - 1.0) * 25.0), resamples=500).a
        assert percent.value == pytest.approx(found.value)
        assert (percent.low, percent.high) == pytest.approx((found.low, found.high))


def test_sos_interval_is_about_right_for_small_panels() -> None:
    """Resampled panels repeat members; scaled back, half of the replicates lie on either side."""
    generator = np.random.default_rng(3)
    chances = np.linspace(0.15, 0.85, 20)
    inside, above = 0, 0
    for _ in range(100):
        scores = 1.0 + generator.binomial(4, chances, size=(10, 20))
        found = sos_parameter(rate_items(scores, scale=FIVE), resamples=200).a
        inside += found.low <= 0.25 <= found.high
        above += found.value - found.low < found.high - found.value
    assert inside >= 84
    assert 15 <= above <= 85


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(DataError, match="two listeners"):
        sos_parameter(rate_items([[1.0, 2.0, 3.0]]))
    with pytest.raises(DataError, match="at an end"):
        sos_parameter(rate_items([[0.0, 100.0]] * 3))
    with pytest.raises(DataError, match="off the scale"):
        sos_parameter(rate_items([[0.0, 6.0]] * 3, scale=FIVE))
    with pytest.raises(ConfigError):
        system_opinions(rate_items([[1.0], [2.0]]), resamples=10)
    with pytest.raises(DataError):
        box_numbers([])
