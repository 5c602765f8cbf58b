"""What a panel's ratings of one question tell: who counts, what they think, how sure that is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from scipy import stats

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import MeanRating, Rating, RatingTable
from auricle.core.spec import PERCENT, Scale
from auricle.stats.intervals import Estimate
from auricle.stats.mixed_effects import (
    Contrast,
    MixedEffects,
    SystemMean,
    average_systems,
    compare_systems,
    fit_mixed_effects,
)
from auricle.stats.multiplicity import Correction
from auricle.stats.opinion import (
    DeviationFit,
    Opinion,
    sos_parameter,
    stimulus_opinions,
    system_opinions,
)
from auricle.stats.panel import mean_scores
from auricle.stats.planning import (
    Precision,
    achieved_precision,
    items_for_width,
    listeners_for_width,
)
from auricle.stats.reliability import NoiseCeiling, noise_ceiling
from auricle.stats.screening import Screening
from auricle.stats.screening_checks import Trap, leave_out_traps
from auricle.stats.screening_plan import screen_ratings

Found = TypeVar("Found")

CONFIDENCE = 0.95
"""Of all intervals, and one minus the level of all tests."""

# Ends of intervals then move by about a twentieth of their width from seed to seed.
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class PanelOptions:
    """What to do with ratings.

    `screenings` are names of `auricle.stats.screening_plan.METHODS`, none for no screening; None
    stands for BS.1534 where there are hidden references on a scale of 0 to 100. `traps` screen,
    too, unless there is to be none, and are left out of everything else. Systems are compared
    `against` one, or every one with every other. `interval` is the half-width wanted of a system's
    mean, on the ratings' scale.

    Raises `ConfigError` for one that is not positive.
    """

    screenings: tuple[str, ...] | None = None
    traps: tuple[Trap, ...] = ()
    against: str | None = None
    correction: Correction = "holm"
    interactions: bool = True
    interval: float | None = None

    def __post_init__(self) -> None:
        wanted = self.interval
        if wanted is not None and not (math.isfinite(wanted) and wanted > 0.0):
            raise ConfigError(f"an interval reaches by more than 0 to each side, not by {wanted:g}")


@dataclass(frozen=True, slots=True)
class Plan:
    """How many listeners (with as many items) or items (with as many listeners) an interval needs.

    `listeners` takes the items as given, the others let them stand for more; None: no number does.
    """

    wanted: float
    listeners: int | None
    listeners_other_items: int | None
    items: int | None


@dataclass(frozen=True, slots=True)
class PanelResult:
    """Everything about one question of one test; None and empty where it cannot be computed.

    `ratings` are those kept by the `screening`, `means` what is known without single listeners.
    `notes` tell why something is missing.
    """

    test: str
    attribute: str
    scale: Scale
    ratings: tuple[Rating, ...]
    means: tuple[MeanRating, ...]
    screening: Screening | None
    systems: tuple[Opinion, ...]
    stimuli: tuple[Opinion, ...]
    deviation: DeviationFit | None
    ceiling: NoiseCeiling | None
    model: MixedEffects | None
    averages: tuple[SystemMean, ...]
    contrasts: tuple[Contrast, ...]
    against: str | None
    precision: Precision | None
    plan: Plan | None
    notes: tuple[str, ...]


def judge_panel(table: RatingTable, options: PanelOptions | None = None) -> PanelResult:
    """Return what the ratings of one question (`RatingTable.select`) tell.

    Raises `DataError` for none, several questions or scales, and a screening that was asked for but
    has nothing to go by; `ConfigError` for unknown screenings or a system to compare with that is
    not there.
    """
    chosen = options or PanelOptions()
    if len(table.questions) != 1:
        raise DataError(f"judge one question at a time: there are {len(table.questions)}")
    [(test, attribute)] = table.questions
    notes: list[str] = []
    named, anonymous = _number_anonymous(table.ratings, notes)
    try:
        screening = None if anonymous else _screen(named, chosen)
    except DataError as error:
        raise DataError(f"{test} / {attribute} cannot be screened: {error}") from error
    named, means = _leave_out(named, table.means, chosen.traps, notes)
    kept = screening.keep(named) if screening else named
    if means and not named:
        notes.append(
            "only means are known, not who gave which score: no screening, no medians and boxes,"
            " no agreement, no mixed-effects model, no planning"
        )
    elif not kept:
        notes.append("screening leaves nobody: nothing can be computed")
    _require_system(kept, means, chosen.against)
    counted: list[Rating | MeanRating] = [*kept, *means]
    unnamed = not any(one.system for one in counted)
    if unnamed and counted:
        notes.append(
            "no column says which system a rating is of (name it by system=COLUMN), so there is"
            " nothing to compare: no mixed-effects model, no planning"
        )
    fits = _Fits.compute(kept, anonymous or unnamed, chosen, notes)
    first: Rating | MeanRating = named[0] if named else means[0]
    return PanelResult(
        test,
        attribute,
        first.scale,
        kept,
        means,
        screening,
        system_opinions(kept, confidence=CONFIDENCE, resamples=_RESAMPLES) if kept else (),
        stimulus_opinions(kept, confidence=CONFIDENCE, resamples=_RESAMPLES) if kept else (),
        fits.deviation,
        fits.ceiling,
        fits.model,
        average_systems(fits.model, confidence=CONFIDENCE) if fits.model else (),
        fits.contrasts,
        chosen.against,
        fits.precision,
        _plan(fits.precision, chosen.interval),
        tuple(notes),
    )


def estimate_means(means: Sequence[MeanRating]) -> Estimate | None:
    """Return the mean of a system's means; None where not all of them tell enough.

    Its interval reaches as far as theirs do on average. That is as far as it can: nothing tells
    whether the same listeners rated all stimuli, and so how much their errors cancel.

    >>> one = MeanRating("t", "q", "song", "opus", 50.0, 10.0, 25)
    >>> print(estimate_means([one, replace(one, mean=60.0)]))
    55.000 [50.872, 59.128]
    """
    found = [estimate for one in means if (estimate := estimate_mean(one))]
    if not found or len(found) < len(means):
        return None
    low, value, high = (
        math.fsum(ends) / len(found)
        for ends in zip(*((one.low, one.value, one.high) for one in found), strict=True)
    )
    return Estimate(value, low, high, CONFIDENCE)


def estimate_mean(one: MeanRating) -> Estimate | None:
    """Return a mean that others took with its t interval; None where they do not tell enough.

    >>> print(estimate_mean(MeanRating("t", "q", "song", "opus", 50.0, 10.0, 25)))
    50.000 [45.872, 54.128]
    """
    if one.listeners < 2 or not math.isfinite(one.deviation):
        return None
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2.0, one.listeners - 1))
    reach *= one.deviation / math.sqrt(one.listeners)
    return Estimate(one.mean, one.mean - reach, one.mean + reach, CONFIDENCE)


@dataclass(frozen=True, slots=True)
class _Fits:
    """What can fail on its own, each with a note that says why."""

    deviation: DeviationFit | None = None
    ceiling: NoiseCeiling | None = None
    model: MixedEffects | None = None
    contrasts: tuple[Contrast, ...] = ()
    precision: Precision | None = None

    @classmethod
    def compute(
        cls,
        ratings: tuple[Rating, ...],
        stop: bool,
        options: PanelOptions,
        notes: list[str],
    ) -> _Fits:
        """Compute what there is; `stop` where listeners or systems have no names."""
        if not ratings:
            return cls()

        def attempt(what: str, compute: Callable[[], Found]) -> Found | None:
            try:
                return compute()
            except DataError as error:
                notes.append(f"no {what}: {error}")
                return None

        scores = _group_scores(ratings)
        deviation = attempt("SOS parameter", lambda: sos_parameter(ratings, resamples=_RESAMPLES))
        ceiling = None
        if scores:
            ceiling = attempt(
                "noise ceiling",
                lambda: noise_ceiling(
                    [list(one.values()) for one in scores],
                    listeners=[list(one) for one in scores],
                    resamples=_RESAMPLES,
                ),
            )
        else:
            notes.append("no noise ceiling: no stimulus has two listeners")
        if stop:
            return cls(deviation, ceiling)
        model = attempt("mixed-effects model", lambda: _fit_model(ratings, options))
        contrasts = (
            compare_systems(
                model,
                against=options.against,
                correction=options.correction,
                confidence=CONFIDENCE,
            )
            if model
            else ()
        )
        precision = attempt("planning", lambda: achieved_precision(ratings, confidence=CONFIDENCE))
        return cls(deviation, ceiling, model, contrasts, precision)


def _number_anonymous(
    ratings: tuple[Rating, ...], notes: list[str]
) -> tuple[tuple[Rating, ...], bool]:
    """Return ratings that all name a listener, and whether that had to be made up."""
    if all(one.listener for one in ratings):
        return ratings, False
    notes.append(
        "ratings name no listeners, so each counts as one of its own, which makes intervals of"
        " systems too narrow: no screening, no mixed-effects model, no planning"
    )
    numbered = (
        one if one.listener else replace(one, listener=f"rating {place}")
        for place, one in enumerate(ratings, 1)
    )
    return tuple(numbered), True


def _screen(ratings: tuple[Rating, ...], options: PanelOptions) -> Screening | None:
    wanted = options.screenings
    if wanted == () or not ratings:
        return None
    traps = _pick_traps(ratings, options.traps)
    if wanted is None:
        hidden = any(one.role == "reference" and one.scale == PERCENT for one in ratings)
        wanted = ("bs1534",) if hidden else ()
    return screen_ratings(ratings, wanted, traps) if wanted or traps else None


def _pick_traps(given: Iterable[Rating | MeanRating], traps: Sequence[Trap]) -> tuple[Trap, ...]:
    """Return the traps that these are ratings of: not every test has all."""
    stimuli = {(one.item, one.system, one.stimulus): one for one in given}.values()
    return tuple(trap for trap in traps if any(trap.covers(one) for one in stimuli))


def _leave_out(
    ratings: tuple[Rating, ...],
    means: tuple[MeanRating, ...],
    traps: Sequence[Trap],
    notes: list[str],
) -> tuple[tuple[Rating, ...], tuple[MeanRating, ...]]:
    """Return what is not of traps, which are there to screen listeners only."""
    rest = leave_out_traps(ratings, traps), leave_out_traps(means, traps)
    if not any(rest):
        raise DataError("all ratings are of traps: name single items, systems or files")
    count = len(ratings) + len(means) - sum(map(len, rest))
    if count:
        notes.append(
            f"{count} rating{'s are' if count > 1 else ' is'} of traps, and left out of all but"
            " screening"
        )
    return rest


def _require_system(
    ratings: Sequence[Rating], means: Sequence[MeanRating], system: str | None
) -> None:
    every: Iterable[Rating | MeanRating] = (*ratings, *means)
    there = dict.fromkeys(one.system for one in every)
    if system is not None and system not in there:
        names = ", ".join(filter(None, there)) or "none"
        raise ConfigError(f"no system {system!r} to compare with: there are {names}")


def _group_scores(ratings: Sequence[Rating]) -> list[dict[str, float]]:
    """Return each stimulus' scores by listener; no hidden references, nor what one person rated.

    References are recognised, not judged: with them listeners would seem to agree more.
    """
    by_listener: dict[str, list[Rating]] = {}
    for one in ratings:
        if one.role != "reference":
            by_listener.setdefault(one.listener, []).append(one)
    stimuli: dict[tuple[str, str], dict[str, float]] = {}
    for listener, given in by_listener.items():
        for stimulus, score in mean_scores(given).items():
            stimuli.setdefault(stimulus, {})[listener] = score
    return [scores for scores in stimuli.values() if len(scores) > 1]


def _fit_model(ratings: Sequence[Rating], options: PanelOptions) -> MixedEffects:
    """Fit the model to what was under test, the best system first.

    Hidden references and anchors are left out, but for one that is compared with: their scores
    crowd at an end of the scale, and would make those of all others seem less variable.
    """
    tested = [one for one in ratings if not one.role or one.system == options.against]
    sums: dict[str, list[float]] = {}
    for one in tested:
        sums.setdefault(one.system, []).append(one.score)
    tested.sort(key=lambda one: (-sum(sums[one.system]) / len(sums[one.system]), one.system))
    if not tested:
        raise DataError("all systems are hidden references and anchors")
    return fit_mixed_effects(
        [one.score for one in tested],
        [one.system for one in tested],
        [one.listener for one in tested],
        [one.item for one in tested],
        interactions=options.interactions,
    )


def _plan(precision: Precision | None, wanted: float | None) -> Plan | None:
    if precision is None or wanted is None:
        return None
    spread, listeners, items = precision.spread, precision.listeners, precision.items

    def number(search: Callable[[], int]) -> int | None:
        try:
            return search()
        except ConfigError:
            return None

    return Plan(
        wanted,
        number(lambda: listeners_for_width(wanted, spread, items, confidence=CONFIDENCE)),
        number(
            lambda: listeners_for_width(
                wanted, spread, items, vary_items=True, confidence=CONFIDENCE
            )
        ),
        number(lambda: items_for_width(wanted, spread, listeners, confidence=CONFIDENCE)),
    )
