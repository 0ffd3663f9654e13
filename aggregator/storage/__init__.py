"""What do we remember?"""

from collections.abc import Mapping
from pathlib import Path

from aggregator.model.errors import StoreError
from aggregator.storage.protocol import Store
from aggregator.storage.sqlite import SqliteStore, backup
from aggregator.storage.sqlite.backup import Told, untold

__all__ = ["Store", "back_up", "open_store", "restore"]

_SQLITE = "sqlite:///"


def open_store(url: str, *, root: Path, reading: bool = False) -> Store:
    """Open the store at ``url`` (``sqlite:///relative/or//absolute``), relative to ``root``.

    One that is opened for ``reading`` may be in use by another process, and writes nothing.

    Raises `StoreError` when the address is of no kind that we know or the store cannot be used.
    """
    return SqliteStore(_file(url, root), reading=reading)


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


def _file(url: str, root: Path) -> Path:
    if not url.startswith(_SQLITE):
        raise StoreError(f'storage: "{url}" is not an address we know; write sqlite:///FILE')
    return root / url.removeprefix(_SQLITE)
