"""Reliability where the truth is known, against published numbers, and where data are odd."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from auricle.core.errors import ConfigError, DataError
from auricle.stats.rater_bias import rater_bias
from auricle.stats.reliability import (
    _correlate,
    _ranks,
    intraclass_correlation,
    noise_ceiling,
    spearman_brown,
)

# P. E. Shrout and J. L. Fleiss, Psychological Bulletin 86 (1979), table 2: six targets, four
# judges. Their mean squares are 11.24 between and 6.26 within targets, and their ICC(1, 1) .17 and
# ICC(1, 4) .44 (table 4); judges have a mean square of 32.49, the rest one of 1.02.
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def simulate(
    clips: int, raters: int, noise: float, seed: int, systems: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true scores `[clip]` of variance 1, ratings `[clip, rater]`, and systems `[clip]`."""
    generator = np.random.default_rng(seed)
    names = np.arange(clips) % (systems or clips)
    truth = generator.normal(size=clips)
    if systems:
        truth = (truth + generator.normal(size=systems)[names]) / np.sqrt(2)
    return truth, truth[:, None] + generator.normal(scale=noise, size=(clips, raters)), names


def test_ceiling_is_what_the_truth_reaches() -> None:
    truth, ratings, _ = simulate(4000, 10, noise=3.0, seed=1)
    found = noise_ceiling(ratings, splits=5, resamples=100)
    # Half panels have the reliability 1 / (1 + 9 / 5), whole ones 1 / (1 + 9 / 10).
    assert (found.items, found.raters) == (4000, pytest.approx(10.0))
    assert found.lcc.halves.value == pytest.approx(5 / 14, abs=0.03)
    assert found.lcc.panel.value == pytest.approx(10 / 19, abs=0.03)
    assert found.lcc.ceiling.low < np.sqrt(10 / 19) < found.lcc.ceiling.high
    means = ratings.mean(axis=1)
    reached = stats.pearsonr(truth, means).statistic
    assert found.lcc.ceiling.value == pytest.approx(reached, abs=0.02)
    reached = stats.spearmanr(truth, means).statistic
    assert found.srcc.ceiling.value == pytest.approx(reached, abs=0.02)


def test_what_one_panel_gives_too_much_is_no_noise_of_its_means() -> None:
    truth, ratings, _ = simulate(2000, 10, noise=3.0, seed=5)
    ratings = ratings + 6.0 * np.arange(10)
    people = [list("abcdefghij")] * 2000
    known = noise_ceiling(ratings, listeners=people, splits=5, resamples=100).lcc
    assert known.ceiling.value == pytest.approx(
        stats.pearsonr(truth, ratings.mean(axis=1)).statistic, abs=0.03
    )
    # As strangers, who might be other persons for every clip, they say much less.
    assert noise_ceiling(ratings, splits=5, resamples=100).lcc.ceiling.value < 0.5


def test_names_that_never_come_again_are_strangers() -> None:
    _, ratings, _ = simulate(50, 4, noise=1.0, seed=6)
    own = [[f"{clip}-{rater}" for rater in range(4)] for clip in range(50)]
    options = {"splits": 3, "resamples": 50}
    assert noise_ceiling(ratings, listeners=own, **options) == noise_ceiling(ratings, **options)


def test_order_of_named_raters_does_not_matter_where_all_rated_all() -> None:
    _, ratings, _ = simulate(40, 6, noise=1.0, seed=7)
    people = [list("uvwxyz")] * 40
    turned = [names[::-1] if clip % 2 else names for clip, names in enumerate(people)]
    scores = [row[::-1] if clip % 2 else row for clip, row in enumerate(ratings)]
    first = noise_ceiling(ratings, listeners=people, splits=3, resamples=50)
    again = noise_ceiling(scores, listeners=turned, splits=3, resamples=50)
    assert again.srcc.halves.value == pytest.approx(first.srcc.halves.value)


def test_names_that_do_not_match_the_scores_are_refused() -> None:
    good = [[1.0, 2.0], [2.0, 4.0], [5.0, 4.0]]
    with pytest.raises(DataError, match="listeners of 2 clips, scores of 3"):
        noise_ceiling(good, listeners=[["a", "b"]] * 2)
    with pytest.raises(DataError, match="clip 0 has 2 scores by 1 listeners"):
        noise_ceiling(good, listeners=[["a", "a"], ["a", "b"], ["a", "b"]])


def test_ceiling_of_systems_is_what_their_truth_reaches() -> None:
    truth, ratings, systems = simulate(3000, 4, noise=6.0, seed=2, systems=300)
    found = noise_ceiling(ratings, systems, splits=5, resamples=100)
    true, observed = (
        np.bincount(systems, weights=values) / 10 for values in (truth, ratings.mean(axis=1))
    )
    # Their variance is 1/2 + 1/20, that of the noise 36 / (4 * 10).
    assert found.items == 300
    assert found.lcc.panel.low < 0.55 / (0.55 + 0.9) < found.lcc.panel.high
    reached = stats.pearsonr(true, observed).statistic
    assert found.lcc.ceiling.value == pytest.approx(reached, abs=0.06)
    # Means of systems are far more reliable than clips.
    assert found.lcc.panel.value > noise_ceiling(ratings, resamples=100).lcc.panel.high


