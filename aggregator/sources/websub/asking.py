"""What do we ask a hub?"""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from aggregator.model.push import Standing, Subscription
from aggregator.sources.guard import special_name

Chance = Callable[[int], bytes]
"""Gives so many random bytes that nobody can guess."""

TOKEN_BYTES = 24  # 192 bits; a capability address wants 128
SECRET_BYTES = 32  # 64 characters; WebSub section 5.1 wants less than 200 bytes

Form = tuple[tuple[str, str], ...]

# RFC 6761, RFC 6762, and what routers and companies name their own networks.
_NOT_PUBLIC = frozenset({
    "localhost", "local", "internal", "lan", "home", "corp", "intranet", "test", "example",
    "invalid", "arpa", "onion",
})  # fmt: skip


class Terms(Struct, frozen=True, kw_only=True):
    """How we subscribe. ``callbacks`` is the address below which hubs find us, without a slash.

    ``lease`` is what we wish for; hubs decide. ``open_secrets``: hand out secrets over plain http,
    where they can be read on the way. ``allow_sha1``: believe signatures made with SHA-1.
    """

    callbacks: str
    lease: timedelta = timedelta(days=10)
    open_secrets: bool = False
    allow_sha1: bool = False


def subscription(
    feed: str, hub: str, topic: str, *, terms: Terms, now: datetime, due: datetime, chance: Chance
) -> Subscription:
    """Return a new wish to hear of ``topic`` from ``hub``, with an address and secret of its own.

    WebSub section 5.1: the secret should go over https only. Then whoever listens in on plain http
    could read it, as he can the callback.
    """
    token = urlsafe_b64encode(chance(TOKEN_BYTES)).decode()
    signed = hub.startswith("https:") or terms.open_secrets
    return Subscription(
        token=token,
        feed=feed,
        hub=hub,
        topic=topic,
        callback=f"{terms.callbacks}/{token}",
        secret=chance(SECRET_BYTES).hex() if signed else "",
        standing=Standing.ASKED,
        asked_at=now,
        due=due,
    )


def wish(one: Subscription, lease: timedelta) -> Form:
    """Return the form that asks for ``one`` (WebSub section 5.1)."""
    form = (
        ("hub.callback", one.callback),
        ("hub.mode", "subscribe"),
        ("hub.topic", one.topic),
        ("hub.lease_seconds", str(int(lease.total_seconds()))),
    )
    return (*form, ("hub.secret", one.secret)) if one.secret else form


def farewell(one: Subscription) -> Form:
    """Return the form that ends ``one``."""
    return (
        ("hub.callback", one.callback),
        ("hub.mode", "unsubscribe"),
        ("hub.topic", one.topic),
    )


def is_public(base_url: str) -> bool:
    """Whether hubs out there can reach an installation at ``base_url``, by the looks of it."""
    host = (urlsplit(base_url).hostname or "").rstrip(".").lower()
    try:
        return special_name(ip_address(host)) is None
    except ValueError:
        name, _, last = host.rpartition(".")
        return bool(name) and last not in _NOT_PUBLIC
