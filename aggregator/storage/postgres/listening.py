"""Who tells us that something changed? (LISTEN)"""

import asyncio
from collections.abc import AsyncIterator

import psycopg

from aggregator.model.errors import StoreError
from aggregator.storage.postgres.connection import wanted

_GLANCE = 1.0  # seconds between two looks whether we are told to stop


async def told(url: str, channel: str, patience: float, stop: asyncio.Event) -> AsyncIterator[None]:
    """Yield at first, whenever ``channel`` is told of, and at least every ``patience`` seconds.

    Words that come while nobody waits are one. Raises `StoreError` when the connection is lost.
    """
    try:
        async with await psycopg.AsyncConnection.connect(**wanted(url), autocommit=True) as db:
            await db.execute(f"LISTEN {channel}")
            yield
            waited = 0.0
            while not stop.is_set():
                heard = [word async for word in db.notifies(timeout=_GLANCE, stop_after=1)]
                waited += _GLANCE
                if heard or waited >= patience:
                    await db.execute("SELECT 1")  # else a lost connection is never noticed
                    waited = 0.0
                    yield
    except psycopg.Error as error:
        raise StoreError(f"the database cannot be listened to ({error})") from error
