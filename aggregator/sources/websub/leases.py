"""When is something to be done about a subscription, and what?"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.push import HubLinks, Standing, Subscription
from aggregator.sources.websub.discovery import ways

LEAST, MOST = timedelta(hours=1), timedelta(days=30)
PATIENCE = timedelta(
    hours=6
)  # a hub that accepted has so long to ask whether we meant it, at first
DENIED_FOR = timedelta(days=1)
SETTLING = timedelta(hours=1)  # publishers that change hubs are followed no faster
FRESH = timedelta(hours=1)  # a visit so recent says where the feed's hub is now
LOOK_AGAIN = timedelta(minutes=10)
FAREWELLS = 3  # times that a hub is told we leave; after that the lease runs out by itself

_RETRY = timedelta(minutes=10)
_LAST_QUARTER = 4


class Subscribe(Struct, frozen=True, kw_only=True):
    """Ask ``hubs``, one after another, for ``topic``.

    ``tries`` were in vain so far; ``instead`` are wishes that this one replaces; ``heir_of`` is
    the live subscription that it will stand in for.
    """

    hubs: tuple[str, ...]
    topic: str
    tries: int
    instead: tuple[Subscription, ...]
    heir_of: Subscription | None


class Leave(Struct, frozen=True, kw_only=True):
    """Tell the hub that we want no more."""

    one: Subscription


class Forget(Struct, frozen=True, kw_only=True):
    """The agreement has ended by itself; ``lapsed`` when we relied on it."""

    one: Subscription
    lapsed: bool = False


class Revisit(Struct, frozen=True, kw_only=True):
    """Before a renewal, ask the feed itself where its hub is now (WebSub section 6.1)."""

    one: Subscription


Step = Subscribe | Leave | Forget | Revisit


def begun(one: Subscription, lease_seconds: str | None, *, now: datetime) -> Subscription:
    """Return ``one`` under the lease that the hub gave.

    We rely on it for as long as the hub says, at most 30 days; a lease that was not said is taken
    for an hour. It is renewed between half and two thirds of that, for each subscription at its
    own point, but no more often than an hour's lease would be.
    """
    text = lease_seconds or ""
    given = timedelta(seconds=int(text)) if text.isdecimal() and len(text) <= 9 else MOST
    if not text.isdecimal() or not given:
        given = LEAST
    lease = min(given, MOST)
    renewal = now + max(lease, LEAST) * (1 / 2 + _share(one.token) / 6)
    return replace(
        one,
        standing=Standing.LIVE,
        since=one.since or now,
        expires=_whole(now + lease),
        due=_whole(renewal),
        tries=0,
    )


def steps(
    links: HubLinks | None,
    rows: Sequence[Subscription],
    *,
    callbacks: str,
    visited: datetime | None,
    now: datetime,
) -> Iterator[Step]:
    """Yield what is to be done about one feed, whose subscriptions are ``rows``.

    ``links`` is what its last document said of hubs; None when we want nothing of any. ``visited``
    is when the feed was last asked, ``callbacks`` the address below which hubs find us now.
    """
    by = {standing: [row for row in rows if row.standing is standing] for standing in Standing}
    for row in by[Standing.LEAVING]:
        yield from _leaving(row, now)
    if links is None:
        yield from (Leave(one=row) for row in by[Standing.LIVE] + by[Standing.ASKED])
        yield from (Forget(one=row) for row in by[Standing.DENIED])
        return
    for row in by[Standing.LIVE]:
        if row.expires is not None and row.expires <= now:
            yield Forget(one=row, lapsed=True)
    lives = [row for row in by[Standing.LIVE] if row.expires is None or row.expires > now]
    waiting = by[Standing.ASKED] + by[Standing.DENIED]
    yield from _pursued(links, lives, waiting, callbacks=callbacks, visited=visited, now=now)


def patience(tries: int) -> timedelta:
    """Return how long to wait for a hub that accepted to call back, at the next of ``tries``."""
    return min(PATIENCE * (1 << min(tries, 4)), DENIED_FOR)


def after_failure(one: Subscription, *, refused: bool, now: datetime) -> Subscription:
    """Return a wish that no hub accepted: ``refused`` when one said no, rather than nothing."""
    wait = DENIED_FOR if refused else min(_RETRY * (1 << min(one.tries, 12)), DENIED_FOR)
    return replace(one, due=_whole(now + wait))


def _leaving(row: Subscription, now: datetime) -> Iterator[Step]:
    if row.due > now:
        return
    over = row.tries >= FAREWELLS or (row.expires is not None and row.expires <= now)
    yield Forget(one=row) if over else Leave(one=row)


def _pursued(
    links: HubLinks,
    lives: Sequence[Subscription],
    waiting: Sequence[Subscription],
    *,
    callbacks: str,
    visited: datetime | None,
    now: datetime,
) -> Iterator[Step]:
    live = lives[0] if lives else None
    if any(row.due > now for row in waiting):
        return  # asked, or denied, not long ago
    if not links.hubs or links.topic is None:
        yield from (Forget(one=row) for row in waiting)
        yield from (Leave(one=row) for row in lives if row.due <= now)
        return
    tries = max((row.tries for row in waiting), default=0)
    anew = Subscribe(
        hubs=ways(links.hubs),
        topic=links.topic,
        tries=tries,
        instead=tuple(waiting),
        heir_of=live,
    )
    if live is None or waiting:
        yield anew
    elif not _still_so(live, links, callbacks):
        if live.asked_at <= now - SETTLING:
            yield anew
    elif live.due <= now:
        yield anew if _may_renew(live, visited, now) else Revisit(one=live)


def _still_so(live: Subscription, links: HubLinks, callbacks: str) -> bool:
    at_home = live.callback == f"{callbacks}/{live.token}"
    return at_home and live.topic == links.topic and live.hub in ways(links.hubs)


def _may_renew(live: Subscription, visited: datetime | None, now: datetime) -> bool:
    if visited is not None and visited >= now - FRESH:
        return True
    if live.expires is None:
        return True
    # The publisher cannot be asked: what is known of it must do before the lease is lost.
    return live.expires - now <= (live.expires - live.asked_at) / _LAST_QUARTER


def _share(token: str) -> float:
    """Return this subscription's own number in [0, 1)."""
    return int.from_bytes(sha256(token.encode()).digest()[:4]) / 2**32


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
