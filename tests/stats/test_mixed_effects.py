"""The mixed-effects model against R's lme4, lmerTest and emmeans, and against statsmodels.

Golden numbers: tests/golden/statistics/mixed_effects.R over mixed_effects.csv beside it, made up by
NumPy (10 listeners, 6 items, 4 systems; a tenth of the ratings missing at random). In the column
`boundary` items differ alike for all systems, so that the variance of item x system is 0.
"""

from __future__ import annotations

import csv
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core.errors import ConfigError, DataError
from auricle.stats.mixed_effects import (
    MixedEffects,
    average_systems,
    compare_systems,
    fit_mixed_effects,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "statistics"
NAMES = {
    "listener": "listener",
    "item": "item",
    "listener x system": "listener:system",
    "item x system": "item:system",
    "rest": "Residual",
}


def _fit(column: str, *, interactions: bool = True) -> MixedEffects:
    with (GOLDEN / "mixed_effects.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = ([row[name] for row in rows] for name in ("system", "listener", "item"))
    scores = [float(row[column]) for row in rows]
    return fit_mixed_effects(scores, *labels, interactions=interactions)


CASES = {
    "plain": lambda: _fit("score", interactions=False),
    "full": lambda: _fit("score"),
    "boundary": lambda: _fit("boundary"),
}


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[MixedEffects, Any]:
    golden = json.loads((GOLDEN / "mixed_effects.json").read_text(encoding="utf-8"))
    return CASES[request.param](), golden[request.param]


def test_variances_are_those_of_lme4(case: tuple[MixedEffects, Any]) -> None:
    model, golden = case
    found = {NAMES[one.name]: one.variance for one in model.components}
    assert found == pytest.approx(golden["variances"], rel=1e-5, abs=1e-6)
    assert sum(one.share for one in model.components) == pytest.approx(1.0)


def test_means_are_those_of_emmeans(case: tuple[MixedEffects, Any]) -> None:
    model, golden = case
    for mine, theirs in zip(average_systems(model), golden["means"], strict=True):
        assert mine.system == theirs["system"]
        got = mine.mean.value, mine.freedom, mine.mean.low, mine.mean.high
        expected = [theirs[name] for name in ("emmean", "df", "lower.CL", "upper.CL")]
        assert got == pytest.approx(expected, rel=1e-4)


def test_contrasts_are_those_of_emmeans(case: tuple[MixedEffects, Any]) -> None:
    model, golden = case
    found = compare_systems(model)
    for mine, theirs in zip(found, golden["contrasts"], strict=True):
        assert f"{mine.first} - {mine.second}" == theirs["contrast"]
        assert mine.difference.value == pytest.approx(theirs["estimate"], rel=1e-5)
        assert mine.freedom == pytest.approx(theirs["df"], rel=1e-3)
        assert mine.p == pytest.approx(theirs["p.value"], rel=1e-2)
    assert [one.corrected for one in found] == pytest.approx(golden["holm"], rel=1e-2)
    for kind, picked in (
        ("limits", [one.difference for one in found]),
        ("together", [one.simultaneous for one in found]),
    ):
        lows, highs = ([row[name] for row in golden[kind]] for name in ("lower.CL", "upper.CL"))
        assert [one.low for one in picked] == pytest.approx(lows, rel=1e-4)
        assert [one.high for one in picked] == pytest.approx(highs, rel=1e-4)


def test_equals_statsmodels_where_no_variance_is_0() -> None:
    formulas = pytest.importorskip("statsmodels.formula.api", reason="needs statsmodels")
    pandas = pytest.importorskip("pandas", reason="needs statsmodels")
    data = pandas.read_csv(GOLDEN / "mixed_effects.csv").assign(one=1)
    parts = {"listener": "0+C(listener)", "item": "0+C(item)"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = formulas.mixedlm(
            "score ~ 0 + system", data, groups="one", vc_formula=parts, re_formula="0"
        ).fit()
    model = _fit("score", interactions=False)
    variances = {one.name: one.variance for one in model.components}
    assert [variances["item"], variances["listener"]] == pytest.approx(theirs.vcomp, rel=1e-2)
    assert variances["rest"] == pytest.approx(theirs.scale, rel=1e-3)
    np.testing.assert_allclose(model.means, theirs.fe_params, rtol=1e-4)


def test_a_variance_of_0_is_told() -> None:
    [warning] = _fit("boundary").warnings
    assert "item x system is estimated as 0" in warning


def _made_up(
    listeners: int, items: int, systems: int, seed: int
) -> tuple[np.ndarray, list[str], np.ndarray, np.ndarray]:
    who, what, how = (one.ravel() for one in np.indices((listeners, items, systems)))
    rng = np.random.default_rng(seed)
    scores = 50.0 + 5.0 * how + 6.0 * rng.normal(size=listeners)[who]
    scores += 4.0 * rng.normal(size=items)[what] + 5.0 * rng.normal(size=who.size)
    return scores, [f"S{one}" for one in how], who, what


@given(
    seed=st.integers(0, 1000),
    listeners=st.integers(2, 6),
    items=st.integers(2, 5),
    scale=st.floats(0.01, 100.0),
    shift=st.floats(-1000.0, 1000.0),
)
@settings(max_examples=30, deadline=None)
def test_moves_with_the_scores(
    seed: int, listeners: int, items: int, scale: float, shift: float
) -> None:
    scores, *labels = _made_up(listeners, items, 3, seed)
    model = fit_mixed_effects(scores, *labels, interactions=False)
    moved = fit_mixed_effects(scale * scores + shift, *labels, interactions=False)
    for mine, theirs in zip(compare_systems(model), compare_systems(moved), strict=True):
        assert theirs.difference.value == pytest.approx(scale * mine.difference.value, rel=1e-6)
        assert theirs.difference.high == pytest.approx(scale * mine.difference.high, rel=1e-3)
    # In a balanced design marginal means are plain means.
    plain = [scores[np.array(labels[0]) == name].mean() for name in model.systems]
    np.testing.assert_allclose(model.means, plain, rtol=1e-6)


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_order_does_not_matter(seed: int) -> None:
    scores, systems, who, what = _made_up(5, 4, 2, seed)
    order = np.random.default_rng(seed).permutation(scores.size)
    model = fit_mixed_effects(scores, systems, who, what)
    other = fit_mixed_effects(scores[order], np.array(systems)[order], who[order], what[order])
    [first], [second] = (compare_systems(one, against="S0") for one in (model, other))
    assert first.difference.value == pytest.approx(second.difference.value)
    assert first.p == pytest.approx(second.p, rel=1e-3, abs=1e-12)


def test_intervals_hold_what_they_say() -> None:
    """The difference of systems is 5: 95% of intervals over new listeners and items hold it."""
    held = 0
    for seed in range(200):
        scores, *labels = _made_up(6, 4, 2, seed)
        [found] = compare_systems(fit_mixed_effects(scores, *labels))
        held += found.difference.low <= -5.0 <= found.difference.high
    assert 183 <= held <= 199


def test_against_one_system() -> None:
    found = compare_systems(_fit("score"), against="C", correction="bonferroni")
    assert [(one.first, one.second) for one in found] == [("A", "C"), ("B", "C"), ("D", "C")]
    assert all(one.corrected == pytest.approx(min(1.0, 3 * one.p)) for one in found)
    with pytest.raises(ConfigError, match="no system 'E' in the model: it has A, B, C, D"):
        compare_systems(_fit("score"), against="E")


def test_what_ratings_cannot_tell_apart_is_left_out() -> None:
    scores, systems, who, _ = _made_up(4, 1, 3, 0)
    model = fit_mixed_effects(scores, systems, who, ["song"] * scores.size)
    assert {one.name for one in model.components} == {"listener", "rest"}
    assert "item is left out of the model: there is one only" in model.warnings
    assert "listener x system is left out of the model: each has one rating" in model.warnings


def test_what_cannot_be_fitted_is_refused() -> None:
    scores, systems, who, what = _made_up(3, 3, 2, 0)
    with pytest.raises(DataError, match="two systems and two listeners"):
        fit_mixed_effects(scores, ["one"] * scores.size, who, what)
    with pytest.raises(DataError, match="scores that differ"):
        fit_mixed_effects(np.full(scores.size, 50.0), systems, who, what)
    with pytest.raises(DataError, match="without a rest"):
        fit_mixed_effects(10.0 * who + 3.0 * what, systems, who, what)
    with pytest.raises(DataError, match="group labels"):
        fit_mixed_effects(scores, systems[:-1], who, what)
