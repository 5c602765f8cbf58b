"""What listeners said: one judgement by one listener, or a mean that others took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from auricle.core.spec import PERCENT, Scale

Role = Literal["", "reference", "low_anchor", "mid_anchor"]
RatingLayout = Literal[
    "tables", "odaq", "sebass", "webmushra", "p808", "nisqa", "voicemos", "aes", "csv"
]
"""How ratings lie on disk: `auricle.data.ratings` reads them."""
ListeningLayout = Literal["tables", "odaq", "sebass", "webmushra", "csv"]
"""Those that name the audio, too: `auricle.data.listening_layouts`."""


@dataclass(frozen=True, slots=True)
class Rating:
    """One listener's one judgement.

    `test` and `attribute` say which listening test and which question, `item` what was played (a
    song, a sentence), `system` what was done to it, `score` the answer on `scale`. `role` is
    "reference" where the reference itself was rated unannounced, "low_anchor" and "mid_anchor" for
    the anchors (in MUSHRA the low-pass filters at 3.5 and 7 kHz). `trial` tells apart what one
    listener heard more than once: replicates differ in nothing else. `stimulus` and `reference`
    are the files, "" where a table names none; `place` is where it was read, for messages. At
    `sample_rate` (Hz) listeners heard all files of the test; None: each at its own.

    `listener` is "" where it is not known who it was: every such vote counts as one of its own, and
    two of them are not known to be of one listener, also not where their order is the same.

    >>> Rating("demo", "quality", "song", "opus-32k", "L1", 61.0).scale.high
    100.0
    """

    test: str
    attribute: str
    item: str
    system: str
    listener: str
    score: float
    scale: Scale = PERCENT
    role: Role = ""
    trial: str = ""
    stimulus: str = ""
    reference: str = ""
    place: str = ""
    sample_rate: int | None = None


@dataclass(frozen=True, slots=True)
class MeanRating:
    """A mean over listeners of whom a table tells no more.

    Fields are those of `Rating`; `mean` is on `scale`, `deviation` the standard deviation of single
    scores (NaN where it is not told) and `listeners` their number (0 where it is not told).
    """

    test: str
    attribute: str
    item: str
    system: str
    mean: float
    deviation: float = float("nan")
    listeners: int = 0
    scale: Scale = PERCENT
    role: Role = ""
    stimulus: str = ""
    reference: str = ""
    place: str = ""
    sample_rate: int | None = None


@dataclass(frozen=True, slots=True)
class RatingTable:
    """Single ratings, means of which there is nothing more, and in words what was left out."""

    ratings: tuple[Rating, ...] = ()
    means: tuple[MeanRating, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def questions(self) -> tuple[tuple[str, str], ...]:
        """The tests with their attributes, in order of appearance."""
        every: Iterable[Rating | MeanRating] = (*self.ratings, *self.means)
        return tuple(dict.fromkeys((one.test, one.attribute) for one in every))

    def select(self, test: str, attribute: str) -> RatingTable:
        """Return what was answered to one question of one test."""
        wanted = test, attribute
        return RatingTable(
            tuple(one for one in self.ratings if (one.test, one.attribute) == wanted),
            tuple(one for one in self.means if (one.test, one.attribute) == wanted),
            self.notes,
        )
