"""On which engine does a test keep its store? SQLite, or a PostgreSQL server that it starts."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.postgres import Server

ENGINES = ("sqlite", "postgres")


class Engine:
    """Gives a folder its database, the same one each time."""

    def __init__(self, server: Server | None = None) -> None:
        self._server = server
        self._given: dict[Path, str] = {}

    def address(self, folder: Path) -> str:
        """Return the address of the store of ``folder``."""
        if self._server is None:
            return f"sqlite:///{folder / 'aggregator.sqlite3'}"
        if folder not in self._given:
            self._given[folder] = self._server.new()
        return self._given[folder]

    def clear(self) -> None:
        """Let the databases go; a folder's file goes with the folder."""
        for url in self._given.values():
            if self._server is not None:
                self._server.drop(url)


_now = Engine()


def address_in(folder: Path) -> str:
    """Return the address of the store of ``folder``, on the engine that the test runs on."""
    return _now.address(folder)


class Rows(Protocol):
    """What a statement brought, each row a tuple."""

    def fetchall(self) -> list[Any]: ...
    def fetchone(self) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...


class Hand:
    """A hand laid on a database from outside, by a connection of its engine's own."""

    def __init__(self, url: str) -> None:
        self._file = url.startswith("sqlite:///")
        if self._file:
            self._db: Any = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
            return
        import psycopg  # noqa: PLC0415 - as in the product, an extra

        self._db = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor)
        self._db.execute("SET session_replication_role = replica")  # what refers to what is let be

    def execute(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """Run a statement, its parameters written ``?``; return the cursor."""
        if self._file:
            return self._run(sql, values)
        from aggregator.storage.postgres.dialect import spoken  # noqa: PLC0415

        return self._run(spoken(sql), values)

    def _run(self, sql: str, values: Sequence[object]) -> Rows:
        found: Rows = self._db.execute(sql, values)
        return found

    def refuse(self, doing: str, table: str, when: str = "TRUE") -> None:
        """Let whoever is ``doing`` (INSERT, UPDATE) with a row be told that there is no room."""
        if self._file:
            raised = "BEGIN SELECT RAISE(ABORT, 'no room'); END"
            self.execute(f"CREATE TRIGGER full BEFORE {doing} ON {table} WHEN {when} {raised}")
            return
        self.execute(
            "CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RAISE EXCEPTION ''no room''; END'"
        )
        self.execute(
            f'CREATE TRIGGER "full" BEFORE {doing} ON {table} FOR EACH ROW WHEN ({when})'
            " EXECUTE FUNCTION no_room()"
        )

    def accept(self, table: str) -> None:
        """Make room again."""
        self.execute('DROP TRIGGER "full"' + ("" if self._file else f" ON {table}"))

    def hurry(self) -> None:
        """Wait for nobody who holds what we want: fail instead."""
        self.execute("PRAGMA busy_timeout = 0" if self._file else "SET lock_timeout = 1")

    def close(self) -> None:
        """Take the hand away."""
        self._db.close()


@contextmanager
def kept_by(server: Server | None) -> Iterator[Engine]:
    """Let stores be kept by ``server`` inside, or by SQLite."""
    global _now  # noqa: PLW0603 - one test runs at a time
    before, _now = _now, Engine(server)
    try:
        yield _now
    finally:
        _now.clear()
        _now = before
