"""Orders along ladders: SciPy's numbers, and what must hold for any scores."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from auricle.core.errors import ConfigError, DataError
from auricle.stats.concordance import count_beyond, count_orders, ratio_interval, tau_b
from auricle.stats.intervals import bootstrap_interval

# Few values, so that ties are frequent, and rungs that are not there.
CELLS = st.one_of(st.just(float("nan")), st.integers(-3, 3).map(float))


@st.composite
def ladders(draw: st.DrawFn) -> NDArray[np.float64]:
    clips, rungs = draw(st.integers(1, 4)), draw(st.integers(2, 6))
    row = st.lists(CELLS, min_size=rungs, max_size=rungs)
    return np.array(draw(st.lists(row, min_size=clips, max_size=clips)))


@given(ladders())
def test_every_pair_is_counted_once(scores: NDArray[np.float64]) -> None:
    there = (~np.isnan(scores)).sum(axis=1)
    assert count_orders(scores).sum(axis=1).tolist() == (there * (there - 1) // 2).tolist()
    neighbours = count_orders(scores, adjacent=True).sum(axis=1)
    assert neighbours.tolist() == np.maximum(there - 1, 0).tolist()


@given(ladders())
def test_upside_down_everything_ordered_is_inverted(scores: NDArray[np.float64]) -> None:
    for adjacent in (False, True):
        counts = count_orders(scores, adjacent=adjacent)
        assert (count_orders(-scores, adjacent=adjacent) == counts[:, ::-1]).all()
        assert (count_orders(scores[:, ::-1], adjacent=adjacent) == counts[:, ::-1]).all()


@given(ladders())
def test_only_the_order_of_scores_matters(scores: NDArray[np.float64]) -> None:
    assert (count_orders(np.exp(scores) - 1e6) == count_orders(scores)).all()


@given(ladders())
def test_agrees_with_scipy(scores: NDArray[np.float64]) -> None:
    counts = count_orders(scores)
    for row, count, tau in zip(scores, counts, tau_b(counts), strict=True):
        there = ~np.isnan(row)
        severity, badness = np.flatnonzero(there), -row[there]
        if len(set(badness.tolist())) < 2:
            assert np.isnan(tau)
            continue
        kendall = stats.kendalltau(severity, badness, variant="b")
        assert tau == pytest.approx(kendall.statistic, abs=1e-12)
        # Somers' D of scores given rungs is the share of ordered pairs less that of inverted ones.
        ordered, _, inverted = count / count.sum()
        assert ordered - inverted == pytest.approx(
            stats.somersd(severity, badness).statistic, abs=1e-12
        )


def test_missing_rungs_have_neighbours_beyond_them() -> None:
    scores = [[3.0, np.nan, 2.0, 2.0, np.nan, 4.0]]
    assert count_orders(scores, adjacent=True).tolist() == [[1, 1, 1]]


def test_differences_below_rounding_are_none_but_tiny_ones_count() -> None:
    assert count_orders([[1.0, np.nextafter(1.0, 0.0), 1e308, -1e308]]).tolist() == [[4, 0, 2]]


@given(ladders(), st.floats(0.0, 8.0))
def test_margins_forgive_inversions(scores: NDArray[np.float64], margin: float) -> None:
    inverted = count_orders(scores)[:, 2]
    none, some = np.zeros_like(scores), np.full_like(scores, margin)
    assert (count_beyond(scores, none) == inverted).all()
    assert (count_beyond(scores, some) <= inverted).all()
    assert not count_beyond(scores, np.full_like(scores, np.nan)).any()


def test_the_wider_of_two_margins_decides() -> None:
    assert count_beyond([[1.0, 2.0]], [[0.5, 0.9]]).tolist() == [1]
    assert count_beyond([[1.0, 2.0]], [[0.5, 1.0]]).tolist() == [0]
    assert count_beyond([[1.0, 2.0]], [[1.0, 0.5]]).tolist() == [0]


@pytest.mark.parametrize("clips", [2, 3, 17, 150])
def test_the_interval_is_that_of_the_slow_bootstrap(clips: int) -> None:
    rng = np.random.default_rng(clips)
    pairs = rng.integers(1, 30, clips)
    ordered = rng.binomial(pairs, 0.8)
    slow = bootstrap_interval(lambda above, below: above.sum() / below.sum(), ordered, pairs)
    fast = ratio_interval(ordered, pairs)
    assert fast is not None
    assert (fast.low, fast.value, fast.high) == pytest.approx((slow.low, slow.value, slow.high))


def test_a_single_clip_has_no_interval() -> None:
    assert ratio_interval([3], [4]) is None


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=2, max_size=9))
def test_the_interval_holds_the_ratio_and_lies_among_the_clips(
    clips: list[tuple[int, int]],
) -> None:
    above, below = np.array(clips).T
    found = ratio_interval(above, below, resamples=200)
    assert found is not None
    assert found.low <= found.value <= found.high
    assert (above / below).min() - 1e-12 <= found.low
    assert found.high <= (above / below).max() + 1e-12


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1.0, 2.0], r"\[clip, rung\]"),
        ([[1.0], [2.0]], "two rungs"),
        ([[1.0, np.inf]], "finite"),
    ],
)
def test_scores_of_another_kind_are_refused(scores: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        count_orders(scores)  # type: ignore[arg-type]


def test_margins_of_another_shape_are_refused() -> None:
    with pytest.raises(DataError, match="margins"):
        count_beyond([[1.0, 2.0]], [[1.0, 2.0, 3.0]])


@pytest.mark.parametrize("options", [{"confidence": 1.0}, {"resamples": 10}])
def test_intervals_without_tails_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        ratio_interval([1, 2], [2, 2], **options)


@pytest.mark.parametrize(("above", "below"), [([], []), ([1, 2], [1, 0]), ([1, 2], [1])])
def test_ratios_over_nothing_are_refused(above: list[int], below: list[int]) -> None:
    with pytest.raises(DataError):
        ratio_interval(above, below)
