"""Which degraded file belongs to which reference: by two folders, or by a table."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

from auricle.core.errors import ConfigError
from auricle.signal.io import search_audio


@dataclass(frozen=True, slots=True)
class Pair:
    """A reference file and a degraded one; `problem` says why one of them is missing, if it is."""

    reference: str
    degraded: str
    problem: str = ""


def pair_folders(references: str, degraded: str) -> list[Pair]:
    """Pair the audio files of two folders by their paths in them, without the suffix.

    A reference may have several degraded files of different suffixes. Files without a partner
    become pairs with a `problem`, in which the partner has the name it should have, without a
    suffix. Sorted by that name.

    Raises `ConfigError` when a folder is none, when both hold no audio, or when two references
    share a name, so that it isn't clear which is meant.

    >>> pair_folders("examples", "examples")[0]
    Pair(reference='examples/aac-96k.m4a', degraded='examples/aac-96k.m4a', problem='')
    """
    for folder in (references, degraded):
        if not os.path.isdir(folder):
            raise ConfigError(f"{folder} is no folder: compare two folders, or a file with files")
    ours, theirs = _names(references), _names(degraded)
    if not ours and not theirs:
        raise ConfigError(f"neither {references} nor {degraded} holds audio files")
    pairs: list[Pair] = []
    for name in sorted(ours.keys() | theirs.keys()):
        first, second = ours.get(name, []), theirs.get(name, [])
        if len(first) > 1:
            raise ConfigError(
                f"{' and '.join(first)} have the same name but for the suffix: which of them is the"
                " reference? Remove one, or say it with --pairs"
            )
        if not first:
            missing = str(Path(references, name))
            pairs += [Pair(missing, file, f"no reference is called {missing}.*") for file in second]
        elif not second:
            missing = str(Path(degraded, name))
            pairs.append(Pair(first[0], missing, f"no degraded file is called {missing}.*"))
        else:
            pairs += [Pair(first[0], file) for file in second]
    return pairs


def read_pairs(table: str | Path) -> list[Pair]:
    """Read pairs from a CSV file with the columns `reference` and `degraded`, others aside.

    Paths are relative to the table. A row that leaves one out becomes a pair with a `problem`.
    Raises `ConfigError` when the table cannot be read, lacks a column or has no rows.
    """
    path = Path(table)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            rows = list(reader)
            columns = reader.fieldnames or ()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no table of pairs: it holds no UTF-8 text") from error
    except (OSError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path} cannot be read as a table of pairs: {reason}") from error
    missing = [name for name in ("reference", "degraded") if name not in columns]
    if missing:
        told = ", ".join(columns) or "nothing"
        raise ConfigError(
            f"{path}: its first line must name the columns reference and degraded, separated by a"
            f" comma; it names {told}"
        )
    if not rows:
        raise ConfigError(f"{path}: it holds no pairs")
    return [_pair(path.parent, row, number) for number, row in enumerate(rows, start=1)]


def _names(folder: str) -> dict[str, list[str]]:
    """Return the files of a folder by their paths in it, without the suffix."""
    found: dict[str, list[str]] = {}
    for path in search_audio(folder):
        name = str(Path(path).relative_to(folder).with_suffix(""))
        found.setdefault(name, []).append(path)
    return found


def _pair(folder: Path, row: dict[str, str | None], number: int) -> Pair:
    names = {key: row[key] or "" for key in ("reference", "degraded")}
    empty = " and ".join(key for key, name in names.items() if not name)
    problem = f"pair {number} of the table names no {empty}" if empty else ""
    paths = {key: str(folder / name) if name else "" for key, name in names.items()}
    return Pair(paths["reference"], paths["degraded"], problem)
