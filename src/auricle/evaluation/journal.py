"""Values that took long to find, kept on disk line by line, so that a killed run loses nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Journal:
    """Facts by key, in a JSONL file that grows by a line each: `{"key": ..., fact: ...}`.

    What the file holds is read at once; a line that an interruption cut off, and whatever else is
    no entry, is passed over. Of several entries of a key the last one counts. One process writes;
    others may read.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "scores" / "visqol.jsonl"
    >>> Journal(path).put("9f86d0", {"value": 4.2})
    >>> Journal(path).get("9f86d0"), Journal(path).get("60303a")
    ({'value': 4.2}, None)
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        self._entries = dict(filter(None, map(_parse, text.splitlines())))
        self._cut = bool(text) and not text.endswith("\n")

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the facts of a key; None when there are none."""
        return self._entries.get(key)

    def put(self, key: str, facts: Mapping[str, Any]) -> None:
        """Keep the facts of a key: on disk when this returns, and in place of any before.

        `facts` can be written as JSON. The file and its folder are made if they are not there.
        """
        line = json.dumps({"key": key, **facts}) + "\n"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n" + line if self._cut else line)
        self._cut = False
        self._entries[key] = dict(facts)


def _parse(line: str) -> tuple[str, dict[str, Any]] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    key = entry.pop("key", None) if isinstance(entry, dict) else None
    return (key, entry) if isinstance(key, str) else None
