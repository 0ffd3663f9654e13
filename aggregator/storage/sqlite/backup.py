"""How is a database copied whole while it is in use, and how does a copy come back?

By SQLite's own backup, within one read transaction: a copy is the database of one moment, however
much is written meanwhile. It is written beside its place, checked, flushed to the disk, and only
then given its name. Its rows are counted against those of that moment.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from aggregator.model.errors import StoreError, StoreTooNewError
from aggregator.storage.sqlite.lock import locked
from aggregator.storage.sqlite.versions import KNOWN, applied

Told = Callable[[int, int], None]
"""Is told how many pages are copied, and of how many."""

_PAGES = 1_000  # copied between two words of progress: 4 MB
_INSTRUCTIONS = 100_000  # of SQLite's, between two moments in which a signal is heard
_SIDES = ("-wal", "-shm", "-journal")


def untold(done: int, of: int) -> None:
    """Tell nobody."""


def back_up(
    path: Path, target: Path, *, told: Told = untold, replace: bool = False
) -> Mapping[str, int]:
    """Copy the database at ``path``, which may be in use, to ``target``; return rows by table.

    Raises `StoreError` when ``target`` is there already (unless ``replace``), when there is no
    room for it, and when either of both is damaged. Then nothing was written.
    """
    if not path.exists():
        raise StoreError(f"{path}: there is no database to back up; `aggregator run` makes it")
    return _copied(path, target, told, replace=replace)


def restore(copy: Path, path: Path, *, told: Told = untold) -> Mapping[str, int]:
    """Make the database at ``path``, where none is, of ``copy``; return its rows by table.

    Raises `StoreError` when there is one, when ``copy`` is damaged or none of ours, and
    `StoreTooNewError` when a newer version wrote it.
    """
    _refuse(copy)
    with closing(locked(path)):
        for there in (path, *_beside(path)):
            if there.exists():
                raise StoreError(
                    f"{there}: is there already, and nothing is overwritten; move it aside, or "
                    "name another folder with --data"
                )
        return _copied(copy, path, told, replace=False)


def damage(path: Path) -> str | None:
    """Return the first thing that is wrong with the database at ``path``, None if nothing is.

    Reads all of it.
    """
    try:
        with reading(path) as db:
            found: str = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        return str(error)
    return None if found == "ok" else " ".join(found.split())


def _refuse(copy: Path) -> None:
    """Refuse what is not there, no database of ours, or of a newer version."""
    if not copy.is_file():
        what = "is a folder; name a file in it" if copy.is_dir() else "there is no such file"
        raise StoreError(f"{copy}: {what}")
    try:
        with reading(copy) as db:
            done = applied(db)
    except sqlite3.Error as error:
        raise StoreError(f"{copy}: not a usable database ({error}); take another backup") from error
    if not done:
        raise StoreError(f"{copy}: a database, but none of aggregator; name another file")
    if done - KNOWN:
        raise StoreTooNewError(
            f"{copy}: written by a newer version of aggregator ({', '.join(sorted(done - KNOWN))});"
            " restore it with that version"
        )


def _copied(source: Path, target: Path, told: Told, *, replace: bool) -> Mapping[str, int]:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _partial(target) as partial:
            _refuse_taken(target, replace=replace)
            _refuse_full(source, target)
            counted = _fill(source, partial, told)
            _flush(partial)
            _refuse_taken(target, replace=replace)
            partial.replace(target)
            _flush(target.parent)
    except OSError as error:
        raise StoreError(f"{target}: {error.strerror}; name a place that can be written") from error
    except sqlite3.Error as error:
        raise StoreError(f"{source}: cannot be copied to {target} ({error})") from error
    return counted


def _refuse_taken(target: Path, *, replace: bool) -> None:
    if target.exists() and not replace:
        raise StoreError(
            f"{target}: is there already, and nothing is overwritten; name another file"
        )


def _refuse_full(source: Path, target: Path) -> None:
    wanted, free = source.stat().st_size, shutil.disk_usage(target.parent).free
    if wanted > free:
        raise StoreError(
            f"{target}: no room for it; {wanted:,} bytes are needed and {free:,} are free"
        )


def _fill(source: Path, partial: Path, told: Told) -> Mapping[str, int]:
    with reading(source) as db, closing(sqlite3.connect(partial)) as copy:
        db.execute("BEGIN")  # what is counted next is the moment that is copied
        counted = rows_by_table(db)
        db.backup(copy, pages=_PAGES, progress=lambda _, left, total: told(total - left, total))
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    wrong = damage(partial)
    if wrong:
        raise StoreError(
            f"{source}: is damaged ({wrong}), and so would be the copy; keep it as it is, and "
            "restore an older backup into another folder"
        )
    with reading(partial) as copy:
        if rows_by_table(copy) != counted:
            raise StoreError(f"{source}: the copy has other rows than it; nothing was kept of it")
    return counted


def rows_by_table(db: sqlite3.Connection) -> Mapping[str, int]:
    """Return how many rows each table has."""
    names = [
        name
        for (name,) in db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table'"
            " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        )
    ]
    return {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database to read it. A signal is heard during long statements, too."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        db.set_progress_handler(lambda: 0, _INSTRUCTIONS)
        yield db


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """Yield where a file is written until it is whole; what is left of an earlier one goes."""
    partial = _partial_of(target)
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)  # it holds the secrets of hubs
    try:
        yield partial
    finally:
        for left in (partial, *_beside(partial)):
            left.unlink(missing_ok=True)


def _partial_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.partial")


def _beside(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + side) for side in _SIDES)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
