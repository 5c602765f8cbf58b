"""Exit codes: one table from errors to the numbers that scripts and CI see."""

from __future__ import annotations

import enum

from auricle.core.errors import (
    AuricleError,
    BundleError,
    ConfigError,
    DataError,
    InputError,
    LabelError,
    MissingDependencyError,
    UnknownMetricError,
)


class Exit(enum.IntEnum):
    """What an exit code means; documented in docs/output.md."""

    OK = 0
    NOT_SCORED = 1
    USAGE = 2
    BELOW_MINIMUM = 3
    INSTALLATION = 4
    DATA = 5
    WRITING = 6
    INTERRUPTED = 130


_BY_ERROR: tuple[tuple[type[AuricleError], Exit], ...] = (
    (InputError, Exit.NOT_SCORED),
    (ConfigError, Exit.USAGE),
    (UnknownMetricError, Exit.USAGE),
    (BundleError, Exit.INSTALLATION),
    (MissingDependencyError, Exit.INSTALLATION),
    (DataError, Exit.DATA),
    (LabelError, Exit.DATA),
)


def exit_of(error: AuricleError) -> Exit:
    """Return the exit code of an error.

    >>> exit_of(BundleError("damaged")).name
    'INSTALLATION'
    """
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.NOT_SCORED)
