"""Does a hub tell what it promised to tell?"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from aggregator.model.push import Standing, Subscription

MOST_DOUBT = 6  # misses after which no more deliveries are wanted: 64
ON_ITS_WAY = timedelta(minutes=15)  # from publication to delivery, without a hub being to blame


def delivered(one: Subscription) -> Subscription:
    """Return ``one`` after a delivery that was believed."""
    return replace(one, deliveries=one.deliveries + 1)


def is_proven(one: Subscription, now: datetime) -> bool:
    """Whether the hub behind ``one`` tells, so that we need hardly ask.

    One delivery proves it. After each poll that found what it had not told, twice as many are
    wanted as before.
    """
    if one.standing is not Standing.LIVE or one.expires is None or one.expires <= now:
        return False
    return one.deliveries >= 1 << min(one.misses, MOST_DOUBT)


def missed(one: Subscription) -> Subscription:
    """Return ``one`` after a poll that found what its hub had not told."""
    return replace(one, deliveries=0, misses=one.misses + 1)


def untold(
    times: Iterable[datetime | None], *, since: datetime, last: datetime | None, now: datetime
) -> int:
    """Count the entries, by publishers' dates, that a hub should have told before this poll.

    ``since`` is when the lease began and ``last`` the poll before. Only what came between two
    polls under the lease counts, and not what may still be on its way.
    """
    if last is None or last < since:
        return 0
    return sum(time is None or time <= now - ON_ITS_WAY for time in times)
