"""Tables of crowd-sourced tests by ITU-T P.808 and P.835, as Microsoft's P.808 Toolkit writes them.

It writes (src/result_parser.py of microsoft/P.808) BATCH_all_votes_per_clip.csv and
BATCH_votes_per_worker_QUESTION.csv with a row per vote, BATCH_votes_per_clip_QUESTION.csv with a
row per clip and its votes without who gave them, and BATCH_votes_per_clip_all-scales.csv with means
alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from auricle.core.ratings import MeanRating, Rating, RatingTable
from auricle.core.spec import Scale
from auricle.data.rating_columns import ACR, RatingOptions
from auricle.data.rating_plain import leave_out_unrated
from auricle.data.rating_rows import Row, Sheet, read_header, read_sheet
from auricle.data.rating_tables import join

ATTRIBUTES: Final[Mapping[str, str]] = {
    "MOS": "quality",
    "DMOS": "degradation",
    "CMOS": "comparison",
    "MOS_OVRL": "overall",
    "MOS_SIG": "signal",
    "MOS_BAK": "background",
    "MOS_NOISE": "noisiness",
    "MOS_COL": "coloration",
    "MOS_DISC": "discontinuity",
    "MOS_LOUD": "loudness",
    "MOS_REVERB": "reverberation",
    "MOS_ECHO": "echo",
    "MOS_OTHER": "other degradation",
    "MOS_ENROL": "enrolment",
}
"""The toolkit's names of mean votes, and the attributes that they are of."""

_VOTES: Final = ("workerid", "file", "vote", "question_type")
_CLIPS: Final = ("file_url", "n")
_COMPARISON: Final = Scale(-3.0, 3.0)
# All other columns are parts of the condition, by names that each test gives itself.
_FIXED: Final = re.compile(
    r"HITId|workerid|assignment_id|assignmentstatus|creation_time|requesterannotation|file|file_url"
    r"|short_file_name|vote|question_type|n|[CD]?MOS(_\w+)?|std\w*|95%CI\w*|vote_\d+"
)


def find_p808(path: Path) -> list[Path]:
    """Find the tables of a folder that tell most: votes of workers, of clips, or means."""
    tables = [path] if path.is_file() else sorted(path.glob("*.csv"))
    found: dict[str, list[Path]] = {}
    for table in tables:
        header = read_header(table)
        if set(_VOTES) <= set(header):
            kind = "all" if table.stem.endswith("_all_votes_per_clip") else "question"
            found.setdefault(kind, []).append(table)
        elif set(_CLIPS) <= set(header) and set(ATTRIBUTES) & set(header):
            found.setdefault("clips" if "vote_1" in header else "means", []).append(table)
    return next(
        (found[kind] for kind in ("all", "question", "clips", "means") if kind in found), []
    )


def read_p808(paths: list[Path], options: RatingOptions) -> RatingTable:
    """Read tables of one kind; the systems are the conditions, which the file names tell there.

    Votes per clip come without listeners. Trapping and gold clips, and sessions that were not
    accepted, are not in these tables.
    """
    tables = []
    for path in paths:
        sheet = read_sheet(path)
        if set(_VOTES) <= set(sheet.header):
            tables.append(RatingTable(tuple(_read_votes(sheet, options))))
        elif "vote_1" in sheet.header:
            tables.append(RatingTable(tuple(_read_clips(sheet, options))))
        else:
            tables.append(leave_out_unrated(list(_read_means(sheet, options))))
    return join(tables)


def _read_votes(sheet: Sheet, options: RatingOptions) -> Iterator[Rating]:
    for row in sheet.rows:
        if not math.isnan(row.number("vote")):
            yield _to_rating(row, row.text("question_type"), "vote", "file", options)


def _read_clips(sheet: Sheet, options: RatingOptions) -> Iterator[Rating]:
    (question, *_) = (name for name in sheet.header if name in ATTRIBUTES)
    votes = [name for name in sheet.header if name.startswith("vote_")]
    for row in sheet.rows:
        for vote in votes:
            if not math.isnan(row.number(vote)):
                yield _to_rating(row, question, vote, "file_url", options)


def _to_rating(row: Row, question: str, vote: str, file: str, options: RatingOptions) -> Rating:
    return Rating(
        test=_find_test(row.path),
        attribute=_find_attribute(question),
        item=row.text("short_file_name") or row.text(file).rpartition("/")[2],
        system=_find_condition(row),
        listener=row.text("workerid"),
        score=row.number(vote),
        scale=options.scale or _find_scale(question),
        stimulus=row.text(file),
        place=row.place(vote),
    )


def _read_means(sheet: Sheet, options: RatingOptions) -> Iterator[MeanRating]:
    for question in (name for name in sheet.header if name in ATTRIBUTES):
        suffix = question.partition("_")[2].lower()
        deviation = f"std_{suffix}" if suffix else "std"
        for row in sheet.rows:
            yield MeanRating(
                test=_find_test(row.path),
                attribute=_find_attribute(question),
                item=row.text("short_file_name") or row.text("file_url").rpartition("/")[2],
                system=_find_condition(row),
                mean=row.number(question),
                deviation=row.number(deviation),
                listeners=row.count("n"),
                scale=options.scale or _find_scale(question),
                stimulus=row.text("file_url"),
                place=row.place(question),
            )


def _find_test(path: Path) -> str:
    return re.sub(r"_(all_)?votes_per_.*", "", path.stem)


def _find_attribute(question: str) -> str:
    return ATTRIBUTES.get(question, question.lower())


def _find_scale(question: str) -> Scale:
    return _COMPARISON if question == "CMOS" else ACR


def _find_condition(row: Row) -> str:
    parts = [row.text(name) for name in row.cells if name and not _FIXED.fullmatch(name)]
    return "/".join(part for part in parts if part and part != "NoCondition")
