"""When should a feed be asked again?

Every rule names a time; the latest wins, so that no rule can make us ask earlier than another
allows. The reason travels with the time. ``docs/polling.md`` tells all of them in plain words.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil

from msgspec import Struct

from aggregator.model.feeds import NO_SKIPS, Feed, FeedState, Skips
from aggregator.model.visits import Answer, Failed, FeedMeta, Fetched, Gone, NotModified, Refused
from aggregator.sources.gaps import haste_at
from aggregator.sources.rhythm import news_wait, silence_wait

NEVER = timedelta(days=36_500)  # for a feed that is gone: a date, because the store wants one
ATTEMPT = "attempt"  # a visit that has begun, and may never end
LOST = "lost"  # not to be found for a month

_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
_MAX_DOUBLINGS = 6  # CommaFeed's, and 64 h from an hour: the ceiling is reached before
_TOWARDS_A_DAY = 12  # for 404: even five minutes come to a day at last
_A_MONTH = 40  # failures with little hope: a month even of a feed asked every five minutes
_PUSHED, _PUSHED_LEAST = 12, timedelta(hours=6)  # intervals between two looks at a pushed feed
_SPREAD = 0.1  # of the interval, at most, added to every wait
CLOCK_SLACK = timedelta(minutes=5)
"""A last visit so far in the future means that the clock was set back; less, that it was set."""

_Rule = tuple[timedelta, str]


class Cadence(Struct, frozen=True, kw_only=True):
    """How often we ask when nobody says otherwise.

    ``floor`` holds for an interval that ops did not choose feed by feed, ``explicit_floor`` for one
    that they did. ``ceiling`` ends back-off. ``server_cap`` is the longest that a publisher can
    make us wait (an ``every`` of ops may be longer). ``again`` is how soon a visit that never ended
    is made once more; None where it waits for its next turn.
    """

    interval: timedelta = timedelta(minutes=60)
    floor: timedelta = timedelta(minutes=15)
    explicit_floor: timedelta = timedelta(minutes=5)
    ceiling: timedelta = timedelta(hours=24)
    server_cap: timedelta = timedelta(days=7)
    again: timedelta | None = None


class Due(Struct, frozen=True, kw_only=True):
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
    not be read is handed in as `Failed`. ``state.rhythm`` and gaps know of this visit already.

    Rules by rank, which decides only between equal times: ``retry-after``, ``max-age``, ``ttl``,
    back-off (``backoff``, ``not-found``, ``lost``, ``denied``, ``refused``), the feed's own pace
    (``rhythm``, ``quiet``, ``gap``), ``interval``; then ``skip``, which moves the time found out
    of hours and days that the publisher excludes; ``gone``.
    """
    if isinstance(answer, Gone):
        return Due(at=now + NEVER, because="gone")
    usual, own = _usual(feed, state, answer, meta, now=now, cadence=cadence)
    rules = [
        *_rules(answer, meta, state.failures + 1, usual, now=now, cadence=cadence),
        (usual, own),
    ]
    wait, because = max(rules, key=lambda rule: rule[0])
    apart = _phase(feed.id, usual) if state.visits else _first_phase(feed.id, usual, cadence)
    due = Due(at=_whole(now + wait + apart), because=because)
    return outside(due, meta.skips if meta else NO_SKIPS, feed.id)


def provisional_due(feed: Feed, state: FeedState, *, now: datetime, cadence: Cadence) -> Due:
    """Decide what to remember before the request goes out.

    Whoever crashes over an answer finds this on restart, and asks no earlier than after a visit
    that brought nothing: what the last document asked for still counts, and the feed's own pace.
    Unless the answer is to be asked for ``cadence.again``: but only once before it comes, and only
    of a publisher that is well and said nothing of how often it may be asked.
    """
    if cadence.again is not None and _may_be_repeated(state):
        return outside(Due(at=_whole(now + cadence.again), because=ATTEMPT), state.skips, feed.id)
    interval = interval_of(feed, cadence)
    usual = interval
    if feed.every is None:
        usual = max(usual, _seconds(_own_pace(state, interval, now=now, cadence=cadence)[0]))
    waits = [usual, _backed_off(interval, state.failures, _MAX_DOUBLINGS, cadence)]
    if state.ttl is not None:
        waits.append(min(_timetabled(state.ttl, state.base, now), cadence.server_cap))
    due = Due(at=_whole(now + max(waits) + _phase(feed.id, usual)), because=ATTEMPT)
    return outside(due, state.skips, feed.id)


