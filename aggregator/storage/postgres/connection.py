"""How is the database reached, and what makes a transaction?

There is one connection, or one for each thread that comes: `Connection` with ``many``.

What nobody waits for goes out together with the next statement that somebody does, so that a
transaction is two or three journeys to the database and back, not one for each statement.

A connection that broke is made anew at the next use; what was under way is lost as a whole, and is
told as any other refusal of the store.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import psycopg
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from aggregator.model.errors import StoreError, StoreInUseError, StoreTooNewError
from aggregator.storage.postgres.dialect import spoken
from aggregator.storage.postgres.schema import KNOWN, Database, applied, apply

# Each end notices within half a minute that the other is gone, without a word of it.
_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "application_name": "aggregator",
}
_SESSION = (
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
    "SET tcp_user_timeout = 20000; SET idle_in_transaction_session_timeout = '60s';"
    "SET client_min_messages = warning"
)
_CHANGED = (
    "SELECT relname FROM pg_stat_user_tables WHERE schemaname = current_schema()"
    " AND n_mod_since_analyze > 50 + n_live_tup / 10 ORDER BY relname"
)
_OURS = "hashtext('aggregator'), hashtext(current_schema())"
_ALONE = "SELECT pg_advisory_xact_lock(hashtext('aggregator tables'), hashtext(current_schema()))"
_TURN = "SELECT pg_advisory_xact_lock(hashtext('aggregator turn'), hashtext(current_schema()))"


_Said = tuple[str, Sequence[Any]]
_BEGIN: _Said = ("BEGIN", ())


class _Whole(Loader):
    """Sums of whole numbers come as numeric; no other numeric is stored."""

    def load(self, data: bytes | bytearray | memoryview) -> int:
        return int(bytes(data))


class Connection:
    """A connection to the database, with the lock that keeps other writers out.

    Or one that reads beside them, ``reading``: it takes no lock and changes nothing.
    """

    def __init__(
        self, url: str, *, reading: bool = False, shared: bool = False, many: bool = False
    ) -> None:
        """Connect, and bring the tables up to date.

        Raises `StoreError` when that cannot be done or another process uses the database (one that
        has not ``shared`` it, if this one does), and for ``reading`` when there are no tables, or
        those of another version.
        """
        self._wanted = wanted(url)
        self._reading = reading
        self._shared = shared
        self._closed = False
        self._mine: Any = threading.local() if many else SimpleNamespace()
        self._all: list[Database] = []
        self._led: int | None = None  # the connection by which we lead
        self.version = self.db.info.parameter_status("server_version") or ""

    @property
    def db(self) -> Database:
        """The connection, or that of this thread, made at its first use."""
        held: Database | None = getattr(self._mine, "db", None)
        return self._make() if held is None else held

    def _make(self) -> Database:
        if self._closed:
            raise StoreError(f"{self.place}: was closed")
        self._mine.db = made = self._connected()
        self._all = [*(db for db in self._all if not db.closed), made]
        return made

    @property
    def place(self) -> str:
        """Where the database is, without what opens it."""
        return _place(self._wanted)

    def _connected(self) -> Database:
        try:
            db = psycopg.connect(
                **self._wanted,
                autocommit=True,
                cursor_factory=psycopg.RawCursor,
                row_factory=dict_row,
            )
        except psycopg.Error as error:
            raise StoreError(
                f"{_place(self._wanted)}: cannot be reached ({_line(error)}); see that PostgreSQL"
                " runs there, that this database was created, and who may log in"
            ) from error
        try:
            self._prepare(db)
        except psycopg.Error as error:
            db.close()
            raise StoreError(_advice(error)) from error
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: Database) -> None:
        db.adapters.register_loader("numeric", _Whole)
        db.execute(_SESSION)
        if self._reading:
            db.execute("SET default_transaction_read_only = on")
            self._refuse(applied(db), missing=True)
            return
        self._lock(db)
        with db.transaction():
            db.execute(_ALONE)
            self._refuse(applied(db))
            apply(db)

    def _lock(self, db: Database) -> None:
        lock = "pg_try_advisory_lock_shared" if self._shared else "pg_try_advisory_lock"
        row = db.execute(f"SELECT {lock}({_OURS}) AS taken").fetchone()
        if not row or not row["taken"]:
            raise StoreInUseError(
                f"{self.place}: in use by another aggregator; stop that one first, or give this "
                "one another database"
            )

    def _refuse(self, done: frozenset[str], *, missing: bool = False) -> None:
        if unknown := done - KNOWN:
            raise StoreTooNewError(
                f"{self.place}: written by a newer version of aggregator "
                f"({', '.join(sorted(unknown))}); run that version, or restore the backup made "
                "before the upgrade"
            )
        if missing and not done:
            raise StoreError(f"{self.place}: there are no tables yet; `aggregator run` makes them")
        if missing and KNOWN - done:
            raise StoreError(
                f"{self.place}: of an older version; `aggregator run` brings it up to date"
            )

    def _at_hand(self) -> Database:
        """Return the connection, made anew if it was lost; `StoreError` if a lead was with it."""
        db = self._make() if self.db.closed and not self._closed else self.db
        if self._led not in {None, db.info.backend_pid}:
            raise StoreError(f"{self.place}: another may lead since the connection was lost")
        return db

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Join the transaction under way, or make one."""
        if self._under_way():
            with _told():
                yield
            return
        self._mine.held, self._mine.inside = [_BEGIN], True
        try:
            yield
            self._end()
        except BaseException as error:
            self._undo()
            if isinstance(error, psycopg.Error):
                raise StoreError(_advice(error)) from error
            raise
        finally:
            self._mine.inside = False

    def _under_way(self) -> bool:
        return bool(getattr(self._mine, "inside", False))  # also where its connection was lost

    def _held(self) -> list[_Said]:
        """Return what is still to be said in the transaction under way, its beginning included."""
        held: list[_Said] = getattr(self._mine, "held", [])
        return held

    def _say(self, sql: str, values: Sequence[Any] = ()) -> psycopg.Cursor[dict[str, Any]]:
        """Execute a statement, after all that is held, in one go."""
        held, self._mine.held = self._held(), []
        if held[:1] != [_BEGIN]:  # by no other connection than the transaction's
            return _send(self.db, held, sql, values)
        try:
            return _send(self._at_hand(), held, sql, values)
        except psycopg.OperationalError:
            if not self.db.closed:
                raise
            return _send(self._at_hand(), held, sql, values)  # it was lost since its last use

    def _flush(self) -> None:
        if held := self._held():
            self._say(*held.pop())

    def _end(self) -> None:
        held = self._held()
        if held == [_BEGIN]:
            held.clear()  # nothing was done
            return
        if held[:1] == [_BEGIN]:
            self._flush()  # what ends may not be said twice
        self._say("COMMIT")

    def _undo(self) -> None:
        self._mine.held = []
        db: Database | None = getattr(self._mine, "db", None)
        with suppress(psycopg.Error):
            if db is not None and db.info.transaction_status != TransactionStatus.IDLE:
                db.execute("ROLLBACK")

    def take_turn(self) -> None:
        """Wait until nobody else gives out numbers, and keep others from it until the end."""
        with _told():
            self._say(_TURN)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return all rows of a query."""
        with _told():
            if self._under_way():
                return self._say(spoken(sql), values).fetchall()
            try:
                return self._at_hand().execute(spoken(sql), values).fetchall()
            except psycopg.OperationalError:
                if not self.db.closed:
                    raise
                return self._at_hand().execute(spoken(sql), values).fetchall()

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement in a transaction; return the number of rows that it changed."""
        with self.transaction():
            return self._say(spoken(sql), values).rowcount

    def later(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement of which nothing is asked, in a transaction, together with others."""
        with self.transaction():
            self._mine.held = [*self._held(), (spoken(sql), values)]

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each of ``rows`` in a transaction, without waiting between."""
        if rows:
            with self.transaction(), self._cursor() as cursor:
                cursor.executemany(spoken(sql), rows)

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, many at once, in a transaction."""
        names = ", ".join(f'"{name}"' for name in columns)
        into = f"COPY {table} ({names}) FROM STDIN"
        with self.transaction(), self._cursor() as cursor, cursor.copy(into) as copy:
            for row in rows:
                copy.write_row(row)

    def _cursor(self) -> psycopg.Cursor[dict[str, Any]]:
        self._flush()
        return self.db.cursor()

    def count_on(self, table: str) -> None:
        """Let the numbers of ``table`` (``seq``) go on after the highest that was loaded."""
        self.rows(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'seq'), max(seq)) FROM {table}"
            " HAVING max(seq) IS NOT NULL"
        )

    def lead(self, what: str) -> int | None:
        """Hold the lock of ``what`` as long as this connection lasts; None when another does.

        Returns the number of the connection. From when it is lost everything is refused until this
        is asked again: whoever led may have been followed by another.
        """
        self._led = None
        key = "hashtext(?1), hashtext(current_schema())"
        held = self.rows(
            "SELECT pg_backend_pid() AS number FROM pg_locks WHERE locktype = 'advisory'"
            " AND pid = pg_backend_pid() AND classid = hashtext(?1)::oid"
            " AND objid = hashtext(current_schema())::oid",
            [what],
        ) or self.rows(
            f"SELECT pg_backend_pid() AS number WHERE pg_try_advisory_lock({key})", [what]
        )
        self._led = held[0]["number"] if held else None
        return self._led

    def make_once(self, table: str, statements: str) -> None:
        """Run ``statements`` unless ``table`` is there."""
        with self.transaction(), _told():
            self._say(_ALONE)
            if not self.rows("SELECT 1 WHERE to_regclass(?::text) IS NOT NULL", [table]):
                psycopg.ClientCursor(self.db).execute(statements)

    def keep_house(self) -> None:
        """Refresh the planner's figures of what changed much, also where autovacuum is off.

        What was deleted PostgreSQL clears by itself.
        """
        for row in self.rows(_CHANGED):
            with _told():
                self._at_hand().execute(f'ANALYZE "{row["relname"]}"')

    def close(self) -> None:
        """Let go of the database."""
        self._closed = True
        for db in self._all:
            db.close()


def _send(
    db: Database, held: Sequence[_Said], sql: str, values: Sequence[Any]
) -> psycopg.Cursor[dict[str, Any]]:
    if not held:
        return db.execute(sql, values)
    with db.pipeline():
        for each in held:
            db.execute(*each)
        return db.execute(sql, values)


@contextmanager
def _told() -> Iterator[None]:
    """Say what a refusal means, also to those who would go on after any other mishap."""
    try:
        yield
    except psycopg.Error as error:
        raise StoreError(_advice(error)) from error


def wanted(url: str) -> dict[str, Any]:
    """Return how to connect to ``url``; `StoreError`, without its password, if it is no address."""
    try:
        return {**_PATIENCE, **conninfo_to_dict(url)}
    except psycopg.Error:  # its text may hold the password
        raise StoreError(
            "storage: not an address of a PostgreSQL database; write postgresql://HOST/DATABASE,"
            " and the password into AGGREGATOR_STORAGE or a .pgpass file"
        ) from None


def patient(url: str) -> str:
    """Return the address at ``url`` for whoever connects by other means, no less watchful."""
    return make_conninfo(**wanted(url))


def out_of_reach(error: BaseException | None) -> bool:
    """Tell whether a statement failed on its way, rather than by what it says."""
    return isinstance(error, psycopg.OperationalError)


def _place(parts: dict[str, Any]) -> str:
    host = parts.get("host") or "localhost"
    port = f":{parts['port']}" if "port" in parts else ""
    return f"postgresql://{host}{port}/{parts.get('dbname', '')}"


def _line(error: psycopg.Error) -> str:
    """Return the first line of what went wrong; the rest are details of our own doing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _advice(error: psycopg.Error) -> str:
    text = _line(error)
    match error:
        case psycopg.errors.DiskFull():
            return f"the database's disk is full ({text}); make room, polling goes on by itself"
        case psycopg.errors.InsufficientPrivilege() | psycopg.errors.ReadOnlySqlTransaction():
            return f"the database may not be written ({text}); let its user own what is in it"
        case psycopg.errors.DataCorrupted() | psycopg.errors.IndexCorrupted():
            return f"the database is damaged ({text}); stop, and restore a backup"
        case psycopg.OperationalError():
            return f"the database cannot be reached ({text}); polling goes on when it is back"
        case _:
            return f"the database refused ({text})"
