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
Section = Literal["systems", "clips", "corpora", "mixes", "pairs"]

_FOLDER = resources.files("auricle") / "recipes"
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


def recipe_kind(source: Path | str, section: Section) -> str | None:
    """Return the `kind` that a recipe states, if any; raises `ConfigError` as `read_recipe` does.

    >>> recipe_kind("mmmos-grid", "systems"), recipe_kind("codec-music", "systems")
    ('grid', None)
    """
    kind = _read_tree(_locate(source, section, None), section).get("kind")
    return None if kind is None else str(kind)


def embedded_recipes(section: Section) -> tuple[str, ...]:
    """Return the names of the recipes of a section that come with Auricle.

    >>> "codec-music" in embedded_recipes("systems")
    True
    """
    names = (file.name for file in (_FOLDER / section).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def _locate(source: Path | str, section: Section, beside: Traversable | None) -> Traversable:
    name = str(source)
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if isinstance(beside, Path):
            path = beside.parent / path
        if not path.is_file():
            raise ConfigError(f"there is no recipe at {path}")
        return path
    known = embedded_recipes(section)
    if name not in known:
        raise ConfigError(
            f"no embedded recipe is called {name!r}: there is {', '.join(known)};"
            " a file of your own ends in .yaml"
        )
    return _FOLDER / section / f"{name}.yaml"


def _read_tree(file: Traversable, section: Section) -> Tree:
    tree = _read_yaml(file)
    if "extends" not in tree:
        return tree
    base = _read_yaml(_locate(str(tree.pop("extends")), section, file))
    if "extends" in base:
        raise ConfigError(f"recipe {file} extends one that itself extends another")
    return _merge(base, tree)


def _read_yaml(file: Traversable) -> Tree:
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"recipe {file} is not YAML: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"recipe {file} must be a mapping")
    return tree


def _parse_override(override: str) -> Tree:
    keys, equals, value = override.partition("=")
    if not equals or not all(keys.split(".")):
        raise ConfigError(f"an override looks like optimiser.lr=3e-4, not {override!r}")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"the value of override {override!r} is not YAML") from error
    *outer, last = keys.split(".")
    tree: Tree = {last: parsed}
    for key in reversed(outer):
        tree = {key: tree}
    return tree


def _merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> Tree:
    merged = dict(base)
    for key, value in change.items():
        old: Any = merged.get(key)
        # Another kind of part shares no options with the one it replaces.
        mergeable = isinstance(old, dict) and isinstance(value, dict)
        if mergeable and value.get("kind", old.get("kind")) == old.get("kind"):
            merged[key] = _merge(old, value)
        else:
            merged[key] = value
    return merged


def _path(tree: object, location: Sequence[str | int]) -> str:
    """The dotted path as written: without the kinds that pydantic puts into locations."""
    keys: list[str] = []
    for place, key in enumerate(location):
        if isinstance(tree, dict) and key not in tree and place < len(location) - 1:
            continue
        tree = tree.get(key) if isinstance(tree, dict) else None
        keys.append(str(key))
    return ".".join(keys)
