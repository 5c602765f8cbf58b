"""What the columns of a table of one's own are called, and what its systems and scales are."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, get_args

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import Role
from auricle.core.spec import PERCENT, Scale

Field = Literal[
    "test", "attribute", "listener", "item", "system", "score", "scale", "trial", "file",
    "reference", "role", "sample_rate", "deviation", "count",
]  # fmt: skip
FIELDS: Final[tuple[Field, ...]] = get_args(Field)

ACR: Final = Scale(1.0, 5.0)
UNKNOWN: Final = Scale(-math.inf, math.inf)
"""Stands for the scale of scores that a table says nothing of, until all are read."""

# The first that a table has. What may also be something else comes last; "trial" and "stimulus"
# are for the first of their two fields that has no better column.
_NAMES: Final[Mapping[Field, str]] = {
    "test": "test dataset set experiment test_id",
    "attribute": "attribute question dimension axis",
    "listener": "listener subject rater participant worker assessor listener_id subject_id rater_id"
    " participant_id worker_id workerid",
    "item": "item clip sample utterance sentence excerpt song trial_id trial",
    "system": "system condition codec process processing algorithm model method stimulus",
    "score": "score rating vote grade opinion mos mean mean_score average",
    "scale": "scale",
    "trial": "trial replicate repetition repeat session",
    "file": "file degraded filename file_name stimulus path",
    "reference": "ref reference reference_file",
    "role": "role",
    "sample_rate": "sample_rate",
    "deviation": "std sd stdev deviation",
    "count": "count n",
}
_MEANS: Final = ("mos", "mean", "mean_score", "average")
# Without spaces, dots, dashes and underscores.
_ROLES: Final[Mapping[Role, tuple[str, ...]]] = {
    "reference": ("reference", "ref", "hiddenref", "hiddenreference"),
    "low_anchor": ("anchor35", "anchor35k", "anchor35khz", "lp35", "lp35k", "lp35khz", "lp3500",
                   "35khz", "lowanchor", "anchorlow"),
    "mid_anchor": ("anchor70", "anchor7k", "anchor7khz", "lp70", "lp7k", "lp7khz", "lp7000",
                   "7khz", "midanchor", "anchormid"),
}  # fmt: skip
_SCALE: Final = re.compile(r"(-?\d+(?:\.\d+)?)\s*(?:-|\.\.|to)\s*(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class RatingOptions:
    """What a table of ratings does not say itself.

    `scale` is that of all its scores, whatever the table says. `columns` names columns of tables of
    one's own by what they hold (`FIELDS`), such as {"score": "points"}; `ignored` are columns of
    wide tables that are no listener and no stimulus. `reference`, `low_anchor` and `mid_anchor` are
    the systems that are the hidden reference and the anchors; of a role that is not given, the
    usual names have it.

    >>> RatingOptions(reference="original").role("original"), RatingOptions().role("Anchor 35")
    ('reference', 'low_anchor')
    """

    scale: Scale | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    ignored: Sequence[str] = ()
    reference: str = ""
    low_anchor: str = ""
    mid_anchor: str = ""

    def role(self, system: str, told: str | None = None) -> Role:
        """Return a system's role: as given here, else as `told`, else where its name is usual.

        Raises `DataError` for what is told and no role; "" tells that there is none.
        """
        given: dict[Role, str] = {
            "reference": self.reference,
            "low_anchor": self.low_anchor,
            "mid_anchor": self.mid_anchor,
        }
        for role, name in given.items():
            if name and system == name:
                return role
        if told is not None:
            return _as_role(told)
        plain = re.sub(r"[\s._-]", "", system.lower())
        for role, names in _ROLES.items():
            if plain in names and not given[role]:
                return role
        return ""


def _as_role(text: str) -> Role:
    plain = re.sub(r"[\s-]+", "_", text.lower())
    roles: tuple[Role, ...] = get_args(Role)
    for role in roles:
        if plain == role:
            return role
    names = ", ".join(filter(None, roles))
    raise DataError(
        f"{text!r} is no role ({names}, or nothing); where the column holds something else, name it"
        " among the ignored ones"
    )


def find_columns(header: Sequence[str], options: RatingOptions, place: str) -> dict[Field, str]:
    """Find which column holds what, by the options and then by the usual names.

    Raises `ConfigError` for an option that names no field, `DataError` for a column that there is
    not, and for two that differ in nothing but case and punctuation.

    >>> find_columns(["Subject", "Codec", "MOS"], RatingOptions(), "ratings.csv")
    {'listener': 'Subject', 'system': 'Codec', 'score': 'MOS'}
    """
    if unknown := [name for name in options.columns if name not in FIELDS]:
        raise ConfigError(f"columns: {unknown[0]!r} is none of {', '.join(FIELDS)}")
    found: dict[Field, str] = {}
    named = [name for name in header if name and name not in options.ignored]
    for one in FIELDS:
        if one in options.columns:
            found[one] = options.columns[one]
            if found[one] not in header:
                raise DataError(
                    f"{place}: there is no column {found[one]!r} for {one}: there is"
                    f" {', '.join(header)}"
                )
    free: dict[str, str] = {}
    usual = {name for names in _NAMES.values() for name in names.split()}
    for column in (name for name in named if name not in found.values()):
        other = free.setdefault(_plain(column), column)
        if other != column and _plain(column) in usual:
            raise DataError(
                f"{place}: {other!r} and {column!r} may both be meant: name the right one by an"
                " option for columns, or rename the other"
            )
    for one in FIELDS:
        name = next((name for name in _NAMES[one].split() if name in free), None)
        if one not in found and name is not None:
            found[one] = free.pop(name)
    if not {"score", "file"} & set(found) and "reference" not in options.columns:
        found.pop("reference", None)  # a stimulus of that name, in a wide table
    return {one: found[one] for one in FIELDS if one in found}


def holds_means(columns: Mapping[Field, str]) -> bool:
    """Tell whether the scores of a table with these columns are means over listeners."""
    if "listener" in columns:
        return False
    named = _plain(columns["score"]) in _MEANS
    return named or "count" in columns or "deviation" in columns


@lru_cache(maxsize=64)
def to_scale(text: str) -> Scale | None:
    """Read a scale such as "0-100", "1..5" or "-3 to 3"; None where it is none.

    >>> to_scale("1-5"), to_scale("ABX correct 0/1")
    (Scale(low=1.0, high=5.0, higher_is_better=True), None)
    """
    found = _SCALE.fullmatch(text.strip())
    if found is None or float(found[1]) >= float(found[2]):
        return None
    return Scale(float(found[1]), float(found[2]))


def guess_scale(scores: Iterable[float]) -> Scale | None:
    """Return the scale that scores of one question are on; None where there is more than one.

    It is 1 to 5 where all lie within it, and 0 to 100 where all lie within and one is above 10.

    >>> guess_scale([1.0, 4.0]), guess_scale([3.0, 7.0])
    (Scale(low=1.0, high=5.0, higher_is_better=True), None)
    """
    low, high = math.inf, -math.inf
    for score in scores:
        low, high = min(low, score), max(high, score)
    if ACR.low <= low and high <= ACR.high:
        return ACR
    return PERCENT if low >= 0.0 and 10.0 < high <= 100.0 else None


def _plain(name: str) -> str:
    return re.sub(r"[\s.-]+", "_", name.strip().lower())
