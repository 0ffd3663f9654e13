"""How does a PostgreSQL database remember everything?"""

from aggregator.storage.postgres.connection import Connection
from aggregator.storage.postgres.store import PostgresStore

__all__ = ["Connection", "PostgresStore"]
