"""P.1401's tests of errors against R (tests/golden/statistics/performance.R)."""

from __future__ import annotations

import pytest
from tests.stats.golden import read_golden

from auricle.core.errors import DataError
from auricle.stats.error_tests import outlier_z_test, rmse_f_test

GOLDEN = read_golden("performance")


@pytest.mark.parametrize("golden", GOLDEN["f"])
def test_errors_of_two_metrics(golden: dict[str, float]) -> None:
    found = rmse_f_test(golden["first"], golden["second"], int(golden["degrees"]))
    assert found.statistic == pytest.approx(golden["f"], rel=1e-9)
    assert found.p == pytest.approx(golden["p"], rel=1e-9)
    turned = rmse_f_test(golden["second"], golden["first"], int(golden["degrees"]))
    assert turned.p == pytest.approx(found.p)


def test_a_critical_value_from_tables() -> None:
    # F(0.05; 20, 20) = 2.12 at one side, which is 10% at both.
    assert rmse_f_test(2.12**0.5, 1.0, 20).p == pytest.approx(0.10, abs=0.001)


@pytest.mark.parametrize("golden", GOLDEN["outliers"])
def test_outlier_ratios_of_two_metrics(golden: dict[str, float]) -> None:
    found = outlier_z_test(
        golden["first"], int(golden["first_items"]), golden["second"], int(golden["second_items"])
    )
    assert found.statistic == pytest.approx(golden["z"], rel=1e-9)
    assert found.p == pytest.approx(golden["p"], rel=1e-9)


def test_what_has_no_test() -> None:
    assert outlier_z_test(0.0, 20, 0.0, 20).p == 1.0
    assert rmse_f_test(0.5, 0.0, 20).p == 0.0
    with pytest.raises(DataError, match="0 are left"):
        rmse_f_test(1.0, 2.0, 0)
    with pytest.raises(DataError, match=r"not 0\.0 and 0\.0"):
        rmse_f_test(0.0, 0.0, 5)
    with pytest.raises(DataError, match="cannot be tested"):
        outlier_z_test(1.5, 20, 0.0, 20)
