"""Adapter for the NISQA Corpus: speech over simulated and real connections, rated by listeners.

Per clip some five listeners rated the overall quality and four dimensions of it, each 1..5; the
corpus gives their means. Whoever has the corpus has tables and audio:

```
NISQA_corpus_file.csv                            a row per clip of all sets
NISQA_TRAIN_SIM/NISQA_TRAIN_SIM_file.csv, ...    the same of one set, with what was done to clips
NISQA_TRAIN_SIM/deg/*.wav, ...                   the clips
```

Source: G. Mittag, B. Naderi, A. Chehadi and S. Moeller, "NISQA: A Deep CNN-Self-Attention Model for
Multidimensional Speech Quality Prediction with Crowdsourced Datasets", Interspeech 2021.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from auricle.core.errors import DataError
from auricle.data.manifest import Split
from auricle.data.rated import RatedClip, check_rated

AXES: Final[Mapping[str, str]] = {
    "mos": "mos",
    "noi": "noisiness",
    "dis": "discontinuity",
    "col": "coloration",
    "loud": "loudness",
}
"""Which column holds which axis. More is better on all: 5 is not noisy, not uncomfortably loud."""

LOW: Final = 1.0
HIGH: Final = 5.0
"""The scale of every axis."""

TABLE: Final = "NISQA_corpus_file.csv"

_SPLITS: Final[Mapping[str, Split]] = {"TRAIN": "train", "VAL": "validation", "TEST": "test"}
_TEXTS: Final = ("db", "con", "filename_ref", "filepath_deg")


def read_nisqa(folder: Path) -> list[RatedClip]:
    """Read the NISQA Corpus: the table of all sets, or where that is missing those of each set.

    A set's name says its split: `NISQA_TRAIN_SIM` and `NISQA_TRAIN_LIVE` are trained on,
    `NISQA_VAL_SIM` and `NISQA_VAL_LIVE` validated, the sets `NISQA_TEST_...` tested. `system` is
    the condition within its set (the clip itself where there is none), `recording` the clean speech
    within its set (nothing where there is none: live talk). Clips are named by their path from
    `folder` on; they need not be there.

    Raises `DataError` naming file, line and column for what does not fit.
    """
    tables = find_nisqa(folder)
    if not tables:
        raise DataError(f"there is no {TABLE} in {folder}, nor a NISQA_TRAIN_SIM_file.csv or such")
    clips = [read_clip(row, place) for table in tables for row, place in read_rows(table)]
    check_rated(clips, folder)
    return clips


def find_nisqa(folder: Path) -> list[Path]:
    """Find the table of all sets in a folder, or where that is missing those of each set."""
    whole = folder / TABLE
    return [whole] if whole.is_file() else sorted(folder.glob("NISQA_*/NISQA_*_file.csv"))


def read_rows(path: Path) -> Iterator[tuple[Mapping[str, str | None], str]]:
    """Yield the rows of a table, and where each stands. Raises `DataError` for missing columns."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [name for name in (*_TEXTS, *AXES) if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(f"{path}, line 1: there is no column {', '.join(missing)}")
        for row in reader:
            yield row, f"{path}, line {reader.line_num}"


def read_clip(row: Mapping[str, str | None], place: str) -> RatedClip:
    """Read a row as a clip with the means of its axes. Raises `DataError` as `read_nisqa` does."""
    texts = {name: _text(row[name]) for name in _TEXTS}
    for name in ("db", "filepath_deg"):
        if not texts[name]:
            raise DataError(f"{place}, column {name}: it is empty")
    db = texts["db"]
    split = _SPLITS.get(db.split("_")[1]) if db.count("_") else None
    if split is None:
        raise DataError(
            f"{place}, column db: {db!r} is neither NISQA_TRAIN_..., NISQA_VAL_... nor"
            " NISQA_TEST_..."
        )
    means = {axis: _mean(row[name], f"{place}, column {name}") for name, axis in AXES.items()}
    if math.isnan(means["mos"]):
        raise DataError(f"{place}, column mos: it is empty")
    reference = texts["filename_ref"]
    path = texts["filepath_deg"].replace("\\", "/")
    return RatedClip(
        id=path,
        path=path,
        split=split,
        # Real connections may be no condition that others share.
        system=f"{db}/{texts['con'] or path}",
        recording=f"{db}/{reference}" if reference else "",
        domain="speech",
        scores={axis: (mean,) for axis, mean in means.items() if not math.isnan(mean)},
    )


def _text(cell: str | None) -> str:
    """A cell without what tables write for nothing."""
    text = (cell or "").strip()
    return "" if text.lower() in ("nan", "na", "n/a") else text


def _mean(cell: str | None, place: str) -> float:
    text = _text(cell)
    if not text:
        return math.nan
    try:
        mean = float(text)
    except ValueError as error:
        raise DataError(f"{place}: {text!r} is not a number") from error
    if not LOW <= mean <= HIGH:
        raise DataError(f"{place}: {text} does not lie between {LOW:g} and {HIGH:g}")
    return mean
