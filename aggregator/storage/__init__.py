"""What do we remember?"""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import ModuleType

from aggregator.model.errors import StoreError
from aggregator.storage import moving
from aggregator.storage.protocol import SharedStore, Store
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.sqlite import SqliteStore, backup, looking
from aggregator.storage.sqlite.backup import Told, untold
from aggregator.storage.sqlite.connection import Connection as SqliteConnection
from aggregator.storage.sqlite.looking import Look

__all__ = [
    "Look", "SharedStore", "Store", "back_up", "compact", "look", "move", "open_shared",
    "open_store", "restore",
]  # fmt: skip

_SQLITE = "sqlite:///"
_POSTGRES = "postgresql://"


def open_store(url: str, *, root: Path, reading: bool = False, keep: bool = True) -> Store:
    """Open the store at ``url``: ``sqlite:///relative/or//absolute``, ``postgresql://HOST/NAME``.

    A relative file is looked for from ``root``. A store that is opened for ``reading`` may be in
    use by another process, and writes nothing. One of an older version is brought up to date,
    after a backup of its file if it is to ``keep`` one.

    Raises `StoreError` when the address is of no kind that we know or the store cannot be used.
    """
    if url.startswith(_POSTGRES):
        store: Store = _postgres().PostgresStore(url, reading=reading)
        return store
    return SqliteStore(_file(url, root), reading=reading, keep=keep)


def open_shared(url: str, *, many: bool = False) -> SharedStore:
    """Open the store at ``url`` beside other processes that write to it, each in its role.

    With ``many`` it may be used from several threads, each by a connection of its own.
    Raises `StoreError` when it is none that can be shared, or is used by one that does not share.
    """
    if not url.startswith(_POSTGRES):
        raise StoreError(
            "storage: roles need a store that several processes can write to; move to"
            " postgresql://HOST/NAME with `aggregator migrate`, or run without --role"
        )
    store: SharedStore = _postgres().PostgresStore(url, shared=True, many=many)
    return store


def _postgres() -> ModuleType:
    try:
        from aggregator.storage import postgres  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise StoreError(
            f"storage: a PostgreSQL database needs more than is installed ({error});"
            " pip install 'aggregator[postgres]'"
        ) from error
    return postgres


def move(
    source: str, target: str, *, root: Path, told: Told = untold, piece: int = moving.PIECE
) -> Mapping[str, int]:
    """Move what the store at ``source`` remembers into the empty one at ``target``.

    Or go on with a move that was ended. Returns how many rows of each table, all compared;
    ``piece`` of them are moved in one transaction. Raises
    `StoreError` when either is in use, there is no ``source``, or ``target`` holds something else.
    """
    if source.startswith(_SQLITE) and not _file(source, root).exists():
        raise StoreError(f"{_file(source, root)}: there is no database to move")
    with closing(_connected(source, root)) as here, closing(_connected(target, root)) as there:
        return moving.move(here, there, told=told, piece=piece)


def _connected(url: str, root: Path) -> Connection:
    if url.startswith(_POSTGRES):
        connection: Connection = _postgres().Connection(url)
        return connection
    return SqliteConnection(_file(url, root))


def back_up(url: str, target: Path, *, root: Path, told: Told = untold) -> Mapping[str, int]:
    """Copy the store at ``url`` to the file ``target``; return how many rows of each table.

    Anybody may use it meanwhile. ``told`` hears how much is done, and of how much. Raises
    `StoreError`, and then nothing was written.
    """
    return backup.back_up(_file(url, root), target, told=told)


def restore(copy: Path, url: str, *, root: Path, told: Told = untold) -> Mapping[str, int]:
    """Make the store at ``url``, where none may be, of what `back_up` wrote; return its rows.

    Raises `StoreError`, and then nothing was written.
    """
    return backup.restore(copy, _file(url, root), told=told)


def look(url: str, *, root: Path) -> Look:
    """Tell what is known of the store at ``url`` without using it; `StoreError` if of no kind."""
    return looking.look(_file(url, root))


def compact(url: str, *, root: Path) -> None:
    """Make the store at ``url`` as small as what it holds; nobody may use it meanwhile."""
    with closing(SqliteStore(_file(url, root))) as store:
        store.compact()


def _file(url: str, root: Path) -> Path:
    if url.startswith(_POSTGRES):
        raise StoreError(
            "storage: this works on a file; PostgreSQL has psql, pg_dump and pg_restore for it"
        )
    if not url.startswith(_SQLITE):
        kind = url.partition("://")[0]  # what follows may hold a password
        raise StoreError(
            f'storage: "{kind}" is not a kind of store we know; write sqlite:///FILE'
            " or postgresql://HOST/NAME"
        )
    return root / url.removeprefix(_SQLITE)
