"""How much of the variance of scores comes from listeners, from items, and from neither."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import Rating
from auricle.stats.panel import Matrix, tabulate_panel


@dataclass(frozen=True, slots=True)
class Spread:
    """Variances of scores: of listeners, of a system's items, and of the rest.

    An assumed standard deviation s of single ratings of one stimulus is `Spread(s**2, 0.0, 0.0)`
    with one item.

    >>> Spread(listener=60.0, item=40.0, residual=200.0).residual
    200.0
    """

    listener: float
    item: float
    residual: float

    def __post_init__(self) -> None:
        if not all(0.0 <= part < math.inf for part in (self.listener, self.item, self.residual)):
            raise ConfigError(f"variances must be finite and not negative: {self}")


def variance_components(ratings: Sequence[Rating]) -> Spread:
    """Return the variances of listeners, items and the rest within systems, from a pilot.

    Henderson's first method, pooled over systems: sums of squares of listeners, of items and of all
    are set equal to their expectations, which also holds where ratings are missing; in complete
    designs these are the estimates of the analysis of variance. Negative ones become 0. Replicates
    are averaged first; anchors and hidden references are left out, as all give them the same.

    Raises `DataError` when no system has two listeners and two items rated in part by the same, or
    ratings are too few to tell the variances apart; and what `group_listeners` raises. Source:
    C. R. Henderson, "Estimation of Variance and Covariance Components", Biometrics 9 (1953); S. R.
    Searle, G. Casella and C. E. McCulloch, "Variance Components" (1992), section 5.3.

    >>> scores = {"L1": [50, 61, 42], "L2": [55, 70, 47], "L3": [40, 58, 30], "L4": [61, 70, 62]}
    >>> pilot = [Rating("t", "q", item, "x", name, score) for name, found in scores.items()
    ...     for item, score in zip("abc", found, strict=True)]
    >>> found = variance_components(pilot)
    >>> round(found.listener, 1), round(found.item, 1), round(found.residual, 1)
    (78.8, 94.4, 18.8)
    """
    tables = tabulate_systems(ratings)
    equations, forms = np.zeros((3, 3)), np.zeros(3)
    for table in tables.values():
        if min(table.shape) > 1:
            one_equations, one_forms = _moments(table)
            equations, forms = equations + one_equations, forms + one_forms
    if not equations.any() or np.linalg.matrix_rank(equations) < 3:
        raise DataError(
            "variances of listeners and items cannot be told apart: a pilot needs a system of "
            "which several listeners rated the same several items"
        )
    listener, item, residual = np.maximum(np.linalg.solve(equations, forms), 0.0).tolist()
    return Spread(listener, item, residual)


def tabulate_systems(ratings: Sequence[Rating]) -> dict[str, Matrix]:
    """Return each system's scores `[listener, item]`, NaN where missing.

    Anchors and hidden references are left out, replicates averaged, and listeners who rated none of
    a system's items are not in its table. Raises what `group_listeners` raises.

    >>> ratings = [Rating("t", "q", item, "opus", "L1", 50.0) for item in "ab"]
    >>> tabulate_systems(ratings)
    {'opus': array([[50., 50.]])}
    """
    tested = [one for one in ratings if not one.role]
    _, stimuli, scores = tabulate_panel(tested)
    systems = np.array([system for _, system in stimuli])
    tables: dict[str, Matrix] = {}
    for system in dict.fromkeys(systems.tolist()):
        table = scores[:, systems == system]
        tables[system] = table[np.isfinite(table).any(axis=1)]
    return tables


def _moments(table: Matrix) -> tuple[Matrix, Matrix]:
    """Return Henderson's equations `[form, variance]` and forms of one system's scores.

    Forms are the sums of squares between listeners, between items, and of all, each about the mean.
    """
    rated = np.isfinite(table)
    cells = rated.astype(np.float64)
    filled = np.where(rated, table - np.nanmean(table), 0.0)
    total, rows, columns = cells.sum(), cells.sum(axis=1), cells.sum(axis=0)
    forms = np.array(
        [
            (np.square(filled.sum(axis=1)) / rows).sum(),
            (np.square(filled.sum(axis=0)) / columns).sum(),
            np.square(filled).sum(),
        ]
    )
    per_row, per_column = np.square(rows).sum() / total, np.square(columns).sum() / total
    expected = np.array(
        [
            [total, (cells / rows[:, None]).sum(), rows.size],
            [(cells / columns).sum(), total, columns.size],
            [total, total, total],
        ]
    )
    return expected - np.array([per_row, per_column, 1.0]), forms
