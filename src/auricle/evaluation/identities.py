"""What decides a value that is kept: a file's content, and the packages that made audio of it."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

from auricle.core.errors import UnreadableFileError

# They decode, resample, filter and encode.
_PACKAGES = ("auricle", "av", "numpy", "scipy", "soundfile", "soxr")


def identify_file(path: Path) -> str:
    """Return the SHA-256 of a file's content; raises `UnreadableFileError` when it cannot be read.

    >>> identify_file(Path("examples/lossless.flac"))[:8]
    'e66b9f85'
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read: {error.strerror}") from error


@cache
def identify_degrading() -> str:
    """Return what changes with the versions of Auricle and of the packages that degrade.

    >>> identify_degrading() == identify_degrading()
    True
    """
    facts = [version(name) for name in _PACKAGES]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
