"""When should a feed be asked again?

Every rule names a time; the latest wins, so that no rule can make us ask earlier than another
allows. The reason travels with the time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from aggregator.model.feeds import Feed, FeedState
from aggregator.model.visits import Answer, Failed, FeedMeta, Fetched, Gone, NotModified, Refused

NEVER = timedelta(days=36_500)  # for a feed that is gone: a date, because the store wants one

_DAY = timedelta(days=1)
_MAX_DOUBLINGS = 6  # CommaFeed's, and 64 h from an hour: the ceiling is reached before
_TOWARDS_A_DAY = 12  # for 404: even five minutes come to a day at last
_SPREAD = 0.1  # of the interval, at most, added to every wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often we ask when nobody says otherwise.

    ``floor`` holds for an interval that ops did not choose feed by feed, ``explicit_floor`` for one
    that they did. ``ceiling`` ends back-off. ``server_cap`` is the longest that a publisher can
    make us wait (an ``every`` of ops may be longer).
    """

    interval: timedelta = timedelta(minutes=60)
    floor: timedelta = timedelta(minutes=15)
    explicit_floor: timedelta = timedelta(minutes=5)
    ceiling: timedelta = timedelta(hours=24)
    server_cap: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When to ask next, and the name of the rule that chose it."""

    at: datetime
    because: str


def next_due(
    feed: Feed,
    state: FeedState,
    answer: Answer,
    meta: FeedMeta | None,
    *,
    now: datetime,
    cadence: Cadence,
) -> Due:
    """Decide after a visit; ``state`` is as it stood before, ``now`` when the answer was whole.

    ``meta`` is what the document says of itself, None when none was read. A document that could
    not be read is handed in as `Failed`. Rules: interval, max-age, ttl, retry-after, back-off
    (``backoff``, ``not-found``, ``denied``, ``refused``), ``gone``.
    """
    interval = interval_of(feed, cadence)
    if isinstance(answer, Gone):
        return Due(at=now + NEVER, because="gone")
    wait, because = interval, "interval"
    for asked, rule in _rules(answer, meta, state.failures + 1, interval, cadence):
        if asked > wait:
            wait, because = asked, rule
    return Due(at=_whole(now + wait + _phase(feed.id, interval)), because=because)


def provisional_due(feed: Feed, state: FeedState, *, now: datetime, cadence: Cadence) -> Due:
    """Decide what to remember before the request goes out.

    Whoever crashes over an answer finds this on restart, and asks no earlier than after a visit
    that brought nothing.
    """
    interval = interval_of(feed, cadence)
    wait = max(interval, _backed_off(interval, state.failures, _MAX_DOUBLINGS, cadence))
    return Due(at=_whole(now + wait + _phase(feed.id, interval)), because="attempt")


def interval_of(feed: Feed, cadence: Cadence) -> timedelta:
    """Return the wait between two ordinary visits of ``feed``, before any rule lengthens it."""
    if feed.every is not None:
        return max(feed.every, cadence.explicit_floor)
    return min(max(cadence.interval, cadence.floor), cadence.ceiling)


def _rules(
    answer: Answer, meta: FeedMeta | None, failures: int, interval: timedelta, cadence: Cadence
) -> Iterator[tuple[timedelta, str]]:
    if isinstance(answer, Fetched | NotModified | Failed):
        # An error page that may be cached for a year must not cost more than a day of news.
        longest = cadence.ceiling if isinstance(answer, Failed) else cadence.server_cap
        if answer.hints.fresh_for is not None:
            yield min(answer.hints.fresh_for, longest), "max-age"
        if answer.hints.retry_after is not None:
            yield min(answer.hints.retry_after, cadence.server_cap), "retry-after"
    if meta is not None and meta.ttl is not None:
        yield min(meta.ttl, cadence.server_cap), "ttl"
    if isinstance(answer, Failed):
        yield _after_failure(answer, failures, interval, cadence)
    if isinstance(answer, Refused):
        yield _backed_off(interval, failures, _MAX_DOUBLINGS, cadence), "refused"


def _after_failure(
    answer: Failed, failures: int, interval: timedelta, cadence: Cadence
) -> tuple[timedelta, str]:
    status = answer.status or 0
    if status in {429, 503} and answer.hints.retry_after is not None:
        return interval, "interval"  # the server said itself how long it wants its peace
    if status in {401, 403}:
        return _DAY, "denied"
    if 400 <= status < 500 and status not in {408, 425, 429}:
        wait = _backed_off(interval, failures, _TOWARDS_A_DAY, cadence)
        return wait, "not-found" if status == 404 else "backoff"
    return _backed_off(interval, failures, _MAX_DOUBLINGS, cadence), "backoff"


def _backed_off(interval: timedelta, failures: int, doublings: int, cadence: Cadence) -> timedelta:
    """Twice the interval after one failure, doubling up to the ceiling."""
    return min(interval * (1 << min(failures, doublings)), cadence.ceiling)


def _phase(feed: str, interval: timedelta) -> timedelta:
    """Return this feed's own small addition to every wait, so that feeds drift apart.

    Feeds that start together (an import, a restart after an outage) are spread over the whole
    interval after ten visits, and no wait ever gets shorter.
    """
    share = int.from_bytes(sha256(feed.encode()).digest()[:4]) / 2**32
    return timedelta(seconds=int(interval.total_seconds() * _SPREAD * share))


def _whole(moment: datetime) -> datetime:
    """Round up to the second: stores keep whole ones, and must not make a time earlier."""
    if moment.microsecond == 0:
        return moment
    return moment.replace(microsecond=0) + timedelta(seconds=1)
