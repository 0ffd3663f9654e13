"""How is the file opened, and what makes a transaction?"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from aggregator.model.errors import StoreError, StoreTooNewError
from aggregator.storage.sqlite.lock import locked
from aggregator.storage.sqlite.migrations import KNOWN, migrations

BUSY_SECONDS = 10


class Connection:
    """A connection to the file: the one that writes, with the lock that keeps it the only one.

    Or one that reads beside it, ``reading``: it takes no lock, and changes and folds in nothing.
    """

    def __init__(self, path: Path, *, reading: bool = False) -> None:
        """Open or create the database at ``path`` and bring its tables up to date.

        Raises `StoreError` when the file cannot be used or another process uses it, and for
        ``reading`` when it does not exist or is of another version.
        """
        self._lock = None if reading else locked(path)
        try:
            self.db = _read(path) if reading else _open(path)
        except sqlite3.Error as error:
            self._let_go()
            raise StoreError(
                f"{path}: not a usable database ({error}); move it aside to start afresh, "
                "or restore a backup in its place"
            ) from error
        except StoreError:
            self._let_go()
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Join the transaction under way, or make one that takes the write lock at once.

        sqlite-utils' own ``atomic()`` begins deferred: a read followed by a write can then fail
        with "database is locked" whatever the busy timeout.
        """
        connection = self.db.conn
        if connection.in_transaction:
            with _told():
                yield
            return
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
        if self.db.conn.in_transaction:  # some errors end the transaction by themselves
            self.db.conn.execute("ROLLBACK")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return all rows of a query at once, so that no cursor holds back a checkpoint."""
        try:
            return list(self.db.query(sql, values))
        except sqlite3.Error as error:
            raise StoreError(_advice(error)) from error

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement in a transaction; return the number of rows that it changed."""
        with self.transaction():
            return self.db.conn.execute(sql, values).rowcount

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each of ``rows`` in a transaction."""
        with self.transaction():
            self.db.conn.executemany(sql, rows)

    def keep_house(self) -> None:
        """Refresh the planner's figures and fold the write-ahead log into the file."""
        try:
            self.db.conn.execute("PRAGMA analysis_limit = 400")
            self.db.conn.execute("PRAGMA optimize")
            self.db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise StoreError(_advice(error)) from error

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        if self._lock is not None and self._lock.closed:
            return
        try:
            if self._lock is not None:
                self.keep_house()
        finally:
            self.db.close()
            self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.close()


@contextmanager
def _told() -> Iterator[None]:
    """Say what a refusal means, also to those who would go on after any other mishap."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(_advice(error)) from error


def _open(path: Path) -> Database:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
    try:
        # Entry points of other packages would otherwise run on connect.
        db = Database(connection, execute_plugins=False)
        db.conn.isolation_level = None
        db.conn.execute("PRAGMA journal_mode = WAL")
        db.conn.execute("PRAGMA synchronous = NORMAL")
        db.conn.execute("PRAGMA foreign_keys = ON")
        db.conn.execute("PRAGMA mmap_size = 0")
        db.conn.execute("PRAGMA journal_size_limit = 16777216")
        _refuse_newer(path, {done.name for done in migrations.applied(db)} - KNOWN)
        migrations.apply(db)
    except BaseException:
        connection.close()
        raise
    return db


def _read(path: Path) -> Database:
    if not path.exists():
        raise StoreError(f"{path}: there is no database yet; `aggregator run` makes it")
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS
    )
    try:
        db = Database(connection, execute_plugins=False)
        done = {applied.name for applied in migrations.applied(db)}
        _refuse_newer(path, done - KNOWN)
        _refuse_older(path, KNOWN - done)
    except BaseException:
        connection.close()
        raise
    return db


def _refuse_newer(path: Path, unknown: set[str]) -> None:
    if unknown:
        raise StoreTooNewError(
            f"{path}: written by a newer version of aggregator ({', '.join(sorted(unknown))}); "
            "run that version, or restore the backup made before the upgrade"
        )


def _refuse_older(path: Path, missing: set[str] | frozenset[str]) -> None:
    if missing:
        raise StoreError(f"{path}: of an older version; `aggregator run` brings it up to date")


def _advice(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return f"the disk is full ({text}); make room, polling goes on by itself"
    if "readonly" in text or "read-only" in text:
        return f"the data folder cannot be written ({text}); check its owner and its mount"
    if "malformed" in text or "not a database" in text:
        return f"the database is damaged ({text}); stop, and restore a backup"
    return f"the database refused ({text})"
