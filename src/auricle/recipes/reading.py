"""Reading recipes: YAML by name or path, one level of `extends`, overrides, readable errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from auricle.core.errors import ConfigError

Tree = dict[str, Any]
Section = Literal["systems", "clips", "corpora"]
Model = TypeVar("Model", bound=BaseModel)


def read_recipe(
    kind: type[Model], source: Path | str, section: Section, overrides: Sequence[str] = ()
) -> Model:
    """Read a recipe of a `kind` from a YAML file, or an embedded one of `section` by its name.

    A recipe may say `extends:` another (a name, or a path relative to its own folder) and state
    only what differs. `overrides` such as `optimiser.lr=3e-4` are applied last.

    Raises `ConfigError` that names the key which is wrong.
    """
    tree = _read_tree(_locate(source, section, None), section)
    for override in overrides:
        tree = _merge(tree, _parse_override(override))
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        problems = "\n".join(
            f"  {_path(tree, problem['loc'])}: {problem['msg']}" for problem in error.errors()
        )
        raise ConfigError(f"recipe {source} is wrong:\n{problems}") from error


def embedded_recipes(section: Section) -> tuple[str, ...]:
    """Return the names of the recipes of a section that come with Auricle.

    >>> "codec-music" in embedded_recipes("systems")
    True
    """
    names = (file.name for file in (resources.files("auricle") / "recipes" / section).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


