"""Who may follow an output, and what are they sent? (WebSub: the rules of our own hub.)

It is closed: it tells of our own feed documents, to those who proved that they want it, and of
nothing else. Section numbers are those of W3C WebSub.
"""

import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from urllib.parse import quote, unquote, urlencode, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.discreet import Discreet
from aggregator.model.editions import Rendered, Site
from aggregator.model.following import Errand, Follower, Task
from aggregator.outputs.addresses import FEEDS

HUB = "hub"
"""Where our hub listens, below the base address."""

# Section 5.1: a hub decides; section 9.2: leases let what is forgotten end.
SHORTEST, USUAL, LONGEST = timedelta(days=1), timedelta(days=10), timedelta(days=15)
MAX_SECRET = 199  # bytes; section 5.1: "MUST be less than 200 bytes in length"
MAX_CALLBACK = 2_000  # characters

SUBSCRIBE, UNSUBSCRIBE = "subscribe", "unsubscribe"

# Until the next try of what failed. A reader that restarts misses nothing, one that is gone costs
# eight requests in half a day; then we wait for the next news.
PAUSES = tuple(timedelta(seconds=s) for s in (10, 30, 120, 600, 1_800, 7_200, 14_400, 21_600))

PING_AFTER = timedelta(seconds=30)  # changes within are one ping: hubs fetch the document anew
PER_HOST = 0.25  # of all places, for callbacks of one host


