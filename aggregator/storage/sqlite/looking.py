"""What can be said of a database file without opening it for use?"""

import fcntl
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from msgspec import Struct, field

from aggregator.storage.sqlite.backup import reading, rows_by_table
from aggregator.storage.sqlite.versions import KNOWN, ORDER, applied


class Look(Struct, frozen=True, kw_only=True):
    """A database file as it is found. Sizes are bytes; ``free`` of them are left for reuse.

    ``pending`` is what an upgrade would do, ``unknown`` what a newer version did. ``wrong`` says
    why nothing more is known.
    """

    path: Path
    engine: str = sqlite3.sqlite_version
    exists: bool = True
    in_use: bool = False
    bytes: int = 0
    log: int = 0
    free: int = 0
    shrinks: bool = False
    done: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    wrong: str | None = None


def look(path: Path) -> Look:
    """Look at the file ``path``, whoever uses it; nothing is changed and nothing is raised."""
    if not path.exists():
        return Look(path=path, exists=False)
    size, log = path.stat().st_size, _size(path.with_name(path.name + "-wal"))
    in_use = _is_locked(path.with_name(path.name + ".lock"))
    try:
        with reading(path) as db:
            done = applied(db)
            return Look(
                path=path,
                in_use=in_use,
                bytes=size,
                log=log,
                free=_asked(db, "freelist_count") * _asked(db, "page_size"),
                shrinks=_asked(db, "auto_vacuum") == 2,
                done=tuple(name for name in ORDER if name in done),
                pending=tuple(name for name in ORDER if name not in done),
                unknown=tuple(sorted(done - KNOWN)),
                rows=rows_by_table(db),
            )
    except sqlite3.Error as error:
        return Look(path=path, in_use=in_use, bytes=size, log=log, wrong=str(error))


def _asked(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _is_locked(lock: Path) -> bool:
    try:
        handle = lock.open()
    except OSError:
        return False
    with closing(handle):
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
