"""What is remembered of hubs?"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from aggregator.model.push import Delivery, Standing, Subscription
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.rows import (
    Row,
    maybe_moment,
    maybe_stamp,
    moment,
    replacing,
    stamp,
)

_OLDEST = """
SELECT * FROM delivery WHERE seq = coalesce(
    (SELECT min(seq) FROM delivery WHERE feed <> ?), (SELECT min(seq) FROM delivery)
)
"""

_ORPHANS = """
SELECT subscription.* FROM subscription JOIN feed ON feed.id = subscription.feed
WHERE feed.configured = 0 AND standing <> ? ORDER BY token LIMIT ?
"""

_MAIL = """
SELECT feed.id, beat FROM delivery JOIN feed ON feed.id = delivery.feed
GROUP BY feed.id, beat ORDER BY min(seq) LIMIT ?
"""


class SqlPushes:
    """What was agreed with hubs, and what they brought."""

    def __init__(self, connection: Connection) -> None:
        self._at = connection

    def all(self) -> tuple[Subscription, ...]:
        """Return every subscription, by token."""
        return tuple(map(_one, self._at.rows("SELECT * FROM subscription ORDER BY token")))

    def get(self, token: str) -> Subscription | None:
        """Return the subscription behind a callback."""
        rows = self._at.rows("SELECT * FROM subscription WHERE token = ?", [token])
        return _one(rows[0]) if rows else None

    def of(self, feed: str) -> tuple[Subscription, ...]:
        """Return the subscriptions of a feed, by token."""
        query = "SELECT * FROM subscription WHERE feed = ? ORDER BY token"
        return tuple(map(_one, self._at.rows(query, [feed])))

    def orphans(self, limit: int) -> tuple[Subscription, ...]:
        """Return subscriptions of feeds that are configured no more, and their hubs not told."""
        rows = self._at.rows(_ORPHANS, [Standing.LEAVING.value, limit])
        return tuple(map(_one, rows))

    def due(self, now: datetime, limit: int) -> tuple[Subscription, ...]:
        """Return subscriptions about which something is to be done."""
        query = "SELECT * FROM subscription WHERE due <= ? ORDER BY due LIMIT ?"
        return tuple(map(_one, self._at.rows(query, [stamp(now), limit])))

    def put(self, one: Subscription) -> None:
        """Write ``one`` in place of what its token stood for."""
        row = {
            "token": one.token,
            "feed": one.feed,
            "hub": one.hub,
            "topic": one.topic,
            "callback": one.callback,
            "secret": one.secret,
            "standing": one.standing.value,
            "asked_at": stamp(one.asked_at),
            "due": stamp(one.due),
            "tries": one.tries,
            "since": maybe_stamp(one.since),
            "expires": maybe_stamp(one.expires),
            "deliveries": one.deliveries,
            "misses": one.misses,
        }
        token, *others = row
        self._at.run(replacing("subscription", [token], others), [*row.values()])

    def drop(self, token: str) -> None:
        """Forget a subscription."""
        self._at.run("DELETE FROM subscription WHERE token = ?", [token])

    def deliver(self, one: Delivery) -> None:
        """Keep a delivery until somebody has read it."""
        self._at.run(
            "INSERT INTO delivery (feed, received_at, content_type, coding, body)"
            " VALUES (?, ?, ?, ?, ?)",
            [one.feed, stamp(one.received_at), one.content_type, one.coding, one.body],
        )

    def waiting(self) -> Mapping[str, tuple[int, int]]:
        """Return how many deliveries wait and their bytes, by feed."""
        query = (
            "SELECT feed, count(*) AS count, sum(length(body)) AS bytes FROM delivery GROUP BY feed"
        )
        return {row["feed"]: (row["count"], row["bytes"]) for row in self._at.rows(query)}

    def oldest(self, *, after: str = "") -> tuple[int, Delivery] | None:
        """Return the delivery that has waited longest, of another feed than ``after`` if any."""
        return _first(self._at.rows(_OLDEST, [after]))

    def oldest_of(self, feed: str) -> tuple[int, Delivery] | None:
        """Return the delivery that has waited longest of those of ``feed``."""
        query = "SELECT * FROM delivery WHERE feed = ? ORDER BY seq LIMIT 1"
        return _first(self._at.rows(query, [feed]))

    def mail(self, limit: int) -> Mapping[str, int]:
        """Return feeds of which deliveries wait, with their beats, the longest waiting first."""
        return {row["id"]: row["beat"] for row in self._at.rows(_MAIL, [limit])}

    def settle(self, number: int) -> bool:
        """Forget a delivery that was read; False when somebody else had."""
        return bool(self._at.run("DELETE FROM delivery WHERE seq = ?", [number]))


def _one(row: Row) -> Subscription:
    return Subscription(
        token=row["token"],
        feed=row["feed"],
        hub=row["hub"],
        topic=row["topic"],
        callback=row["callback"],
        secret=row["secret"],
        standing=Standing(row["standing"]),
        asked_at=moment(row["asked_at"]),
        due=moment(row["due"]),
        tries=row["tries"],
        since=maybe_moment(row["since"]),
        expires=maybe_moment(row["expires"]),
        deliveries=row["deliveries"],
        misses=row["misses"],
    )


def _first(rows: Sequence[Row]) -> tuple[int, Delivery] | None:
    return (rows[0]["seq"], _delivery(rows[0])) if rows else None


def _delivery(row: Row) -> Delivery:
    return Delivery(
        feed=row["feed"],
        received_at=moment(row["received_at"]),
        content_type=row["content_type"],
        coding=row["coding"],
        body=bytes(row["body"]),
    )