def _may_be_repeated(state: FeedState) -> bool:
    """Tell whether a visit may be made again should it never end.

    Not one that is due since another one never ended: whoever crashes over a feed again and again
    would ask it again and again.
    """
    return state.because != ATTEMPT and not state.failures and state.ttl is None


def asked_for(answer: Answer, now: datetime, cadence: Cadence) -> datetime | None:
    """Return the time before which ``answer`` forbids another visit, whoever wants it."""
    if isinstance(answer, Gone | Refused) or answer.hints.retry_after is None:
        return None
    return _whole(now + min(answer.hints.retry_after, cadence.server_cap))


def interval_of(feed: Feed, cadence: Cadence) -> timedelta:
    """Return the wait between two ordinary visits of ``feed``, before any rule lengthens it."""
    if feed.every is not None:
        return max(feed.every, cadence.explicit_floor)
    return min(max(cadence.interval, cadence.floor), cadence.ceiling)


def put_off(feed: Feed, due: Due, skips: Skips, *, now: datetime, cadence: Cadence) -> Due:
    """Return when to look whether the hub of a pushed feed misses nothing, never before ``due``.

    Twelve times its interval, from six hours to the ceiling, by the rule ``push``.
    """
    longest = max(cadence.ceiling, _PUSHED_LEAST)
    wait = min(max(_PUSHED * interval_of(feed, cadence), _PUSHED_LEAST), longest)
    later = Due(at=_whole(now + wait + _phase(feed.id, wait)), because="push")
    return outside(later, skips, feed.id) if later.at > due.at else due


def outside(due: Due, skips: Skips, feed: str) -> Due:
    """Move ``due`` out of the hours and days that the publisher wants to be left alone.

    Moved times are spread over the first hour that is open, each feed always to its own minute.
    """
    at = due.at
    for _ in range(7 + 24):  # a week of days or a day of hours, and there is an open one
        if at.weekday() in skips.days:
            at = at.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
        elif at.hour in skips.hours:
            at = at.replace(minute=0, second=0, microsecond=0) + _HOUR
        else:
            break
    if at == due.at:
        return due
    return Due(at=at + timedelta(seconds=int(3600 * _share(feed))), because="skip")


def _usual(
    feed: Feed,
    state: FeedState,
    answer: Answer,
    meta: FeedMeta | None,
    *,
    now: datetime,
    cadence: Cadence,
) -> _Rule:
    """Return the wait that we choose ourselves: as ops said, else by what the feed taught us.

    Below the default, only where the publisher itself says that its document may change sooner,
    or where entries were lost: an hour is what publishers expect of a polite reader.
    """
    interval = interval_of(feed, cadence)
    if feed.every is not None:
        return interval, "interval"
    wait, because = _own_pace(state, interval, now=now, cadence=cadence)
    well = isinstance(answer, Fetched | NotModified)
    if wait <= interval and not (well and _invites(answer, meta, interval)):
        wait, because = interval, "interval"
    haste = haste_at(state, now) if well else 0
    if haste and wait > cadence.floor:
        wait, because = wait / 2**haste, "gap"
    return max(_seconds(wait), cadence.floor), because


def _own_pace(state: FeedState, interval: timedelta, *, now: datetime, cadence: Cadence) -> _Rule:
    if state.rhythm is None:
        return interval, "interval"
    most = cadence.ceiling
    silence = silence_wait(state.rhythm, now=now, most=most)
    if silence >= most:  # which no pace exceeds
        return most, "quiet"
    rhythm = news_wait(state.rhythm, now=now, usual=interval, most=most)
    return (silence, "quiet") if silence >= rhythm else (rhythm, "rhythm")


