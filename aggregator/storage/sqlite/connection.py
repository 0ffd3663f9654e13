"""How is the file opened, and what makes a transaction?"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TextIO

from aggregator.model.errors import StoreError
from aggregator.storage.sqlite.lock import closed, in_use, locked, was_cut_off
from aggregator.storage.sqlite.upgrade import upgrade
from aggregator.storage.sqlite.versions import KNOWN, applied, refuse_newer

BUSY_SECONDS = 10
_SPARE = 8  # an eighth of the file may be free: what comes in tomorrow takes it
_AT_ONCE = 5_000  # pages given back in one go, 20 MB: 0.1 s


class Connection:
    """A connection to the file: the one that writes, with the lock that keeps it the only one.

    Or one that reads beside it, ``reading``: it takes no lock, and changes and folds in nothing.
    """

    former: Path | None = None
    """The backup that was made before the tables were brought up to date, if they were."""

    def __init__(self, path: Path, *, reading: bool = False, keep: bool = True) -> None:
        """Open or create the database at ``path`` and bring its tables up to date.

        Before that it is backed up, if it is to ``keep``. Raises `StoreError` when the file cannot
        be used or another process uses it, and for ``reading`` when it does not exist or is of
        another version.
        """
        self._lock = None if reading else locked(path)
        try:
            if self._lock is None:
                self.db = _read(path)
            else:
                self.db, self.former = _open(path, self._lock, keep=keep)
        except sqlite3.Error as error:
            self._let_go()
            raise StoreError(f"{path}: {_why_not(error)}") from error
        except StoreError:
            self._let_go()
            raise

    def transaction(self) -> AbstractContextManager[None]:
        """Join the transaction under way, or make one that takes the write lock at once.

        sqlite-utils' own ``atomic()`` begins deferred: a read followed by a write can then fail
        with "database is locked" whatever the busy timeout.
        """
        return _JOINED if self.db.in_transaction else self._transaction()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        connection = self.db
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("COMMIT")
        except BaseException as error:
            self._undo()
            if isinstance(error, sqlite3.Error):
                raise StoreError(_advice(error)) from error
            raise

    def take_turn(self) -> None:
        """Nothing to do: only one writes."""

    def _undo(self) -> None:
        if self.db.in_transaction:  # some errors end the transaction by themselves
            self.db.execute("ROLLBACK")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return all rows of a query at once, so that no cursor holds back a checkpoint.

        Not by sqlite-utils, which makes a savepoint for each: that takes four times as long.
        """
        try:
            found = self.db.execute(sql, values)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found]
        except sqlite3.Error as error:
            raise StoreError(_advice(error)) from error

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement in a transaction; return the number of rows that it changed."""
        if not self.db.in_transaction:
            with self.transaction():
                return self.db.execute(sql, values).rowcount
        try:
            return self.db.execute(sql, values).rowcount
        except sqlite3.Error as error:
            raise StoreError(_advice(error)) from error

    def later(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement of which nothing is asked, in a transaction; here, at once."""
        self.run(sql, values)

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each of ``rows`` in a transaction."""
        with self.transaction():
            self.db.executemany(sql, rows)

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, many at once, in a transaction."""
        marks = ", ".join("?" * len(columns))
        self.run_many(f"INSERT INTO {table} ({_quoted(columns)}) VALUES ({marks})", rows)

    def count_on(self, table: str) -> None:
        """Nothing to do: numbers always go on after the highest that was there."""

    def keep_house(self) -> None:
        """Refresh the planner's figures, give room back, fold the write-ahead log into the file."""
        try:
            self.db.execute("PRAGMA analysis_limit = 400")
            self.db.execute("PRAGMA optimize")
            self._give_back()
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise StoreError(_advice(error)) from error

    def _give_back(self) -> None:
        """Give free pages back to the disk, some at a time, but for those soon used again."""
        pages, free = (self._figure(name) for name in ("page_count", "freelist_count"))
        spare = free - pages // _SPARE
        if spare > 0:
            # As a script: it gives back a page a step, and execute() makes a single one of them.
            self.db.executescript(f"PRAGMA incremental_vacuum({min(spare, _AT_ONCE)})")

    def _figure(self, pragma: str) -> int:
        return int(self.db.execute(f"PRAGMA {pragma}").fetchone()[0])

    def compact(self) -> None:
        """Write the file anew without what is free in it; needs as much room again meanwhile."""
        try:
            self.db.execute("VACUUM")
        except sqlite3.Error as error:
            raise StoreError(_advice(error)) from error

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        if self._lock is not None and self._lock.closed:
            return
        try:
            if self._lock is not None:
                self.keep_house()
                closed(self._lock)
        finally:
            self.db.close()
            self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.close()


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


class _Joined(AbstractContextManager[None]):
    """Says what a refusal means, also to those who would go on after any other mishap."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: object
    ) -> None:
        if isinstance(error, sqlite3.Error):
            raise StoreError(_advice(error)) from error


_JOINED = _Joined()


def _open(path: Path, lock: TextIO, *, keep: bool) -> tuple[sqlite3.Connection, Path | None]:
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # heeded while there are no tables
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA mmap_size = 0")
        db.execute("PRAGMA journal_size_limit = 16777216")
        if was_cut_off(lock):
            _refuse_damaged(db)
        former = upgrade(path, db, keep=keep)
        in_use(lock)
    except BaseException:
        db.close()
        raise
    return db, former


def _refuse_damaged(db: sqlite3.Connection) -> None:
    """Look through a file that was not closed properly (measured: 0.7 s for a gigabyte)."""
    found = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    if found != "ok":
        raise sqlite3.DatabaseError(f"it is damaged: {' '.join(found.split())}")


def _read(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise StoreError(f"{path}: there is no database yet; `aggregator run` makes it")
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
    try:
        done = applied(db)
        refuse_newer(path, done)
        _refuse_older(path, KNOWN - done)
    except BaseException:
        db.close()
        raise
    return db


def _refuse_older(path: Path, missing: frozenset[str]) -> None:
    if missing:
        raise StoreError(f"{path}: of an older version; `aggregator run` brings it up to date")


def _why_not(error: sqlite3.Error) -> str:
    """Say why a file cannot be opened, and what to do."""
    if "locked" in str(error):
        return f"another program writes to it ({error}); end that one first"
    if "full" in str(error) or "readonly" in str(error):
        return _advice(error)
    return (
        f"not a usable database ({error}); move it aside, and restore a backup in its place, "
        "or start afresh"
    )


def _advice(error: sqlite3.Error) -> str:
    text = str(error)
    if "locked" in text:
        return f"another program writes to the database ({text}); end it, this goes on by itself"
    if "full" in text:
        return f"the disk is full ({text}); make room, polling goes on by itself"
    if "readonly" in text or "read-only" in text:
        return f"the data folder cannot be written ({text}); check its owner and its mount"
    if "I/O" in text:
        return f"the disk fails ({text}); see the system's log, mend it, and start this again"
    if "malformed" in text or "not a database" in text:
        return f"the database is damaged ({text}); stop, and restore a backup"
    return f"the database refused ({text})"
