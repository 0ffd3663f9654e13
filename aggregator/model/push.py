"""What a hub is to a feed: who announces its news, and what we agreed with them (WebSub)."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from aggregator.model.discreet import Discreet


class HubLinks(Struct, frozen=True, kw_only=True):
    """Where a publisher says that its news can be had without asking.

    ``hubs`` are absolute addresses in the publisher's order; ``topic`` is the name under which
    the hubs know the feed (its rel=self), None when it was not said.
    """

    hubs: tuple[str, ...] = ()
    topic: str | None = None


NO_HUB = HubLinks()


class Standing(StrEnum):
    """How it stands between a hub and us."""

    ASKED = "asked"
    LIVE = "live"
    LEAVING = "leaving"
    DENIED = "denied"


class Subscription(Discreet, frozen=True, kw_only=True):
    """One agreement with a hub, or the wish for one.

    ``token`` is the unguessable end of ``callback``, ``secret`` ('' for none) signs what is
    delivered there. ``asked_at`` is when the hub was last asked, ``due`` when there is something to
    do about it, ``tries`` how often it was asked in vain. ``expires`` is the end of the lease,
    ``since`` the first verification in an unbroken row of renewals. ``deliveries`` counts those
    believed since the last miss, ``misses`` the polls that found what the hub should have told.
    """

    hidden = frozenset({"token", "callback", "secret"})

    token: str
    feed: str
    hub: str
    topic: str
    callback: str
    secret: str
    standing: Standing
    asked_at: datetime
    due: datetime
    tries: int = 0
    since: datetime | None = None
    expires: datetime | None = None
    deliveries: int = 0
    misses: int = 0


class Delivery(Discreet, frozen=True, kw_only=True):
    """What a hub brought, as it came: ``body`` is raw, ``coding`` its Content-Encoding."""

    hidden = frozenset({"body"})

    feed: str
    received_at: datetime
    content_type: str
    coding: str
    body: bytes


class Pushed(Struct, frozen=True, kw_only=True):
    """A feed whose hub has proved that it tells: under a lease since ``since``."""

    since: datetime
