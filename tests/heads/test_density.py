"""Telling other material apart from what a model learned from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from auricle.core.errors import DataError
from auricle.heads.density import Contrast, Density, fit_density

Array = NDArray[np.float64]
SIZE = 4
SEEDS = st.integers(0, 2**32 - 1)


def draw(seed: int, places: tuple[float, ...] = (0.0, 4.0, -4.0)) -> list[Array]:
    """Two hundred clips around each place, of correlated embeddings."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(SIZE, SIZE)) + 2.0 * np.eye(SIZE)
    return [(rng.normal(size=(200, SIZE)) + place) @ mixing for place in places]


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_no_affine_map_of_embeddings_changes_anything(seed: int) -> None:
    inside, speech, noise = draw(seed)
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(SIZE, SIZE)))
    matrix, shift = turn * rng.uniform(0.1, 10.0, SIZE), rng.normal(size=SIZE)

    def judge(one: Array, other: Array, third: Array) -> tuple[Array, float]:
        density = fit_density(one[:100], {"speech": other, "noise": third}, one[100:])
        return density.log_ratios(np.concatenate((one, other, third))), density.threshold

    plain, threshold = judge(inside, speech, noise)
    mapped, same = judge(*(group @ matrix + shift for group in (inside, speech, noise)))
    assert mapped == pytest.approx(plain, rel=1e-6, abs=1e-6)
    assert same == pytest.approx(threshold, rel=1e-6, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.floats(0.0, 5.0), st.floats(0.01, 5.0))
def test_it_rises_on_the_way_to_other_material(seed: int, near: float, step: float) -> None:
    inside, speech, _ = draw(seed)
    density = fit_density(inside, {"speech": speech}, inside)
    way = speech.mean(axis=0) - inside.mean(axis=0)
    one, other = inside.mean(axis=0) + np.outer([near, near + step], way)
    (first,), (second,) = density.log_ratios([one, other])
    assert second > first
    # Half way both are equally likely.
    assert density.log_ratios([inside.mean(axis=0) + 0.5 * way]) == pytest.approx(0.0, abs=1e-6)


def test_the_threshold_keeps_its_promise() -> None:
    inside, speech, noise = draw(7, (0.0, 0.3, -0.3))
    density = fit_density(inside, {"speech": speech, "noise": noise}, inside, false_alarms=0.1)
    ratios = density.log_ratios(inside).max(axis=1)
    assert 0.09 <= np.mean(ratios > density.threshold) <= 0.1 or density.threshold < 1e-5
    strict = fit_density(inside, {"speech": speech, "noise": noise}, inside, false_alarms=0.01)
    assert strict.threshold > density.threshold


def test_the_nearest_kind_is_named() -> None:
    inside, speech, noise = draw(1)
    density = fit_density(inside, {"speech": speech, "noise": noise}, inside)
    for kind, clips in (("speech", speech), ("noise", noise), (None, inside)):
        assert density.find_kind(clips.mean(axis=0)) == kind
    assert Density.model_validate_json(density.model_dump_json()) == density


def test_features_that_never_vary_do_not_matter() -> None:
    inside, speech, _ = draw(3)
    density = fit_density(inside, {"speech": speech}, inside)
    wider = [np.column_stack((group, np.full(len(group), 2.0))) for group in (inside, speech)]
    other = fit_density(wider[0], {"speech": wider[1]}, wider[0])
    expected = density.log_ratios(inside)
    assert other.log_ratios(wider[0]) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_what_cannot_be_fitted_is_refused() -> None:
    inside, speech, _ = draw(0)
    for outside in ({}, {"speech": speech[:, :2]}, {"speech": speech * np.nan}, {"speech": []}):
        with pytest.raises(DataError, match="a density needs"):
            fit_density(inside, outside, inside)
    with pytest.raises(DataError, match="needs more than 6 clips, not 4"):
        fit_density(inside[:2], {"speech": speech[:2]}, inside)
    with pytest.raises(DataError, match="calibration clips or more"):
        fit_density(inside, {"speech": speech}, inside[:50])
    one, other = (Contrast(weights=weights, offset=0.0) for weights in ((1.0,), (1.0, 2.0)))
    with pytest.raises(ValidationError, match="one size"):
        Density(contrasts={"a": one, "b": other}, threshold=1.0, false_alarms=0.01, clips=1)
