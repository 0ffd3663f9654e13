"""Who may write to the file? One process. And did the last one close it properly?"""

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
    handle = path.with_name(path.name + ".lock").open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise StoreInUseError(
            f"{path}: in use by another aggregator; stop that one first, or give this one "
            "another folder with --data"
        ) from None
    return handle


def was_cut_off(lock: TextIO) -> bool:
    """Tell whether the last one to hold ``lock`` ended without `closed`: it was killed, say."""
    lock.seek(0)
    return bool(lock.read())


def in_use(lock: TextIO) -> None:
    """Write down that the database is being used."""
    lock.truncate(0)
    lock.write("in use\n")
    lock.flush()


def closed(lock: TextIO) -> None:
    """Write down that the database was closed properly."""
    lock.truncate(0)