@pytest.mark.parametrize("raters", [(2, 3), (3,), (3, 9)])
def test_ragged_and_odd_panels_step_up_to_the_truth(raters: tuple[int, ...]) -> None:
    truth, ratings, _ = simulate(5000, max(raters), noise=1.5, seed=3)
    scores = [row[: raters[place % len(raters)]] for place, row in enumerate(ratings)]
    found = noise_ceiling(scores, splits=5, resamples=100)
    reached = stats.pearsonr(truth, [row.mean() for row in scores]).statistic
    assert found.lcc.ceiling.value == pytest.approx(reached, abs=0.02)
    assert found.raters == pytest.approx(len(raters) / sum(1 / count for count in raters))
    classes = intraclass_correlation(scores, resamples=100)
    assert classes.single.value == pytest.approx(1 / 3.25, abs=0.03)
    assert classes.spread.value == pytest.approx(1.5, abs=0.03)
    errors = np.square(truth - [row.mean() for row in scores])
    assert classes.mse.value == pytest.approx(errors.mean(), rel=0.06)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    inside = 0
    for seed in range(40):
        _, ratings, _ = simulate(100, 6, noise=2.0, seed=100 + seed)
        ceiling = noise_ceiling(ratings, splits=6, resamples=100, seed=seed).lcc.ceiling
        inside += ceiling.low < np.sqrt(1 / (1 + 4 / 6)) < ceiling.high
    # Of 40 fair draws at 95 %, 33 or fewer come up once in 500 times.
    assert inside >= 34


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 100), st.integers(2, 7)), min_size=8, max_size=20,
        unique_by=lambda clip: clip[0],
    )
)  # fmt: skip
def test_raters_who_agree_leave_nothing_to_lose(clips: list[tuple[int, int]]) -> None:
    scores = [[value / 10] * raters for value, raters in clips]
    found = noise_ceiling(scores, splits=2, resamples=50)
    for split in (found.lcc, found.srcc):
        for estimate in (split.halves, split.panel, split.ceiling):
            assert estimate.low == pytest.approx(1.0)
            assert estimate.value == pytest.approx(1.0)
    classes = intraclass_correlation(scores, resamples=50)
    assert classes.single.value == pytest.approx(1.0)
    assert classes.panel.low == pytest.approx(1.0)
    assert classes.mse.value == pytest.approx(0.0, abs=1e-12)


@given(st.integers(0, 2**20), st.integers(2, 9))
@settings(max_examples=30, deadline=None)
def test_resamples_are_correlated_as_scipy_does(seed: int, values: int) -> None:
    generator = np.random.default_rng(seed)
    halves = generator.integers(0, values, size=(2, 3, 40)).astype(float)
    rows = generator.integers(0, 40, 40)
    weights = np.bincount(rows, minlength=40) / 40
    places = stats.rankdata(halves, method="dense", axis=-1).astype(np.intp) - 1
    for drawn, correlate in ((halves, stats.pearsonr), (_ranks(places, weights), stats.spearmanr)):
        pairs = zip(*halves[..., rows], strict=True)
        expected = np.mean([correlate(*pair).statistic for pair in pairs])
        assert _correlate(drawn, weights) == pytest.approx(expected, abs=1e-9)


def test_pure_noise_is_not_reliable() -> None:
    ratings = np.random.default_rng(4).normal(size=(3000, 10))
    found = noise_ceiling(ratings, splits=5, resamples=200)
    assert found.lcc.halves.value == pytest.approx(0.0, abs=0.05)
    assert found.srcc.panel.value == pytest.approx(0.0, abs=0.1)
    classes = intraclass_correlation(ratings, resamples=200)
    assert classes.single.low < 0.0 < classes.single.high
    assert classes.panel.low < 0.0 < classes.panel.high


@given(st.integers(0, 2**20))
@settings(max_examples=10, deadline=None)
def test_order_of_raters_and_unit_do_not_matter(seed: int) -> None:
    _, ratings, _ = simulate(12, 5, noise=1.0, seed=seed)
    shuffled = np.random.default_rng(seed).permuted(ratings, axis=1)
    first = intraclass_correlation(ratings, resamples=50)
    second = intraclass_correlation(10.0 * shuffled + 3.0, resamples=50)
    assert second.panel.value == pytest.approx(first.panel.value)
    assert second.mse.value == pytest.approx(100.0 * first.mse.value)
    scaled = noise_ceiling(10.0 * ratings + 3.0, resamples=50)
    assert scaled.lcc.halves.value == pytest.approx(
        noise_ceiling(ratings, resamples=50).lcc.halves.value
    )


