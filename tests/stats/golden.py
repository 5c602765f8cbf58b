"""Golden numbers that other programs made; the script that made them lies beside each file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "golden" / "statistics"


def read_golden(name: str) -> dict[str, Any]:
    """Return what `name.R` printed."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found
