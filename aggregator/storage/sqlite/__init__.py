"""How does one SQLite file remember everything?"""

from aggregator.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
