"""Everything that can go wrong, as one tree.

```
AuricleError
├── InputError              a file or signal cannot be scored
│   ├── MissingFileError        the path does not exist
│   ├── UnreadableFileError     the operating system refuses to read it
│   ├── DecodeError             no audio comes out of it
│   └── SignalError             audio came out, but there is nothing to judge in it
├── ConfigError             a recipe, option or argument is wrong
├── DataError               a manifest or corpus does not hold what it should
├── BundleError             a model folder is incomplete or altered
├── UnknownMetricError      no metric of that name
├── LabelError              a reference metric gave no usable value
└── MissingDependencyError  an optional part is not installed
```

`kind` is the stable machine-readable name that reports and JSON rows carry.
"""

from __future__ import annotations

from typing import ClassVar


class AuricleError(Exception):
    """Base of all errors that Auricle raises on purpose."""

    kind: ClassVar[str] = "error"


class InputError(AuricleError):
    """A file or signal cannot be scored."""

    kind = "input"


class MissingFileError(InputError):
    """The path does not exist."""

    kind = "missing"


class UnreadableFileError(InputError):
    """The operating system refuses to read the path."""

    kind = "unreadable"


class DecodeError(InputError):
    """The file holds no audio that can be decoded."""

    kind = "decode"


class SignalError(InputError):
    """The samples are such that no score would mean anything (silent, too short, not finite)."""

    kind = "signal"


class ConfigError(AuricleError):
    """A recipe, option or argument is wrong."""

    kind = "config"


class DataError(AuricleError):
    """A manifest or corpus does not hold what it should."""

    kind = "data"


class BundleError(AuricleError):
    """A model folder is incomplete, altered or of another version."""

    kind = "bundle"


class UnknownMetricError(AuricleError):
    """No metric goes by that name."""

    kind = "unknown_metric"


class LabelError(AuricleError):
    """A reference metric gave no usable value for a pair of signals."""

    kind = "label"


class MissingDependencyError(AuricleError):
    """An optional part of Auricle is not installed.

    >>> str(MissingDependencyError("torch", extra="train"))
    "this needs torch, which is not installed: pip install 'auricle[train]'"
    """

    kind = "missing_dependency"

    def __init__(self, package: str, *, extra: str) -> None:
        super().__init__(
            f"this needs {package}, which is not installed: pip install 'auricle[{extra}]'"
        )
        self.package = package
        self.extra = extra
