"""Exit codes: one table from errors to the numbers that scripts and CI see."""

from __future__ import annotations

import enum
import errno

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


_SYSTEM = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the disk can only be read",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.ENOENT: "there is no such folder, and it cannot be made",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EEXIST: "there is a file of that name where a folder is to be",
    errno.EISDIR: "it is a folder, not a file",
    errno.ENAMETOOLONG: "the name is too long",
}


def explain(error: OSError) -> str:
    """Say what the operating system refused, and where.

    >>> explain(PermissionError(errno.EACCES, "Permission denied", "/root/s.jsonl"))
    '/root/s.jsonl cannot be written: permission denied'
    """
    reason = _SYSTEM.get(error.errno or 0)
    if reason is None:
        return str(error)
    return f"{error.filename or 'the output'} cannot be written: {reason}"


def exit_of(error: AuricleError) -> Exit:
    """Return the exit code of an error.

    >>> exit_of(BundleError("damaged")).name
    'INSTALLATION'
    """
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.NOT_SCORED)
