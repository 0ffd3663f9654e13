"""What do we remember?"""

from pathlib import Path

from aggregator.model.errors import StoreError
from aggregator.storage.protocol import Store
from aggregator.storage.sqlite import SqliteStore

__all__ = ["Store", "open_store"]

_SQLITE = "sqlite:///"


def open_store(url: str, *, root: Path) -> Store:
    """Open the store at ``url`` (``sqlite:///relative/or//absolute``), relative to ``root``.

    Raises `StoreError` when the address is of no kind that we know or the store cannot be used.
    """
    if not url.startswith(_SQLITE):
        raise StoreError(f'storage: "{url}" is not an address we know; write sqlite:///FILE')
    return SqliteStore(root / url.removeprefix(_SQLITE))
