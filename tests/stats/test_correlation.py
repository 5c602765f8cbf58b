"""Correlations and errors against numbers from elsewhere, and the laws they obey."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import mean_absolute_error, root_mean_squared_error  # type: ignore[import-untyped]
from tests.stats.golden import read_golden

from auricle.core.errors import DataError
from auricle.stats.correlation import (
    bias,
    epsilon_rmse,
    excess,
    kendall,
    mae,
    mse,
    outlier_ratio,
    pearson,
    rmse,
    spearman,
)

Measure = Callable[[ArrayLike, ArrayLike], float]
Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

CORRELATIONS = (pearson, spearman, kendall)
ERRORS = (rmse, mae)


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Two arrays of whole numbers, neither constant, with ties now and then."""
    size = draw(st.integers(3, 30))
    numbers = st.lists(st.integers(-50, 50), min_size=size, max_size=size)
    varied = numbers.filter(lambda values: len(set(values)) > 1)
    return np.array(draw(varied), dtype=np.float64), np.array(draw(varied), dtype=np.float64)


# F. J. Anscombe, "Graphs in Statistical Analysis", The American Statistician 27 (1973): all four
# sets share r^2 = .667; four more digits from R's cor(anscombe$x1, anscombe$y1) and so on.
ANSCOMBE_X = [10.0, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
ANSCOMBE = [
    (ANSCOMBE_X, [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68], 0.8164205),
    (ANSCOMBE_X, [9.14, 8.14, 8.74, 8.77, 9.26, 8.10, 6.13, 3.10, 9.13, 7.26, 4.74], 0.8162365),
    (ANSCOMBE_X, [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73], 0.8162867),
    (
        [8.0, 8, 8, 8, 8, 8, 8, 19, 8, 8, 8],
        [6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.50, 5.56, 7.91, 6.89],
        0.8165214,
    ),
]


@pytest.mark.parametrize(("x", "y", "expected"), ANSCOMBE)
def test_pearson_agrees_with_the_anscombe_quartet(
    x: list[float], y: list[float], expected: float
) -> None:
    assert pearson(x, y) == pytest.approx(expected, abs=5e-8)


def test_spearman_agrees_with_the_published_iq_example() -> None:
    # Wikipedia, "Spearman's rank correlation coefficient", IQ against hours of TV per week:
    # squared rank differences sum to 194, rho = 1 - 6 * 194 / (10 * 99) = -29 / 165.
    iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    assert spearman(iq, hours) == pytest.approx(-29 / 165, abs=1e-12)


def test_spearman_shares_ranks_between_ties() -> None:
    # By hand: ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4; covariance sum 4.5, squares 4.5 and 5.
    assert spearman([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(22.5))


def test_kendall_agrees_with_hand_counted_pairs() -> None:
    # Data of the example in scipy's kendalltau page. Of 10 pairs two are tied in x, one in y; two
    # are concordant, six discordant, so tau-b = (2 - 6) / sqrt(8 * 9); scipy prints -0.4714045.
    assert kendall([12, 2, 1, 12, 2], [1, 4, 7, 1, 0]) == pytest.approx(-4 / math.sqrt(72))


def naive_kendall(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Count pairs one by one, as Kendall (1945) defines tau-b."""
    score, untied_x, untied_y = 0.0, 0, 0
    for i in range(len(x)):
        for j in range(i):
            score += np.sign(x[i] - x[j]) * np.sign(y[i] - y[j])
            untied_x += x[i] != x[j]
            untied_y += y[i] != y[j]
    return float(score / math.sqrt(untied_x * untied_y))


@given(pairs())
def test_kendall_agrees_with_naive_counting(pair: Pair) -> None:
    assert kendall(*pair) == pytest.approx(naive_kendall(*pair), abs=1e-12)


@given(pairs())
def test_pearson_agrees_with_numpy(pair: Pair) -> None:
    assert pearson(*pair) == pytest.approx(np.corrcoef(*pair)[0, 1], abs=1e-12)


@given(pairs())
def test_errors_agree_with_scikit_learn(pair: Pair) -> None:
    assert rmse(*pair) == pytest.approx(root_mean_squared_error(*pair))
    assert mae(*pair) == pytest.approx(mean_absolute_error(*pair))


def test_errors_agree_with_hand_computation() -> None:
    # Differences 3, -4, 0, 0: squares sum to 25, magnitudes to 7.
    assert rmse([3, 0, 1, 2], [0, 4, 1, 2]) == 2.5
    assert mae([3, 0, 1, 2], [0, 4, 1, 2]) == 1.75


@pytest.mark.parametrize("measure", CORRELATIONS)
@given(pair=pairs())
def test_correlations_are_bounded_and_one_with_themselves(measure: Measure, pair: Pair) -> None:
    assert -1.0 <= measure(*pair) <= 1.0
    assert measure(pair[0], pair[0]) == pytest.approx(1.0)
    assert measure(pair[0], -pair[1]) == pytest.approx(-measure(*pair))


@pytest.mark.parametrize("measure", [*CORRELATIONS, *ERRORS])
@given(pair=pairs(), order=st.randoms(use_true_random=False))
def test_order_of_arrays_and_items_does_not_matter(
    measure: Measure, pair: Pair, order: object
) -> None:
    places = list(range(len(pair[0])))
    order.shuffle(places)  # type: ignore[attr-defined]
    expected = pytest.approx(measure(*pair), abs=1e-12)
    assert measure(pair[1], pair[0]) == expected
    assert measure(pair[0][places], pair[1][places]) == expected


@pytest.mark.parametrize("measure", [spearman, kendall])
@given(pair=pairs())
def test_rank_correlations_see_only_order(measure: Measure, pair: Pair) -> None:
    assert measure(np.exp(pair[0] / 10), pair[1] ** 3) == measure(*pair)


@given(
    pair=pairs(),
    scale=st.sampled_from([1e-200, 1e-3, 0.7, 42.0, 1e100]),
    offset=st.floats(-1e3, 1e3),
)
def test_pearson_ignores_scale_and_offset(pair: Pair, scale: float, offset: float) -> None:
    x, y = pair
    assert pearson(scale * x, y + offset) == pytest.approx(pearson(x, y), abs=1e-9)


@given(pair=pairs(), factor=st.floats(0.01, 100.0), offset=st.floats(-100.0, 100.0))
def test_errors_scale_and_bound_each_other(pair: Pair, factor: float, offset: float) -> None:
    x, y = pair
    assert mae(x, y) <= rmse(x, y) * (1 + 1e-12)
    for measure in ERRORS:
        moved = measure(factor * x + offset, factor * y + offset)
        assert moved == pytest.approx(factor * measure(x, y), abs=1e-9)
        assert measure(x, x) == 0.0


BROKEN = [
    ([1, 2, 3], [1, 2], "one length"),
    ([1, 2, math.nan], [1, 2, 3], "array 1 must be finite: 1 are not, the first at 2"),
    ([1, 2, 3], [1, math.inf, 3], "array 2 must be finite"),
    ([], [], "empty"),
    ([[1, 2], [3, 4]], [1, 2], "one-dimensional"),
    ([[1, 2], [3]], [1, 2], "real numbers"),
    (["1", "2", "3"], [1, 2, 3], "real numbers"),
    ([1j, 2, 3], [1, 2, 3], "real numbers"),
    ([1e200, 2, 3], [1, 2, 3], "magnitude"),
]


@pytest.mark.parametrize("measure", [*CORRELATIONS, *ERRORS])
@pytest.mark.parametrize(("x", "y", "message"), BROKEN)
def test_broken_input_is_refused(
    measure: Measure, x: ArrayLike, y: ArrayLike, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        measure(x, y)


@pytest.mark.parametrize("measure", CORRELATIONS)
def test_correlations_refuse_constant_or_too_short_input(measure: Measure) -> None:
    with pytest.raises(DataError, match=r"all 3 values are 0\.1"):
        measure([1, 2, 3], [0.1, 0.1, 0.1])
    with pytest.raises(DataError, match="at least 3 items"):
        measure([1, 2], [1, 2])


def test_pearson_refuses_rounding_noise() -> None:
    with pytest.raises(DataError, match="to within rounding"):
        pearson([1, 2, 3], [1.0, 1.0, np.nextafter(1.0, 2.0)])


GOLDEN = read_golden("performance")


def test_errors_agree_with_r() -> None:
    x, y, width = (np.array(GOLDEN[name], dtype=float) for name in ("first", "ratings", "interval"))
    low, slope = GOLDEN["line"]["coefficients"]
    line = low + slope * x
    found = {
        "rmse": rmse(line, y),
        "lost": rmse(line, y, lost=2),
        "mse": mse(line, y),
        "mae": mae(line, y),
        "bias": bias(GOLDEN["second"], x),
        "epsilon_rmse": epsilon_rmse(line, y, width),
        "epsilon_lost": epsilon_rmse(line, y, width, lost=2),
        "outlier_ratio": outlier_ratio(line, y, width),
    }
    assert found == pytest.approx({name: GOLDEN["line"][name] for name in found}, rel=1e-9)
    assert pearson(x, y) == pytest.approx(GOLDEN["pcc"], rel=1e-9)
    assert spearman(GOLDEN["second"], y) == pytest.approx(GOLDEN["srcc"], rel=1e-9)
    assert kendall(GOLDEN["second"], y) == pytest.approx(GOLDEN["ktau"], rel=1e-9)


@given(pairs(), st.floats(0.0, 60.0))
def test_what_lies_within_the_interval_does_not_count(pair: Pair, width: float) -> None:
    x, y = pair
    widths = np.full(x.size, width)
    assert 0.0 <= epsilon_rmse(x, y, widths) <= rmse(x, y)
    assert 0.0 <= outlier_ratio(x, y, widths) <= 1.0
    assert epsilon_rmse(x, y, np.zeros(x.size)) == rmse(x, y)
    assert (outlier_ratio(x, y, widths) == 0.0) == (epsilon_rmse(x, y, widths) == 0.0)


def test_intervals_have_a_width_and_items_outnumber_what_is_lost() -> None:
    with pytest.raises(DataError, match="half the width of interval 1 is -1: below 0"):
        excess([1.0, 2.0], [1.0, 2.0], [0.0, -1.0])
    with pytest.raises(DataError, match="at least 5 items are needed, not 4"):
        rmse(range(4), range(4), lost=4)