class Wish(Discreet, frozen=True, kw_only=True):
    """What a subscriber asks for, checked; ``lease`` is what it will get."""

    hidden = frozenset({"callback", "secret"})

    mode: str
    path: str
    callback: str
    secret: str = ""
    lease: timedelta = USUAL

    def errand(self, now: datetime) -> Errand:
        """Return the errand of asking whether it was meant."""
        said = {"mode": self.mode, "secret": self.secret, "lease": int(self.lease.total_seconds())}
        return Errand(
            task=Task.CONFIRM,
            path=self.path,
            address=self.callback,
            what=json.dumps(said, sort_keys=True),
            due=now,
            since=now,
        )


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a request is not taken: a status (4xx, 5xx) and one line for whoever debugs it."""

    status: int
    text: str


def own_hub(site: Site) -> str:
    """Return the address of our own hub."""
    return f"{site.base_url}/{HUB}"


def outside_hubs(site: Site) -> tuple[str, ...]:
    """Return the hubs of others that are pinged."""
    return tuple(hub for hub in site.hubs if hub != own_hub(site))


def wish_of(form: Mapping[str, str], site: Site, stands: Callable[[str], bool]) -> Wish | Refusal:
    """Read what is asked of our hub (section 5.1); other parameters are ignored.

    ``stands`` tells whether a document is served at a path.
    """
    mode = form.get("hub.mode", "")
    if mode == "publish":
        return Refusal(status=403, text="this hub tells of its own feeds, by itself")
    if mode not in {SUBSCRIBE, UNSUBSCRIBE}:
        return Refusal(status=400, text="hub.mode is neither subscribe nor unsubscribe")
    callback = form.get("hub.callback", "")
    if (wrong := _wrong_with(callback)) is not None:
        return Refusal(status=400, text=f"hub.callback {wrong}")
    path = path_of(form.get("hub.topic", ""), site)
    if path is None or (mode == SUBSCRIBE and not stands(path)):
        return Refusal(status=404, text="hub.topic is not the address of a feed of this site")
    secret = form.get("hub.secret", "")
    if len(secret.encode()) > MAX_SECRET:
        return Refusal(status=400, text="hub.secret is not less than 200 bytes long")
    lease = lease_of(form.get("hub.lease_seconds", ""))
    return Wish(mode=mode, path=path, callback=callback, secret=secret, lease=lease)


def path_of(topic: str, site: Site) -> str | None:
    """Return which feed document ``topic`` is the address of, None when it is no such address."""
    path = unquote(topic.removeprefix(f"{site.base_url}/"))
    is_ours = path.startswith(f"{FEEDS}/") and topic_of(path, site) == topic
    return path if is_ours else None


def topic_of(path: str, site: Site) -> str:
    """Return the address of the document at ``path``."""
    return f"{site.base_url}/{quote(path)}"


def lease_of(asked: str) -> timedelta:
    """Return the lease for who asks for so many seconds; the usual one for what is no number."""
    if not asked.isascii() or not asked.isdecimal() or int(asked[:12]) == 0:
        return USUAL
    return min(max(timedelta(seconds=int(asked[:12])), SHORTEST), LONGEST)


def has_room(
    followers: Iterable[Follower], wish: Wish, *, most: int, pending: int, now: datetime
) -> bool:
    """Whether ``wish`` may be granted: ``most`` follow in all, a fourth of them at one host.

    ``pending`` wait to be confirmed. Who follows already has a place.
    """
    live = [one for one in followers if one.expires > now]
    if any((one.path, one.callback) == (wish.path, wish.callback) for one in live):
        return True
    here = host_of(wish.callback)
    same = sum(host_of(one.callback) == here for one in live)
    return len(live) + pending < most and same < max(1, most * PER_HOST)


def host_of(callback: str) -> str:
    """Return the host of a callback, as it may be told: the rest of its address is a secret."""
    return (urlsplit(callback).hostname or "").lower()


def question(errand: Errand, challenge: str, site: Site) -> str:
    """Return the address to be asked whether ``errand``'s wish was meant (section 5.3).

    The callback's own query is kept as it is (section 5.1.1).
    """
    said = json.loads(errand.what)
    asked = {
        "hub.mode": said["mode"],
        "hub.topic": topic_of(errand.path, site),
        "hub.challenge": challenge,
    }
    if said["mode"] == SUBSCRIBE:
        asked["hub.lease_seconds"] = str(said["lease"])
    return _with_query(errand.address, asked)


def denial(errand: Errand, site: Site) -> str:
    """Return the address by which a callback is told that it is told no more (section 5.2)."""
    topic = topic_of(errand.path, site)
    asked = {"hub.mode": "denied", "hub.topic": topic, "hub.reason": errand.what}
    return _with_query(errand.address, asked)


def confirmed(errand: Errand, before: Follower | None, now: datetime) -> Follower | None:
    """Return the follower that a confirmed wish makes, None when it was to end (section 5.3)."""
    said = json.loads(errand.what)
    if said["mode"] == UNSUBSCRIBE:
        return None
    since = before.since if before is not None and before.expires > now else now
    return Follower(
        path=errand.path,
        callback=errand.address,
        secret=said["secret"],
        since=since,
        expires=now + timedelta(seconds=said["lease"]),
    )


def delivery(path: str, media_type: str, body: bytes, secret: str, site: Site) -> dict[str, str]:
    """Return the header fields that go with a document when it is brought (sections 7 and 8)."""
    links = [f'<{hub}>; rel="hub"' for hub in site.hubs]
    fields = {
        "Content-Type": media_type,
        "Link": ", ".join((*links, f'<{topic_of(path, site)}>; rel="self"')),
    }
    if secret:
        fields["X-Hub-Signature"] = signature(body, secret)
    return fields


def signature(body: bytes, secret: str) -> str:
    """Return the value of X-Hub-Signature (section 8)."""
    return f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"


def told_of(documents: Iterable[Rendered]) -> tuple[Rendered, ...]:
    """Return those of ``documents`` that can be followed: public feeds."""
    return tuple(one for one in documents if one.path.startswith(f"{FEEDS}/"))


def pings(documents: Iterable[Rendered], site: Site, now: datetime) -> tuple[Errand, ...]:
    """Return the errands of telling outside hubs that ``documents`` changed."""
    return tuple(
        Errand(
            task=Task.PING,
            path=one.path,
            address=hub,
            what=one.etag,
            due=now + PING_AFTER,
            since=now,
        )
        for one in told_of(documents)
        for hub in outside_hubs(site)
    )


def ping(errand: Errand, site: Site) -> tuple[tuple[str, str], ...]:
    """Return the form that tells an outside hub that a document changed (section 6).

    Hubs know it as hub.url (PubSubHubbub 0.4) or hub.topic, so both are said.
    """
    topic = topic_of(errand.path, site)
    return ("hub.mode", "publish"), ("hub.url", topic), ("hub.topic", topic)


def later(errand: Errand, now: datetime, asked: timedelta | None = None) -> Errand | None:
    """Return what failed as it is to be tried again, None to give it up.

    ``asked`` is how long they want to be left alone. A question is asked once: else anybody could
    have us call at others' doors again and again.
    """
    if errand.task is Task.CONFIRM or errand.tries >= len(PAUSES):
        return None
    pause = max(PAUSES[errand.tries], min(asked or timedelta(), PAUSES[-1]))
    return replace(errand, due=now + pause, tries=errand.tries + 1)


def _with_query(callback: str, asked: Mapping[str, str]) -> str:
    joint = "&" if "?" in callback else "?"
    return f"{callback}{joint}{urlencode(asked)}"


def _wrong_with(callback: str) -> str | None:
    if not callback:
        return "is missing"
    if len(callback) > MAX_CALLBACK:
        return f"is longer than {MAX_CALLBACK} characters"
    if not (callback.isascii() and callback.isprintable()) or set(callback) & set(' "<>\\^`{|}#'):
        return "is no address: it holds a character that must be percent-encoded, or a fragment"
    try:
        parts = urlsplit(callback)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named or parts.scheme not in {"http", "https"}:
        return "is no http or https address"
    return "holds a user name" if "@" in parts.netloc else None
