"""Embeddings of frozen encoders on disk: computed once, shared by all trainings.

A file's name is the SHA-256 of all that decides its content: which encoder with which weights,
what was done to its embeddings, and the samples. So nothing ever needs to be thrown away because
it has changed, and any number of processes may write at once: whoever comes second replaces a
file by an equal one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import DataError

Precision = Literal["float16", "float32"]


@dataclass(frozen=True, slots=True)
class EmbeddingCache:
    """A folder of arrays; `float16` halves it at three digits of precision.

    >>> import tempfile
    >>> cache = EmbeddingCache(Path(tempfile.mkdtemp()))
    >>> key = cache.key({"encoder": "demo"}, "aa00")
    >>> cache.get(key, lambda: np.ones((1, 2, 3))).shape, cache.holds(key)
    ((1, 2, 3), True)
    """

    folder: Path
    precision: Precision = "float16"

    def key(self, settings: Mapping[str, Any], content: str) -> str:
        """Return the name of what an encoder with `settings` makes of `content` (a SHA-256)."""
        facts = json.dumps([settings, content, self.precision], sort_keys=True)
        return hashlib.sha256(facts.encode()).hexdigest()

    def holds(self, key: str) -> bool:
        """Whether there is an array of that name."""
        return self._path(key).is_file()

    def get(
        self, key: str, compute: Callable[[], NDArray[np.floating]]
    ) -> NDArray[np.float16] | NDArray[np.float32]:
        """Return an array, memory-mapped; it is computed and kept when it is not there yet.

        Raises `DataError` for a damaged file, or when values are too large for the precision.
        """
        path = self._path(key)
        if not path.is_file():
            self._write(path, compute())
        try:
            array: NDArray[np.float16] | NDArray[np.float32] = np.load(path, mmap_mode="r")
        except (ValueError, EOFError) as error:
            raise DataError(f"{path} is damaged: delete it, it will be made again") from error
        return array

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.npy"

    def _write(self, path: Path, values: NDArray[np.floating]) -> None:
        with np.errstate(over="ignore"):
            array = np.ascontiguousarray(values, dtype=self.precision)
        if not np.isfinite(array).all():
            raise DataError(
                f"embeddings are not finite in {self.precision}:"
                " keep them in float32 (data.precision)"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        with part.open("wb") as file:
            np.save(file, array)
        part.replace(path)
