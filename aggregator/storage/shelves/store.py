"""What makes the shelves one store?"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime

from aggregator.model.errors import StoreError
from aggregator.storage.shelves.archives import SqlArchives
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.feeds import SqlFeeds
from aggregator.storage.shelves.followers import SqlFollowers
from aggregator.storage.shelves.hosts import SqlHosts
from aggregator.storage.shelves.items import SqlItems
from aggregator.storage.shelves.outputs import SqlNotes, SqlOutputs
from aggregator.storage.shelves.pushes import SqlPushes
from aggregator.storage.shelves.stories import SqlStories
from aggregator.storage.shelves.visits import SqlVisits

A_VISIT = 100_000  # bytes, of a large one
_REHEARSAL = "rehearsal"
_TIDIED = "tidied"  # the story that housekeeping looked at last
_AT_ONCE = 5_000  # stories


class SqlStore:
    """Everything that is remembered, in the tables of one database."""

    def __init__(self, connection: Connection, about: Mapping[str, str]) -> None:
        """Put the shelves over ``connection``; `StoreError` while somebody moves in."""
        if connection.rows("SELECT 1 FROM moving"):
            connection.close()
            raise StoreError(
                "storage: a move into this store is not done; go on with `aggregator migrate`"
            )
        self._at = connection
        self._about = about
        self.feeds = SqlFeeds(connection)
        self.hosts = SqlHosts(connection)
        self.visits = SqlVisits(connection)
        self.pushes = SqlPushes(connection)
        self.followers = SqlFollowers(connection)
        self.stories = SqlStories(connection)
        self.items = SqlItems(connection, self.feeds, self.stories)
        self.outputs = SqlOutputs(connection)
        self.archives = SqlArchives(connection)
        self.notes = SqlNotes(connection)

    def transaction(self) -> AbstractContextManager[None]:
        """Make everything inside one transaction; an exception undoes all of it."""
        return self._at.transaction()

    def tidy(self, before: datetime) -> None:
        """Drop what nothing leads to any more, and let the database keep its house."""
        self._forget_stories(before)
        self.hosts.forget(before)
        self.followers.forget(before)
        self._at.keep_house()

    def _forget_stories(self, before: datetime) -> None:
        """Forget stories without items and their stays, some at a time.

        While a story has items, a late copy of one may still come into it.
        """
        with self.transaction():
            last, _, story = (self.notes.get(_TIDIED) or " ").partition(" ")
            bare, (last, story) = self.stories.over(before, (last, story), _AT_ONCE)
            self.stories.forget(self.outputs.forget(bare, before))
            self.notes.put(_TIDIED, f"{last} {story}")

    def rehearse(self) -> None:
        """Write as much as a visit does, and take it back; `StoreError` while that is refused."""
        self.notes.put(_REHEARSAL, "." * A_VISIT)
        self.notes.drop(_REHEARSAL)

    def take_turn(self) -> None:
        """Let nobody else take in, revise or file an item until the transaction ends."""
        self._at.take_turn()

    def about(self) -> Mapping[str, str]:
        """Tell which engine keeps the store, and its version."""
        return self._about

    def close(self) -> None:
        """Finish writing and let go of the database. Safe to call twice."""
        self._at.close()
