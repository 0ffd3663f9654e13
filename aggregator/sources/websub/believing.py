"""Do we believe who calls us? Hubs call to ask whether we meant it, and to bring news."""

import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.push import Standing, Subscription
from aggregator.sources.websub.leases import DENIED_FOR, begun

MAX_CHALLENGE = 1024  # characters; hubs send 20 to 100
MAX_REASON = 200  # characters of a hub's own words

_ALGORITHMS = frozenset({"sha1", "sha256", "sha384", "sha512"})  # WebSub section 8.1


class Confirmed(Struct, frozen=True, kw_only=True):
    """We did mean it: ``echo`` is the challenge to be sent back, ``after`` what stands from now."""

    echo: str
    after: Subscription


class Ended(Struct, frozen=True, kw_only=True):
    """We did mean to leave: ``echo`` is the challenge to be sent back; ``one`` is over."""

    echo: str
    one: Subscription


class Denied(Struct, frozen=True, kw_only=True):
    """The hub will not serve us, for the ``reason`` that it gives (its words, cut)."""

    after: Subscription
    reason: str


class DeniedBefore(Struct, frozen=True, kw_only=True):
    """The hub says again that it will not serve us."""


class Unknown(Struct, frozen=True, kw_only=True):
    """We asked for nothing of the kind."""


Verdict = Confirmed | Ended | Denied | DeniedBefore | Unknown


def verdict_on(one: Subscription | None, query: Mapping[str, str], *, now: datetime) -> Verdict:
    """Judge a call to the callback of ``one`` (None: an address that we never gave out).

    WebSub section 5.3.1: only what is pending, by topic and mode, is confirmed, and only once;
    section 5.2: a hub may deny at any time. No subscription is changed by more than one call of
    each kind, so that calls cost next to nothing however many come.
    """
    if one is None or query.get("hub.topic") != one.topic:
        return Unknown()
    mode, challenge = query.get("hub.mode", ""), query.get("hub.challenge", "")
    if mode == "denied":
        return _denied(one, query.get("hub.reason", ""), now)
    if not 0 < len(challenge) <= MAX_CHALLENGE:
        return Unknown()
    if mode == "subscribe" and one.standing is Standing.ASKED:
        return Confirmed(echo=challenge, after=begun(one, query.get("hub.lease_seconds"), now=now))
    if mode == "unsubscribe" and one.standing is Standing.LEAVING:
        return Ended(echo=challenge, one=one)
    return Unknown()


def _denied(one: Subscription, said: str, now: datetime) -> Verdict:
    if one.standing is Standing.DENIED:
        return DeniedBefore()
    if one.standing is Standing.LEAVING:
        return Unknown()
    reason = "".join(filter(str.isprintable, said))[:MAX_REASON]
    gone = replace(one, standing=Standing.DENIED, due=now + DENIED_FOR, expires=None)
    return Denied(after=gone, reason=reason or "no reason given")


def is_signed(body: bytes, signatures: Iterable[str], secret: str, *, allow_sha1: bool) -> bool:
    """Whether one of ``signatures`` (X-Hub-Signature) was made over ``body`` with ``secret``.

    ``body`` is as it came, before any decoding (WebSub section 8). Hexadecimal digits in any case;
    compared in constant time; an algorithm that we do not know, or allow, proves nothing. Of each
    algorithm the first signature counts: 15 MB take 25 ms or more to sign, and anybody may send
    thousands.
    """
    claimed: dict[str, str] = {}
    for signature in signatures:
        name, _, digest = signature.strip().partition("=")
        claimed.setdefault(name.lower(), digest.strip().lower())
    for name in claimed.keys() & (_ALGORITHMS if allow_sha1 else _ALGORITHMS - {"sha1"}):
        made = hmac.new(secret.encode(), body, name).hexdigest()
        if hmac.compare_digest(made.encode(), claimed[name].encode()):
            return True
    return False
