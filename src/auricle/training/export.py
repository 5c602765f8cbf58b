"""Exporting what was trained, where it can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from auricle.core.errors import BundleError


def try_export(export: Callable[[], bytes], folder: Path) -> bytes | None:
    """Return the ONNX model for the bundle `folder`, or None where torch cannot export it.

    Scoring needs torch then; a file `export.txt` beside the bundle says why.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    reason = folder.with_name("export.txt")
    reason.unlink(missing_ok=True)
    try:
        return export()
    except BundleError as error:
        reason.write_text(f"{error}\n", encoding="utf-8")
        return None