def _invites(answer: Answer, meta: FeedMeta | None, interval: timedelta) -> bool:
    """Whether the publisher says in so many words that it may be asked sooner than usual."""
    said = [meta.ttl if meta else None]
    if isinstance(answer, Fetched | NotModified):
        said.append(answer.hints.fresh_for)  # zero is what servers say that were never told
    return any(wish is not None and timedelta() < wish < interval for wish in said)


def _rules(
    answer: Answer,
    meta: FeedMeta | None,
    failures: int,
    interval: timedelta,
    *,
    now: datetime,
    cadence: Cadence,
) -> Iterator[_Rule]:
    if isinstance(answer, Fetched | NotModified | Failed):
        # An error page that may be cached for a year must not cost more than a day of news.
        longest = cadence.ceiling if isinstance(answer, Failed) else cadence.server_cap
        if answer.hints.retry_after is not None:
            yield min(answer.hints.retry_after, cadence.server_cap), "retry-after"
        if answer.hints.fresh_for is not None:
            yield min(answer.hints.fresh_for, longest), "max-age"
    if meta is not None and meta.ttl is not None:
        yield min(_timetabled(meta.ttl, meta.base, now), cadence.server_cap), "ttl"
    if isinstance(answer, Failed):
        yield _after_failure(answer, failures, interval, cadence)
    if isinstance(answer, Refused):
        yield _backed_off(interval, failures, _MAX_DOUBLINGS, cadence), "refused"


def _timetabled(step: timedelta, base: datetime | None, now: datetime) -> timedelta:
    """Return ``step``, lengthened to meet the publisher's timetable if that is nearly met.

    RSS 1.0 syndication module: updateBase with period and frequency gives the times of updates.
    Never shortened, and by no more than half: who is out of step is not made to skip an update.
    """
    if base is None or not step:
        return step
    late = (base - now - step) % step
    return step + late if late <= step / 2 else step


def _after_failure(answer: Failed, failures: int, interval: timedelta, cadence: Cadence) -> _Rule:
    status = answer.status or 0
    if status in {429, 503} and answer.hints.retry_after is not None:
        return interval, "interval"  # the server said itself how long it wants its peace
    if status in {401, 403}:
        return _DAY, "denied"
    if _is_hopeless(status):
        if failures > _A_MONTH:
            return max(interval, _WEEK), LOST
        wait = _backed_off(interval, failures, _TOWARDS_A_DAY, cadence)
        return wait, "not-found" if status == 404 else "backoff"
    return _backed_off(interval, failures, _MAX_DOUBLINGS, cadence), "backoff"


def _is_hopeless(status: int) -> bool:
    """Whether asking again soon is no use: the request itself is answered with a no."""
    return 400 <= status < 500 and status not in {408, 425, 429}


def _backed_off(interval: timedelta, failures: int, doublings: int, cadence: Cadence) -> timedelta:
    """Twice the interval after one failure, doubling up to the ceiling."""
    return min(interval * (1 << min(failures, doublings)), cadence.ceiling)


def _phase(feed: str, interval: timedelta) -> timedelta:
    """Return this feed's own small addition to every wait, so that feeds drift apart.

    Feeds that came together (a restart after an outage) are spread over the whole interval after
    ten visits, and no wait ever gets shorter.
    """
    return timedelta(seconds=int(interval.total_seconds() * _SPREAD * _share(feed)))


def _first_phase(feed: str, interval: timedelta, cadence: Cadence) -> timedelta:
    """Return what a feed adds to its first wait, so that an import is spread at once.

    Over its whole interval, but not longer than the default one: nobody waits two days to see
    whether a new feed works.
    """
    return timedelta(seconds=int(min(interval, cadence.interval).total_seconds() * _share(feed, 4)))


def _share(feed: str, start: int = 0) -> float:
    """Return this feed's own number in [0, 1), for ever the same; another for each ``start``."""
    return int.from_bytes(sha256(feed.encode()).digest()[start : start + 4]) / 2**32


def _seconds(wait: timedelta) -> timedelta:
    return timedelta(seconds=ceil(wait.total_seconds()))


def _whole(moment: datetime) -> datetime:
    """Round up to the second: stores keep whole ones, and must not make a time earlier."""
    if moment.microsecond == 0:
        return moment
    return moment.replace(microsecond=0) + timedelta(seconds=1)
