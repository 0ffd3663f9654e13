"""Who may write to the file? One process."""

import fcntl
from pathlib import Path
from typing import TextIO

from aggregator.model.errors import StoreError, StoreInUseError


def locked(path: Path) -> TextIO:
    """Take the lock of the database at ``path``, whose folder is made if need be.

    It is held until what is returned is closed, or the process ends. Raises `StoreInUseError` when
    another process has it, `StoreError` when the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _lock(path)
    except OSError as error:
        raise StoreError(
            f"{path}: {error.strerror}; give a folder that this user may write to"
        ) from error


def _lock(path: Path) -> TextIO:
    handle = path.with_name(path.name + ".lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise StoreInUseError(
            f"{path}: in use by another aggregator; stop that one first, or give this one "
            "another folder with --data"
        ) from None
    return handle
