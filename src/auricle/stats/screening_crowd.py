"""The checks of crowdsourced tests, as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from auricle.core.ratings import Rating
from auricle.stats.screening import Screening, combine_screenings
from auricle.stats.screening_agreement import screen_correlation
from auricle.stats.screening_checks import screen_constant, screen_incomplete


def screen_p808(
    ratings: Sequence[Rating],
    *,
    least_deviation: float = 7.9,
    least: float = 50.0,
    least_correlation: float = 0.5,
) -> Screening:
    """Screen a panel by what a table of votes tells of ITU-T P.808's checks.

    A listener goes who hardly varies (`screen_constant`: a standard deviation of `least_deviation`
    percent of the scale or less), who gave too few ratings (`screen_incomplete`), or who does not
    agree with the others (`screen_correlation`). Known answers are for `screen_traps`.

    P.808 names the checks and leaves limits to who runs a test. The public P.808 Toolkit wants a
    variance of at least 0.1 of votes on 1 to 5 in each session, which is a deviation of 7.9 %, and
    a correlation of at least 0.5 in its template for P.804; its template for ACR has none. Here
    listeners are judged over all of their votes, and correlated with the others only. The limits
    are for votes of five grades: on a slider of 0 to 100 honest listeners may vary less. Equal
    scores on a page are not judged: a page of P.808 has one clip.

    Raises what `group_listeners` raises, and `ConfigError` for a correlation outside -1..1. Source:
    ITU-T P.808 (06/2021), data screening; B. Naderi and R. Cutler, "An open source implementation
    of ITU-T Recommendation P.808 with validation", 2020, and the templates of its program.

    >>> from auricle.core.spec import Scale
    >>> votes = {"L1": [1, 2, 4, 5], "L2": [2, 2, 4, 5], "L3": [3, 3, 3, 3], "L4": [4, 5, 2, 1]}
    >>> ratings = [Rating("t", "q", item, "opus", name, score, Scale(1.0, 5.0))
    ...     for name, given in votes.items() for item, score in zip("abcd", given, strict=True)]
    >>> print(screen_p808(ratings))
    p808: 2 of 4 listeners stay
    - L3 hardly varied: 4 scores from 3 to 3, standard deviation 0 % of the scale (more than 7.9)
    - L4 correlates -0.939 with the mean of the others over 4 stimuli (at least 0.5, number 1 to go)
    """
    found = combine_screenings(
        [
            screen_constant(ratings, least_deviation=least_deviation),
            screen_incomplete(ratings, least=least),
            screen_correlation(ratings, least=least_correlation),
        ]
    )
    return replace(found, methods=("p808",))
