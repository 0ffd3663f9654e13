"""Who follows our outputs, and what is still to be said to whom?"""

from collections.abc import Iterable
from datetime import datetime

from aggregator.model.editions import Rendered
from aggregator.model.following import Errand, Follower, Task
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.rows import Row, moment, replacing, stamp

# What comes up again while it is still to be said keeps its turn: tries and pauses go on.
_AGAIN = "ON CONFLICT (task, path, address) DO UPDATE SET what = excluded.what"

_TELL = f"""
INSERT INTO errand (task, path, address, what, due, since, tries)
SELECT ?1, path, callback, ?2, ?3, ?3, 0 FROM follower WHERE path = ?4 AND expires > ?3
{_AGAIN}
"""

_DUE = """
SELECT errand.* FROM errand WHERE due <= ?1 AND (task <> 'bring' OR EXISTS (
    SELECT 1 FROM follower AS f
    WHERE f.path = errand.path AND f.callback = errand.address AND f.expires > ?1
)) ORDER BY due, task, path, address
"""

_LEFT = """
DELETE FROM errand WHERE task = 'bring' AND NOT EXISTS (
    SELECT 1 FROM follower AS f WHERE f.path = errand.path AND f.callback = errand.address
)
"""


class SqlFollowers:
    """Who follows our outputs, and what is still to be said to whom."""

    def __init__(self, connection: Connection) -> None:
        self._at = connection

    def all(self) -> tuple[Follower, ...]:
        """Return every follower, by path and callback."""
        return tuple(map(_one, self._at.rows("SELECT * FROM follower ORDER BY path, callback")))

    def get(self, path: str, callback: str) -> Follower | None:
        """Return who follows ``path`` at ``callback``."""
        query = "SELECT * FROM follower WHERE path = ? AND callback = ?"
        rows = self._at.rows(query, [path, callback])
        return _one(rows[0]) if rows else None

    def put(self, one: Follower) -> None:
        """Write a follower in place of the one of that path and callback."""
        self._at.run(
            replacing("follower", ["path", "callback"], ["secret", "since", "expires"]),
            [one.path, one.callback, one.secret, stamp(one.since), stamp(one.expires)],
        )

    def drop(self, path: str, callback: str) -> None:
        """Forget a follower, and what was to be brought there."""
        with self._at.transaction():
            self._at.run("DELETE FROM follower WHERE path = ? AND callback = ?", [path, callback])
            self._at.run(_LEFT)

    def announce(self, documents: Iterable[Rendered], *, now: datetime) -> None:
        """Remember that these documents are to be brought to those who follow them at ``now``."""
        with self._at.transaction():
            for one in documents:
                self._at.run(_TELL, [Task.BRING.value, one.etag, stamp(now), one.path])

    def dismiss(self, path: str, reason: str, *, now: datetime) -> None:
        """End what follows ``path``, and remember that they are to be told ``reason``."""
        with self._at.transaction():
            self._at.run(_TELL, [Task.DENY.value, reason, stamp(now), path])
            self._at.run("DELETE FROM follower WHERE path = ?", [path])
            self._at.run(_LEFT)

    def ask(self, errands: Iterable[Errand]) -> None:
        """Keep errands. One that is there already keeps its turn, with the new ``what``."""
        self._at.run_many(
            "INSERT INTO errand (task, path, address, what, due, since, tries)"
            f" VALUES (?, ?, ?, ?, ?, ?, ?) {_AGAIN}",
            [
                (e.task.value, e.path, e.address, e.what, stamp(e.due), stamp(e.since), e.tries)
                for e in errands
            ],
        )

    def due(self, now: datetime) -> tuple[Errand, ...]:
        """Return what is to be said, the longest overdue first."""
        return tuple(map(_errand, self._at.rows(_DUE, [stamp(now)])))

    def waiting(self, task: Task) -> int:
        """Return how many errands of one kind there are."""
        rows = self._at.rows("SELECT count(*) AS n FROM errand WHERE task = ?", [task.value])
        return int(rows[0]["n"])

    def settle(self, one: Errand) -> None:
        """Forget an errand that is done; what came up since is begun anew."""
        key = [one.task.value, one.path, one.address]
        this = "task = ? AND path = ? AND address = ?"
        with self._at.transaction():
            self._at.run(f"DELETE FROM errand WHERE {this} AND what = ?", [*key, one.what])
            self._at.run(f"UPDATE errand SET tries = 0 WHERE {this}", key)

    def put_off(self, one: Errand) -> None:
        """Let an errand wait until ``due``, also when its ``what`` is another by now."""
        self._at.run(
            "UPDATE errand SET due = ?, tries = ? WHERE task = ? AND path = ? AND address = ?",
            [stamp(one.due), one.tries, one.task.value, one.path, one.address],
        )

    def forget(self, before: datetime) -> None:
        """Forget followers whose lease ended before ``before``."""
        with self._at.transaction():
            self._at.run("DELETE FROM follower WHERE expires < ?", [stamp(before)])
            self._at.run(_LEFT)


def _one(row: Row) -> Follower:
    return Follower(
        path=row["path"],
        callback=row["callback"],
        secret=row["secret"],
        since=moment(row["since"]),
        expires=moment(row["expires"]),
    )


def _errand(row: Row) -> Errand:
    return Errand(
        task=Task(row["task"]),
        path=row["path"],
        address=row["address"],
        what=row["what"],
        due=moment(row["due"]),
        since=moment(row["since"]),
        tries=row["tries"],
    )
