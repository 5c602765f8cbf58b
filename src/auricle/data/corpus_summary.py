"""What a corpus consists of: where its references come from, and how good they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from auricle.data.recordings import Recording

# Kinds that a machine played: every note of theirs is a sample or an oscillator.
_SYNTHETIC = frozenset({"rendered", "tracker"})
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 1.0)


def summarise_corpus(rows: Sequence[Recording]) -> dict[str, Any]:
    """Summarise the table of a corpus, as plain values for JSON.

    Kinds, sources and shares count recordings, all else counts excerpts. Shares are 0..1, and
    None without recordings; `bandwidth_hz` maps quantiles to Hz over the excerpts where it was
    measured, and is empty where it never was.

    >>> summarise_corpus([])["excerpts"]
    0
    """
    recordings = {row.recording: row for row in rows}.values()
    kinds = Counter(row.kind for row in recordings)
    sources = Counter(row.source for row in recordings)
    measured = [row.bandwidth_hz for row in rows if row.bandwidth_hz is not None]
    return {
        "recordings": len(recordings),
        "excerpts": len(rows),
        "hours": round(sum(row.duration for row in rows) / 3600, 2),
        "per_kind": dict(kinds.most_common()),
        "per_source": dict(sorted(sources.items())),
        "synthetic_share": _share([row.kind in _SYNTHETIC for row in recordings]),
        "lossy_share": _share([row.kbps is not None for row in recordings]),
        "bandwidth_hz": {
            f"{quantile:g}": round(float(np.quantile(measured, quantile)))
            for quantile in _QUANTILES * bool(measured)
        },
        "clipped": sum(row.clipped for row in rows),
        "mono": sum(row.channels == 1 for row in rows),
        "stereo": sum(row.channels == 2 for row in rows),
    }


def _share(flags: Sequence[bool]) -> float | None:
    return round(sum(flags) / len(flags), 4) if flags else None
