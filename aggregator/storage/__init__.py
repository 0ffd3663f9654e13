"""What do we remember?"""

from pathlib import Path

from aggregator.model.errors import StoreError
from aggregator.storage.protocol import Store
from aggregator.storage.sqlite import SqliteStore

__all__ = ["Store", "open_store"]

_SQLITE = "sqlite:///"


def open_store(url: str, *, root: Path, reading: bool = False) -> Store:
    """Open the store at ``url`` (``sqlite:///relative/or//absolute``), relative to ``root``.

    One that is opened for ``reading`` may be in use by another process, and writes nothing.

    Raises `StoreError` when the address is of no kind that we know or the store cannot be used.
    """
    if not url.startswith(_SQLITE):
        raise StoreError(f'storage: "{url}" is not an address we know; write sqlite:///FILE')
    return SqliteStore(root / url.removeprefix(_SQLITE), reading=reading)
