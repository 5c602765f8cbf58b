"""A description of rated sets: what their tables do not say, in a small YAML file.

```yaml
sets:
  my_codecs:
    title: Codecs on music
    domain: music
    method: mushra
    overall: [quality]
    questions:
      quality: {reference: original, low_anchor: lp35, mid_anchor: lp70}
    licence: CC-BY-4.0
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auricle.core.errors import DataError
from auricle.core.ratings import MeanRating, Rating, RatingTable, Role
from auricle.core.spec import Domain

FILE: Final = "listening_tests.yaml"
"""Where a folder of rated sets is described, if it is."""

OVERALL: Final = ("quality", "overall", "similarity_to_target")
"""Questions about the sound as a whole, where a set does not say which are."""

Method = Literal["mushra", "acr", "dcr", "ccr", "p835", "bs1116", "similarity", "other"]

_One = TypeVar("_One", Rating, MeanRating)


class QuestionRoles(BaseModel):
    """Names of the systems that are the hidden reference and the anchors of one question.

    Where one is told, no other system is guessed to be it by its name; "" leaves the usual names
    (docs/ratings-in.md). A file that is its own reference stays a hidden reference.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: str = ""
    low_anchor: str = ""
    mid_anchor: str = ""


class SetDescription(BaseModel):
    """Facts about one rated set.

    `sample_rate` (Hz) is what listeners heard, to be given where single files are stored at another
    rate: metrics then hear all files at it. `overall` are the attributes that ask about the sound
    as a whole (empty: those of `OVERALL`), `left_out` those that are not read, and `questions` tell
    by attribute which systems are the hidden reference and the anchors.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    domain: Domain = "any"
    method: Method = "other"
    sample_rate: int | None = Field(default=None, gt=0)
    overall: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    questions: Mapping[str, QuestionRoles] = Field(default_factory=dict)
    licence: str = ""
    citation: str = ""

    def asks_overall(self, attribute: str) -> bool:
        """Tell whether a question is about the sound as a whole.

        >>> SetDescription().asks_overall("quality"), SetDescription().asks_overall("interferer")
        (True, False)
        """
        return attribute in (self.overall or OVERALL)


class Description(BaseModel):
    """Descriptions of sets by their names; the default describes none.

    >>> Description().find("unknown").domain
    'any'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sets: Mapping[str, SetDescription] = Field(default_factory=dict)

    def find(self, test: str) -> SetDescription:
        """Return what is said of a set; nothing of one that is not described."""
        return self.sets.get(test, SetDescription())


def read_description(path: Path) -> Description:
    """Read a description of sets: a YAML file, or the one called `FILE` beside ratings.

    `path` is that file, or a folder or table of ratings, which is described by nothing where `FILE`
    is not beside it. Raises `DataError` naming the file, and where in it something is unknown or
    does not fit.

    >>> read_description(Path("examples")).sets
    {}
    """
    if path.suffix not in (".yaml", ".yml"):
        path = (path if path.is_dir() else path.parent) / FILE
        if not path.is_file():
            return Description()
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Description.model_validate({} if told is None else told)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path} cannot be read as a description of sets: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(f"{path}: {where}: {first['msg']}") from error


def describe(table: RatingTable, description: Description) -> RatingTable:
    """Return a table with the roles and rates that a description gives, without what it leaves out.

    Described sets that the table has not are named in its notes.
    """
    known = {test for test, _ in table.questions}
    notes = [
        f"{test} is described, but there are no ratings of it"
        for test in description.sets
        if test not in known
    ]
    return RatingTable(
        tuple(_describe(one, description) for one in table.ratings if _stays(one, description)),
        tuple(_describe(one, description) for one in table.means if _stays(one, description)),
        (*table.notes, *notes),
    )


def _stays(one: Rating | MeanRating, description: Description) -> bool:
    return one.attribute not in description.find(one.test).left_out


def _describe(one: _One, description: Description) -> _One:
    if one.test not in description.sets:
        return one
    told = description.sets[one.test]
    roles = told.questions.get(one.attribute, QuestionRoles())
    named: dict[Role, str] = {
        "reference": roles.reference,
        "low_anchor": roles.low_anchor,
        "mid_anchor": roles.mid_anchor,
    }
    found = next((role for role, system in named.items() if system and one.system == system), None)
    role = found or one.role
    is_reference = bool(one.stimulus) and one.stimulus == one.reference
    if found is None and role and named[role] and not is_reference:
        role = ""  # guessed by its name, and told of another
    return replace(one, role=role, sample_rate=told.sample_rate or one.sample_rate)
