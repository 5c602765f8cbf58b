"""Consensus: ranks that follow every metric, whatever its scale, and clips that some leave out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from auricle.core.errors import DataError
from auricle.stats.consensus import fit_consensus

IDENTITY = {"mos": 5.0, "db": 0.0}
mos = hnp.arrays(np.float64, 12, elements=st.integers(10, 49).map(lambda tenth: tenth / 10))
some = mos.filter(lambda labels: np.ptp(labels) > 0.0)
asked = hnp.arrays(np.bool_, 12)


@given(some, some, asked)
def test_ranks_are_between_0_and_1_and_identity_is_1(
    one: np.ndarray, other: np.ndarray, left: np.ndarray
) -> None:
    db = np.where(left, np.nan, 5.0 - other)
    if np.unique(db[~left]).size < 2:
        db[:] = np.nan
    found = fit_consensus({"mos": one, "db": db}, IDENTITY)
    ranks = found.apply({"mos": one, "db": db})
    assert ((ranks > 0.0) & (ranks < 1.0)).all()
    clean = found.apply({"mos": [5.0, 5.0, np.nan], "db": [0.0, np.nan, np.nan]})
    np.testing.assert_array_equal(clean, [1.0, 1.0, np.nan])


@given(some)
def test_one_metric_alone_keeps_its_order(labels: np.ndarray) -> None:
    for name, column in (("mos", labels), ("db", 5.0 - labels)):
        ranks = fit_consensus({name: column}, IDENTITY).apply({name: column})
        order = np.sign(labels[:, None] - labels)
        np.testing.assert_array_equal(np.sign((ranks[:, None] - ranks).round(9)), order)


@given(some, st.floats(0.5, 4.0))
def test_scales_do_not_matter(labels: np.ndarray, power: float) -> None:
    plain = fit_consensus({"mos": labels}, IDENTITY)
    bent = fit_consensus({"mos": (labels / 5.0) ** power}, {"mos": 1.0})
    np.testing.assert_allclose(
        plain.apply({"mos": labels}), bent.apply({"mos": (labels / 5.0) ** power}), atol=1e-9
    )


@given(some, hnp.arrays(np.float64, 30, elements=st.floats(-2.0, 8.0)))
def test_new_labels_get_ranks_that_follow_them(labels: np.ndarray, new: np.ndarray) -> None:
    ranks = fit_consensus({"mos": labels}, IDENTITY).apply({"mos": np.sort(new)})
    assert (np.diff(ranks) >= 0.0).all()
    assert ((ranks > 0.0) & (ranks <= 1.0)).all()


def test_errors_that_are_not_shared_are_averaged_out() -> None:
    rng = np.random.default_rng(3)
    truth = rng.uniform(1.0, 4.9, 400)
    columns = {name: truth + rng.normal(0.0, 1.0, 400) for name in ("one", "two", "three")}
    identity = dict.fromkeys(columns, 9.0)
    agreed = np.corrcoef(fit_consensus(columns, identity).apply(columns), truth)[0, 1]
    alone = max(np.corrcoef(column, truth)[0, 1] for column in columns.values())
    assert agreed > alone + 0.05


def test_refuses_what_ranks_nothing() -> None:
    with pytest.raises(DataError, match="no metric says anything"):
        fit_consensus({"mos": [np.nan]}, IDENTITY)
    with pytest.raises(DataError, match="mos says the same of all 2 clips"):
        fit_consensus({"mos": [3.0, 3.0]}, IDENTITY)
    with pytest.raises(DataError, match="are needed"):
        fit_consensus({"mos": [3.0, 4.0]}, IDENTITY).apply({"db": [1.0]})
