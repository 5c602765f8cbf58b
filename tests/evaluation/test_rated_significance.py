"""Differences between metrics: what is chance, and what is not."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from auricle.data.listening_sets import RatedPair
from auricle.evaluation.rated_benchmark import judge, rating_interval
from auricle.evaluation.rated_metrics import Contender
from auricle.evaluation.rated_results import RatedBenchmark
from auricle.evaluation.rated_scores import RatedValue
from auricle.evaluation.rated_significance import bootstrap_p
from auricle.stats.correlation import epsilon_rmse, kendall, outlier_ratio, pearson, spearman
from auricle.stats.cross_mapping import map_by_item
from auricle.stats.dependent_correlations import williams_t_test
from auricle.stats.error_tests import rmse_f_test
from auricle.stats.mappings import MappingKind
from auricle.stats.multiplicity import adjust
from auricle.stats.resamples import correlate, draw_weights, replicate

ITEMS, SYSTEMS, LISTENERS = 8, 5, 6


def panel(seed: int = 0) -> list[RatedPair]:
    """Items through systems of falling quality, rated by listeners who disagree."""
    rng = np.random.default_rng(seed)
    pairs = []
    for item in range(ITEMS):
        for system in range(SYSTEMS):
            scores = 90.0 - 15.0 * system + 3.0 * item + rng.normal(0.0, 8.0, LISTENERS)
            votes = {f"L{n}": float(score) for n, score in enumerate(scores)}
            mean = float(np.mean(scores))
            name = f"{item}-{system}"
            pair = RatedPair("s", "quality", f"i{item}", f"c{system}", Path("r"), Path(name), mean)
            pairs.append(replace(pair, listeners=votes, raters=LISTENERS))
    return pairs


def bench(
    pairs: list[RatedPair], noises: list[float], mapping: MappingKind = "cubic"
) -> tuple[RatedBenchmark, list[np.ndarray]]:
    rng = np.random.default_rng(9)
    rating = np.array([pair.score for pair in pairs])
    columns = [rating / 20.0 + rng.normal(0.0, noise, rating.size) for noise in noises]
    contenders = [Contender(f"m{n}", f"m{n}", 1.0, str(n)) for n in range(len(noises))]
    values = {
        one.name: [RatedValue(str(n), float(value)) for n, value in enumerate(column)]
        for one, column in zip(contenders, columns, strict=True)
    }
    return judge(pairs, contenders, values, mapping=mapping, resamples=300), columns


@pytest.mark.parametrize("mapping", ["none", "linear", "cubic", "logistic", "isotonic"])
def test_every_measure_is_that_of_its_definition(mapping: MappingKind) -> None:
    pairs = panel()
    found, (x,) = bench(pairs, [0.5], mapping)
    (result,) = found.results
    y = np.array([pair.score for pair in pairs])
    predicted = map_by_item(x, y, [pair.item for pair in pairs], mapping).predicted
    widths = [rating_interval(pair) for pair in pairs]
    expected = {
        "srcc": spearman(x, y),
        "pcc": pearson(x, y),
        "ktau": kendall(x, y),
        "mapped": pearson(predicted, y),
        "mse": np.mean((predicted - y) ** 2),
        "rmse": np.sqrt(np.mean((predicted - y) ** 2)),
        "mae": np.mean(np.abs(predicted - y)),
        "bias": np.mean(predicted - y),
        "epsilon_rmse": epsilon_rmse(predicted, y, widths),
        "outlier_ratio": outlier_ratio(predicted, y, widths),
    }
    for name, value in expected.items():
        estimate = getattr(result, name)
        assert estimate.value == pytest.approx(value), name
        assert estimate.low <= estimate.value <= estimate.high
    assert 0.0 <= result.outlier_ratio.low <= result.outlier_ratio.high <= 1.0
    assert result.epsilon_rmse.value <= result.rmse.value


def test_means_of_systems_are_a_level_of_their_own() -> None:
    pairs = panel()
    found, (x,) = bench(pairs, [0.8], "linear")
    (system,) = found.systems
    assert (system.level, system.clips, system.of, system.drawn) == ("system", 5, 5, "systems")
    y = np.array([pair.score for pair in pairs])
    means = [np.mean(values.reshape(ITEMS, SYSTEMS), axis=0) for values in (x, y)]
    assert system.pcc is not None
    assert system.pcc.value == pytest.approx(pearson(*means))
    widths = np.array([rating_interval(pair) for pair in pairs]).reshape(ITEMS, SYSTEMS)
    folds = map_by_item(x, y, [pair.item for pair in pairs], "linear").predicted
    predicted = folds.reshape(ITEMS, SYSTEMS).mean(axis=0)
    assert system.epsilon_rmse is not None
    assert system.epsilon_rmse.value == pytest.approx(
        epsilon_rmse(predicted, means[1], np.sqrt(np.square(widths).sum(axis=0)) / ITEMS)
    )
    # Where every clip is a system of its own there is nothing to average.
    alone = [replace(pair, system=f"s{n}") for n, pair in enumerate(pairs)]
    assert bench(alone, [0.8])[0].systems == ()


def test_intervals_of_ratings_by_listeners_or_by_what_is_published() -> None:
    (pair, *_) = panel()
    scores = list(pair.listeners.values())
    low, high = stats.t.interval(0.95, 5, loc=np.mean(scores), scale=stats.sem(scores))
    assert rating_interval(pair) == pytest.approx((high - low) / 2)
    published = replace(pair, listeners={}, deviation=float(np.std(scores, ddof=1)))
    assert rating_interval(published) == pytest.approx((high - low) / 2)
    assert np.isnan(rating_interval(replace(published, raters=0)))


def test_formulas_see_clips_and_every_family_is_corrected() -> None:
    pairs = panel()
    found, columns = bench(pairs, [0.3, 0.9, 0.9])
    own = [one for one in found.differences if one.test is not None]
    y = np.array([pair.score for pair in pairs])
    a, b = columns[:2]
    pcc = own[0].find("pcc", "formula")
    assert pcc is not None
    expected = williams_t_test(pearson(a, y), pearson(b, y), pearson(a, b), y.size)
    assert pcc.p == pytest.approx(expected.p)
    rmse = own[0].find("rmse", "formula")
    assert rmse is not None
    errors = [one.rmse.value for one in found.results[:2] if one.rmse]
    assert rmse.p == pytest.approx(rmse_f_test(errors[0], errors[1], y.size - 4).p)
    for method in ("bootstrap", "formula"):
        tests = [one.find("srcc", method) for one in own]  # type: ignore[arg-type]
        ps = [one.p for one in tests if one]
        assert [one.adjusted for one in tests if one] == pytest.approx(adjust(ps).tolist())
    # The exact one is told apart from both, which are equally good.
    best = [one.find("srcc") for one in own]
    assert best[0] is not None
    assert best[2] is not None
    assert best[0].adjusted < 0.05 < best[2].adjusted


def test_resamples_of_whole_items_keep_their_level() -> None:
    # Two equally good metrics, each with an error of its own on every item: 5% of p-values should
    # be below .05. Williams' t, which takes clips for independent, says so in three times as many.
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(8), 6)
    alarms = np.zeros(2)
    for run in range(300):
        y = np.tile(rng.normal(size=6), 8) + 0.3 * rng.normal(size=48)
        a, b = (y + rng.normal(size=8)[groups] + 0.3 * rng.normal(size=48) for _ in range(2))
        weights = draw_weights(48, groups=groups, resamples=200, seed=run)
        first, second = (replicate(partial(correlate, x, y, kind="pcc"), weights) for x in (a, b))
        p = bootstrap_p((first[0] - second[0], first[1] - second[1]), 7)
        assert p is not None
        alarms += p < 0.05, williams_t_test(first[0], second[0], pearson(a, b), 48).p < 0.05
    honest, careless = alarms / 300
    assert 0.02 < honest < 0.09
    assert careless > 0.12


def test_the_ceiling_is_there_where_listeners_are() -> None:
    pairs = panel()
    (ceiling,) = bench(pairs, [0.5])[0].ceilings
    assert ceiling.test == "s/quality"
    assert 0.9 < ceiling.ceiling.srcc.ceiling.value < 1.0
    assert bench([replace(pair, listeners={}) for pair in pairs], [0.5])[0].ceilings == ()


def test_equal_metrics_differ_by_nothing() -> None:
    assert bootstrap_p((0.0, np.zeros(50)), 7) == 1.0
    assert bootstrap_p((0.4, np.full(50, 0.4)), 7) == 0.0
    assert bootstrap_p((float("nan"), np.zeros(50)), 7) is None
    assert bootstrap_p((0.4, np.ones(50)), 0) is None
