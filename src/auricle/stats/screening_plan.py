"""Several screenings of one panel, chosen by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from auricle.core.errors import ConfigError
from auricle.core.ratings import Rating
from auricle.stats.screening import Method, Screening, combine_screenings
from auricle.stats.screening_abnormal import screen_abnormal
from auricle.stats.screening_agreement import screen_bt500, screen_correlation
from auricle.stats.screening_checks import (
    Trap,
    leave_out_traps,
    screen_constant,
    screen_incomplete,
    screen_straight_lines,
    screen_traps,
)
from auricle.stats.screening_crowd import screen_p808
from auricle.stats.screening_expertise import screen_bs1116
from auricle.stats.screening_mushra import screen_bs1534
from auricle.stats.screening_replicates import screen_replicates

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "bs1534": screen_bs1534,
        "bs1116": screen_bs1116,
        "p808": screen_p808,
        "bt500": screen_bt500,
        "correlation": screen_correlation,
        "constant": screen_constant,
        "incomplete": screen_incomplete,
        "straight-lines": screen_straight_lines,
        "replicates": screen_replicates,
        "abnormal": screen_abnormal,
    }
)
_TRAPS = "traps"


def screen_ratings(
    ratings: Sequence[Rating], methods: Sequence[str], traps: Sequence[Trap] = ()
) -> Screening:
    """Return the union of what the named methods say, each with its default limits.

    Every method judges the whole panel, none only what another left: so the order of the names is
    that of the reasons, and changes nobody's fate. Where `traps` are given they screen, too, named
    ("traps") or not, and no other method sees them. For other limits call the methods and
    `combine_screenings`.

    Raises `ConfigError` for no name or one not in `METHODS`, for "traps" where none are given, and
    `DataError` where a method has nothing to go by (BS.1534 without a hidden reference).

    >>> ratings = [Rating("t", "q", item, "opus", "L1", 50.0) for item in "abc"]
    >>> print(screen_ratings(ratings, ["constant", "incomplete"]))
    constant, incomplete: 0 of 1 listeners stay
    - L1 hardly varied: 3 scores from 50 to 50, standard deviation 0 % of the scale (more than 0)
    """
    names = dict.fromkeys((*methods, *[_TRAPS] * bool(traps)))
    unknown = [name for name in names if name not in METHODS and name != _TRAPS]
    if unknown or not names:
        raise ConfigError(
            f"no such screening: {', '.join(unknown) or 'none is named'}. "
            f"Choose from {', '.join((*METHODS, _TRAPS))}"
        )
    if _TRAPS in names and not traps:
        raise ConfigError("screening by traps needs traps: say which stimuli have known answers")
    rest = leave_out_traps(ratings, traps)
    return combine_screenings(
        [screen_traps(ratings, traps) if name == _TRAPS else METHODS[name](rest) for name in names]
    )
