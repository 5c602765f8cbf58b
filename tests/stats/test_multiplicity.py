"""Corrected p-values against statsmodels, an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core.errors import ConfigError, DataError
from auricle.stats.multiplicity import Correction, adjust

METHODS: list[tuple[Correction, str]] = [
    ("holm", "holm"),
    ("bonferroni", "bonferroni"),
    ("benjamini-hochberg", "fdr_bh"),
]
VALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20)


@pytest.mark.parametrize(("method", "name"), METHODS)
@given(values=VALUES)
@settings(deadline=None)
def test_equals_statsmodels(method: Correction, name: str, values: list[float]) -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="needs statsmodels")
    expected = multitest.multipletests(values, method=name)[1]
    np.testing.assert_allclose(adjust(values, method), expected, rtol=1e-12, atol=0.0)


@given(values=VALUES)
def test_bonferroni_is_the_strictest(values: list[float]) -> None:
    holm, bonferroni = adjust(values, "holm"), adjust(values, "bonferroni")
    # Products and quotients in other orders differ in the last digit.
    assert (np.array(values) <= adjust(values, "benjamini-hochberg") * (1 + 1e-12)).all()
    assert (adjust(values, "benjamini-hochberg") <= holm * (1 + 1e-12)).all()
    assert (holm <= bonferroni).all()


def test_what_is_no_p_value_is_refused() -> None:
    for wrong in ([], [0.5, 1.1], [-0.1], [float("nan")]):
        with pytest.raises(DataError):
            adjust(wrong, "holm")
    with pytest.raises(ConfigError, match="holm, bonferroni"):
        adjust([0.5], "sidak")  # type: ignore[arg-type]
