"""Ratings for tests, from matrices and from the golden panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from tests.stats.golden import read_golden

from auricle.core.ratings import Rating, Role
from auricle.core.spec import PERCENT, Scale

# Made by R (its version is in the file) with lme4.
GOLDEN: dict[str, Any] = read_golden("panels")


def rate_items(scores: ArrayLike, system: str = "x", scale: Scale = PERCENT) -> list[Rating]:
    """Return ratings from scores `[listener, item]`, none where they are NaN."""
    table = np.asarray(scores, dtype=np.float64)
    return [
        Rating("t", "q", f"item {item:02}", system, f"L{listener + 1:02}", float(score), scale)
        for listener, row in enumerate(table)
        for item, score in enumerate(row)
        if np.isfinite(score)
    ]


def rate_role(listener: str, role: Role, scores: Sequence[float], system: str = "") -> list[Rating]:
    """Return one listener's scores of items in a role."""
    return [
        Rating("t", "q", f"song {item}", system or role, listener, score, role=role)
        for item, score in enumerate(scores)
    ]
