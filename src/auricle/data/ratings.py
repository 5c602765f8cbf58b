"""The one reader of ratings: whatever layout they are kept in, they become a `RatingTable`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import MeanRating, Rating, RatingLayout, RatingTable
from auricle.data.rating_columns import RatingOptions
from auricle.data.rating_corpora import (
    find_aes,
    find_nisqa,
    find_voicemos,
    read_aes,
    read_nisqa,
    read_voicemos,
)
from auricle.data.rating_odaq import find_odaq, read_odaq
from auricle.data.rating_p808 import find_p808, read_p808
from auricle.data.rating_sebass import find_sebass, read_sebass
from auricle.data.rating_tables import find_plain, find_tables, read_plain, read_tables
from auricle.data.rating_webmushra import find_webmushra, read_webmushra
from auricle.data.set_description import Description, describe, read_description


@dataclass(frozen=True, slots=True)
class _Layout:
    """What a layout looks like, in words; `find` is empty where ratings are laid out otherwise."""

    expected: str
    find: Callable[[Path], list[Path]]
    read: Callable[[list[Path], RatingOptions], RatingTable]


def read_ratings(
    path: Path,
    layout: RatingLayout | None = None,
    options: RatingOptions | None = None,
    description: Description | None = None,
) -> RatingTable:
    """Read the ratings of a folder or file; without a `layout` by the first that fits.

    docs/ratings-in.md describes the layouts. Single votes are read wherever the files have them,
    means where there is nothing more. What one listener was asked more than once about the same
    sound is numbered in `Rating.trial`. `options` say what tables do not (`RatingOptions`), the
    `description` what a folder of sets does not; without one, listening_tests.yaml beside the
    ratings is read if it is there.

    Raises `DataError` when no layout fits (listing what was expected), a table is broken, or a
    score lies off its scale, naming file, line and column; `ConfigError` when a system that the
    options give a role is not there.

    >>> read_ratings(Path("examples"))
    Traceback (most recent call last):
    auricle.core.errors.DataError: examples holds no ratings: expected ratings_long.csv or ...
    """
    name, found = find_ratings(path, (layout,) if layout else tuple(RATING_LAYOUTS))
    chosen = options or RatingOptions()
    table = RATING_LAYOUTS[name].read(found, chosen)
    if not table.questions:
        raise DataError("; ".join((f"{found[0]}: it holds no ratings", *table.notes)))
    if description is None:
        description = read_description(path)
    _require_systems(table, chosen)
    table = describe(table, description)
    _require_possible(table)
    return _number_replicates(table)


def find_ratings(path: Path, layouts: Collection[RatingLayout]) -> tuple[RatingLayout, list[Path]]:
    """Return the first of the layouts that fits, and the files it is read from.

    Raises `DataError` listing what was expected when none fits.
    """
    if not path.exists():
        raise DataError(f"there is no folder or file {path}")
    for name in layouts:
        if found := RATING_LAYOUTS[name].find(path):
            return name, found
    expected = "; or ".join(RATING_LAYOUTS[name].expected for name in layouts)
    raise DataError(f"{path} holds no ratings: expected {expected}")


def _require_systems(table: RatingTable, options: RatingOptions) -> None:
    """Refuse a role for a system that nobody rated: a misspelt reference would screen nobody."""
    every: list[Rating | MeanRating] = [*table.ratings, *table.means]
    there = [name for name in dict.fromkeys(one.system for one in every) if name]
    for role in ("reference", "low_anchor", "mid_anchor"):
        name = getattr(options, role)
        if name and name not in there:
            raise ConfigError(
                f"{role.replace('_', ' ')}: no system is called {name!r}: there"
                f" {'is' if len(there) == 1 else 'are'} {', '.join(there) or 'none'}"
            )


def _require_possible(table: RatingTable) -> None:
    every: list[tuple[float, Rating | MeanRating]] = [(one.score, one) for one in table.ratings]
    every += [(one.mean, one) for one in table.means]
    for mean in table.means:
        if mean.deviation < 0.0 or mean.listeners < 0:
            raise DataError(
                f"{mean.place}: a standard deviation of {mean.deviation:g} or {mean.listeners}"
                " listeners cannot be: correct the row"
            )
    for score, one in every:
        if not one.scale.low <= score <= one.scale.high:
            raise DataError(
                f"{one.place}: {score:g} lies off the scale {one.scale.low:g}-{one.scale.high:g} of"
                f" {one.test}/{one.attribute}: correct it, or give the scale that was used"
            )


def _number_replicates(table: RatingTable) -> RatingTable:
    """Number what one listener was asked more than once, where the files do not; none is lost."""
    ratings, repeated = table.ratings, Counter[str]()

    def key(one: Rating) -> tuple[str, ...]:
        return (
            one.test, one.attribute, one.item, one.system, one.stimulus, one.listener, one.trial
        )  # fmt: skip

    times = Counter(key(one) for one in ratings if one.listener)
    seen = Counter[tuple[str, ...]]()
    numbered = []
    for one in ratings:
        if times[key(one)] > 1:
            seen[key(one)] += 1
            repeated[f"{one.test}/{one.attribute}"] += seen[key(one)] > 1
            number = str(seen[key(one)])
            one = replace(one, trial=f"{one.trial}.{number}" if one.trial else number)  # noqa: PLW2901
        numbered.append(one)
    notes = (
        f"{test}: kept as replicates, as the same listener had rated the same before: {count}"
        for test, count in repeated.items()
    )
    return replace(table, ratings=tuple(numbered), notes=(*table.notes, *notes))


RATING_LAYOUTS: Mapping[RatingLayout, _Layout] = {
    "tables": _Layout(
        "ratings_long.csv or ratings_mean.csv (and p835_means.csv)", find_tables, read_tables,
    ),
    "odaq": _Layout(
        "ODAQ_results.csv, or an XML file per listener of a MUSHRA test", find_odaq, read_odaq,
    ),
    "sebass": _Layout("TEST_anonymized.csv of SEBASS-DB", find_sebass, read_sebass),
    "webmushra": _Layout(
        "mushra.csv of webMUSHRA, or a table that pymushra exports",
        find_webmushra, read_webmushra,
    ),
    "p808": _Layout(
        "BATCH_all_votes_per_clip.csv or BATCH_votes_per_clip.csv of the P.808 Toolkit",
        find_p808, read_p808,
    ),
    "nisqa": _Layout(
        "NISQA_corpus_file.csv or NISQA_TRAIN_SIM/NISQA_TRAIN_SIM_file.csv",
        find_nisqa, read_nisqa,
    ),
    "voicemos": _Layout(
        "TRAINSET, DEVSET, TESTSET or train_mos_list.txt in DATA/sets of VoiceMOS",
        find_voicemos, read_voicemos,
    ),
    "aes": _Layout(
        "AES_natural_speech.jsonl, AES_PAM.jsonl or audiomos2025_track2_human_annotations.jsonl",
        find_aes, read_aes,
    ),
    "csv": _Layout(
        "ratings.csv, or any table with a row per vote or a column per listener",
        find_plain, read_plain,
    ),
}  # fmt: skip
