"""How does everything that is remembered move to a store of another kind?

Table by table, each in the order of its keys, a piece in one transaction: who is killed goes on
after the last key that arrived. At the end every row is read from both stores and compared; only
then may the new one be used.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from aggregator.model.errors import StoreError
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.rows import marks
from aggregator.storage.shelves.search import AFRESH
from aggregator.storage.shelves.tables import KEYS, NUMBERED

PIECE = 2_000  # rows moved in one transaction, of items about 5 MB
_AFRESH = "drop what is there, and move afresh"

_Row = dict[str, Any]


def move(
    source: Connection, target: Connection, *, told: Callable[[int, int], None], piece: int = PIECE
) -> Mapping[str, int]:
    """Fill ``target`` with what is in ``source``, or go on with it; return how many rows by table.

    Nobody else writes to either meanwhile. ``told`` hears how many rows are moved or compared, and
    of how many. Raises `StoreError` when ``target`` holds anything
    else, and when a row is not the same in both at the end.
    """
    counts = {name: _count(source, name) for name in KEYS}
    _begin(target, _origin(source))
    tell = _Progress(told, 2 * sum(counts.values()))
    for name in KEYS:
        _fill(source, target, name, piece, tell)
    for name in KEYS:
        _compare(source, target, name, piece, tell)
    with target.transaction():
        target.run(AFRESH)
        target.run("DELETE FROM moving")
    return counts


class _Progress:
    """Counts rows."""

    def __init__(self, told: Callable[[int, int], None], of: int) -> None:
        self._told, self._of, self._done = told, of, 0

    def on(self, rows: int) -> None:
        self._done += rows
        self._told(self._done, self._of)


def _origin(source: Connection) -> str:
    """Return the name of the installation, which is given once."""
    rows = source.rows("SELECT text FROM note WHERE name = 'installation'")
    return str(rows[0]["text"]) if rows else ""


def _begin(target: Connection, origin: str) -> None:
    """Note that a move is under way, if none is; refuse a store that has something of its own."""
    begun = [row["origin"] for row in target.rows("SELECT origin FROM moving")]
    if begun and begun != [origin]:
        raise StoreError(f"a move of another installation there was never ended; {_AFRESH}")
    held = [] if begun else [name for name in KEYS if target.rows(f"SELECT 1 FROM {name} LIMIT 1")]
    if held:
        raise StoreError(f"there is a store already (it has rows of {held[0]}); {_AFRESH}")
    if not begun:
        target.run("INSERT INTO moving (origin) VALUES (?)", [origin])


def _fill(source: Connection, target: Connection, name: str, piece: int, tell: _Progress) -> None:
    after = _last(target, name)
    if after is not None:
        tell.on(_count(target, name))
    for rows in _pieces(source, name, piece, after):
        with target.transaction():
            target.load(name, list(rows[0]), [tuple(row.values()) for row in rows])
        tell.on(len(rows))
    if name in NUMBERED:
        target.count_on(name)


def _compare(
    source: Connection, target: Connection, name: str, piece: int, tell: _Progress
) -> None:
    pieces = (_pieces(at, name, piece, None) for at in (source, target))
    for here, there in zip_longest(*pieces, fillvalue=list[_Row]()):
        for one, other in zip_longest(here, there):
            if one != other:
                key = ", ".join(str((one or other)[part]) for part in KEYS[name])
                raise StoreError(f"{name} {key} is not the same in both stores; {_AFRESH}")
        tell.on(len(here))


def _pieces(
    at: Connection, name: str, piece: int, after: Sequence[Any] | None
) -> Iterator[list[_Row]]:
    """Yield the rows of a table after the key ``after``, in the order of their keys."""
    key = ", ".join(KEYS[name])
    start = f"SELECT * FROM {name} ORDER BY {key} LIMIT ?"
    further = f"SELECT * FROM {name} WHERE ({key}) > ({marks(KEYS[name])}) ORDER BY {key} LIMIT ?"
    while rows := at.rows(*((start, [piece]) if after is None else (further, [*after, piece]))):
        yield rows
        after = [rows[-1][part] for part in KEYS[name]]


def _last(at: Connection, name: str) -> Sequence[Any] | None:
    key = KEYS[name]
    down = ", ".join(f"{part} DESC" for part in key)
    rows = at.rows(f"SELECT {', '.join(key)} FROM {name} ORDER BY {down} LIMIT 1")
    return [rows[0][part] for part in key] if rows else None


def _count(at: Connection, name: str) -> int:
    return int(at.rows(f"SELECT count(*) AS n FROM {name}")[0]["n"])