def test_more_raters_are_as_reliable_as_spearman_and_brown_foretell() -> None:
    _, ratings, _ = simulate(4000, 12, noise=2.0, seed=5)
    few = noise_ceiling(ratings[:, :4], splits=5, resamples=50).lcc.panel.value
    many = noise_ceiling(ratings, splits=5, resamples=50).lcc.panel.value
    assert spearman_brown(few, 3.0) == pytest.approx(many, abs=0.02)


def test_intraclass_correlation_agrees_with_shrout_and_fleiss() -> None:
    found = intraclass_correlation(JUDGES, resamples=500)
    assert (found.clips, found.raters) == (6, pytest.approx(4.0))
    assert found.single.value == pytest.approx(0.17, abs=0.005)
    assert found.panel.value == pytest.approx(0.44, abs=0.005)
    assert found.spread.value == pytest.approx(np.sqrt(6.26), abs=0.002)
    assert found.mse.value == pytest.approx(6.26 / 4, abs=0.002)
    assert found.panel.low < 0.44 < found.panel.high


def test_bias_of_judges_agrees_with_shrout_and_fleiss() -> None:
    found = rater_bias(JUDGES, resamples=200)
    component = (32.49 - 1.02) / 6
    assert found.share.value == pytest.approx(component / (component + 1.02), abs=0.002)
    table = np.array(JUDGES)
    assert found.offsets == pytest.approx((table.mean(axis=0) - table.mean()).tolist())


def test_raters_in_random_order_show_no_bias() -> None:
    _, ratings, _ = simulate(1000, 10, noise=1.0, seed=6)
    biased = ratings + np.linspace(-1.5, 1.5, 10)
    # Offsets of variance 11/12 stand against noise of variance 1.
    assert rater_bias(biased, resamples=100).share.value == pytest.approx(0.48, abs=0.03)
    shuffled = np.random.default_rng(7).permuted(biased, axis=1)
    assert rater_bias(shuffled, resamples=100).share.value < 0.005


def test_spearman_brown_by_hand() -> None:
    assert spearman_brown(0.5, 2.0) == pytest.approx(2 / 3)
    assert spearman_brown(0.5, 1.0) == 0.5
    assert spearman_brown(0.8, 0.5) == pytest.approx(2 / 3)
    assert spearman_brown(1.0, 7.0) == pytest.approx(1.0)
    assert spearman_brown(-0.3, 2.0) == -0.3


def test_a_negative_correlation_of_halves_has_the_ceiling_zero() -> None:
    # Whichever way the two raters of a clip are dealt, halves disagree.
    scores = [[place, -place] for place in range(1, 9)]
    found = noise_ceiling(scores, splits=3, resamples=50)
    assert found.lcc.halves.value < -0.3
    assert found.lcc.panel == found.lcc.halves
    assert found.lcc.ceiling.value == 0.0


def test_broken_scores_are_refused() -> None:
    good = [[1.0, 2.0], [2.0, 4.0], [5.0, 3.0], [6.0, 6.0]]
    with pytest.raises(DataError, match="clip 1 has one rater"):
        noise_ceiling([[1.0, 2.0], [3.0], [4.0, 5.0]])
    with pytest.raises(DataError, match="scores of clip 0 must be finite"):
        intraclass_correlation([[np.nan, 2.0], *good])
    with pytest.raises(DataError, match="scores of clip 1 must not be empty"):
        intraclass_correlation([[1.0, 2.0], []])
    with pytest.raises(DataError, match="there are no scores"):
        noise_ceiling([])
    with pytest.raises(DataError, match="3 clips or more, not 2"):
        noise_ceiling(good[:2])
    with pytest.raises(DataError, match="3 systems or more, not 2"):
        noise_ceiling(good, ["a", "a", "b", "b"])
    with pytest.raises(DataError, match="3 clips, not 2"):
        intraclass_correlation(good[:2])
    with pytest.raises(DataError, match="4 items need as many group labels, not 1"):
        noise_ceiling(good, ["a"])
    with pytest.raises(DataError, match="3 with 2 to 3"):
        rater_bias([[1, 2], [3, 4, 5], [1, 2]])


def test_scores_without_variation_are_refused() -> None:
    with pytest.raises(DataError, match="all items have the same mean"):
        noise_ceiling([[0.1] * 3] * 5)
    with pytest.raises(DataError, match="all clips have the same mean"):
        intraclass_correlation([[0.1, 0.3], [0.3, 0.1], [0.2, 0.2]])
    with pytest.raises(DataError, match="agree on every clip"):
        rater_bias([[value] * 10 for value in (0.1, 0.2, 0.3, 0.7)])


def test_bad_options_are_refused() -> None:
    good = simulate(10, 4, 1.0, 8)[1]
    with pytest.raises(ConfigError, match="not 0"):
        noise_ceiling(good, splits=0)
    with pytest.raises(ConfigError, match="confidence"):
        noise_ceiling(good, confidence=1.0)
    with pytest.raises(DataError, match=r"not at 1\.5"):
        spearman_brown(1.5, 2.0)
    with pytest.raises(ConfigError, match="positive factor"):
        spearman_brown(0.5, 0.0)
