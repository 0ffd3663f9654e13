"""What does a publisher answer?

The one door to httpx. Its transports are used without its client: no cookie jar, no proxies and
netrc from the environment, no redirects that carry our headers to others, no pool.
"""

import logging
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import httpx
from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.feeds import USUAL_TLS, Feed, FeedState, Tls, Validators
from aggregator.model.visits import (
    Answer,
    Failed,
    Fetched,
    Gone,
    Hints,
    NotModified,
    Posted,
    Refused,
)
from aggregator.sources.answers import (
    first_of,
    freshened,
    hints_of,
    validators_of,
)
from aggregator.sources.body import read_body
from aggregator.sources.calling import Called, call
from aggregator.sources.certificates import contexts
from aggregator.sources.connect import Network
from aggregator.sources.door import Door
from aggregator.sources.guard import reach_of
from aggregator.sources.inflate import ACCEPTED
from aggregator.sources.lookup import Lookup, Resolver
from aggregator.sources.moves import address_to_ask
from aggregator.sources.policy import Clock, FetchPolicy, bounded, weigh
from aggregator.sources.posting import post
from aggregator.sources.redirects import (
    REDIRECTS,
    Moved,
    Origin,
    Trail,
    address_of,
    moved_by,
    origin_of,
)
from aggregator.sources.room import Seat
from aggregator.sources.troubles import RefusedError, status_text
from aggregator.sources.websub.discovery import in_headers

_NOTHING = httpx.ByteStream(b"")
# What a feed's own headers may not set: it would break the exchange, or the promise that one
# unconditional request per feed is ever made.
_OURS = frozenset(
    {
        "a-im",
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class Ask(Struct, frozen=True, kw_only=True):
    """One visit. ``headers`` and ``credentials`` (user, password) stay with the origin of ``url``.

    ``tls`` holds for its host, whatever the port, and for no other on the way.
    ``validators`` are sent to the address they came from, whether that is ``url`` or one that it
    leads to, and nowhere else.
    """

    url: str
    validators: Validators | None = None
    headers: tuple[tuple[str, str], ...] = ()
    credentials: tuple[str, str] | None = None
    tls: Tls = USUAL_TLS


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request that went out, and what came of it; ``size`` is in bytes on the wire."""

    url: str
    conditional: bool
    status: int | None = None
    size: int = 0

    def count(self, size: int) -> None:
        """Take note that ``size`` more bytes of a body came."""
        self.size += size


def ask_for(feed: Feed, state: FeedState) -> Ask:
    """Return the next visit of ``feed``; an edited address is asked as if for the first time.

    A feed that moved for good is asked where it lives now. Its own headers and credentials were
    given for the configured origin and do not move with it, its TLS options for that host.
    """
    ask = ask_at(feed, address_to_ask(feed, state))
    return replace(ask, validators=state.validators if state.url == feed.url else None)


def ask_at(feed: Feed, url: str) -> Ask:
    """Return a visit on behalf of ``feed`` to ``url``; its secrets stay with its own origin.

    An address that makes no sense has none; to ask it is a failure like others.
    """
    if url == feed.url:
        return Ask(url=url, headers=feed.headers, credentials=feed.credentials, tls=feed.tls)
    here, home = _origin(url), _origin(feed.url)
    at_home = here is not None and here == home
    same_host = here is not None and home is not None and here[1] == home[1]
    return Ask(
        url=url,
        headers=feed.headers if at_home else (),
        credentials=feed.credentials if at_home else None,
        tls=feed.tls if same_host else USUAL_TLS,
    )


def _origin(url: str) -> Origin | None:
    try:
        return origin_of(address_of(url))
    except (RefusedError, ValueError, httpx.InvalidURL):  # idna's errors are ValueErrors
        return None


class Fetcher:
    """Asks publishers. Keeps nothing between visits but the TLS settings, so cancelling is safe.

    ``resolve`` replaces the system's name lookup. ``clock`` stands in for a missing Date header.
    """

    def __init__(
        self, policy: FetchPolicy, *, resolve: Resolver | None = None, clock: Clock | None = None
    ) -> None:
        for name in ("httpx", "httpcore"):  # they print addresses and headers, secrets included
            logging.getLogger(name).setLevel(logging.WARNING)
        self._clock = clock
        self._resolve = resolve or Lookup()
        self.adopt(policy)

    def adopt(self, policy: FetchPolicy) -> None:
        """Ask within ``policy`` from now on; what is under way goes on."""
        self._policy = policy
        network = Network(
            reach=reach_of(policy.allow_private, policy.allow_ports),
            resolve=self._resolve,
            connect_seconds=policy.connect_seconds,
            header_bytes=policy.header_bytes,
        )
        self._door = Door(contexts(policy.extra_ca), network)

    async def fetch(
        self, ask: Ask, log: list[Exchange] | None = None, *, seat: Seat | None = None
    ) -> Answer:
        """Make one visit. Raises nothing but `asyncio.CancelledError`.

        ``log`` is given every request for which there was a connection. A large body waits until
        ``seat`` has room for it, and the deadline with it.
        """
        seat = seat or Seat()
        visit = self._follow(ask, [] if log is None else log, seat)
        return await bounded(visit, seat, seconds=self._policy.total_seconds)

    async def post(self, url: str, form: Sequence[tuple[str, str]]) -> Posted | Refused | Failed:
        """Send ``form`` to ``url``, as `aggregator.sources.posting` has it, within all limits."""
        return await post(url, form, door=self._door, policy=self._policy, clock=self._clock)

    async def call(
        self, url: str, *, brings: tuple[Mapping[str, str], bytes] | None = None
    ) -> Called | Refused | Failed:
        """Ask a callback, or bring it something, as `aggregator.sources.calling` has it."""
        policy, clock = self._policy, self._clock
        return await call(url, door=self._door, policy=policy, clock=clock, brings=brings)

    async def _follow(self, ask: Ask, log: list[Exchange], seat: Seat) -> Answer:
        here = address_of(ask.url)
        trail = Trail(origin=origin_of(here), here=here, seat=seat)
        while True:
            found = await self._visit(ask, trail, log)
            if not isinstance(found, Moved):
                return found
            trail.follow(found, most=self._policy.max_redirects)

    async def _visit(self, ask: Ask, trail: Trail, log: list[Exchange]) -> Answer | Moved:
        held = ask.validators
        held = held if held is not None and held.url == trail.address else None
        headers = self._headers(ask, trail, held)
        conditional = any(name.startswith(b"If-") for name, _ in headers)
        exchange = Exchange(url=trail.address, conditional=conditional)
        extensions = {
            "tls": ask.tls if trail.here.host == trail.origin[1] else USUAL_TLS,
            "reached": partial(log.append, exchange),
        }
        # With a stream, httpx adds no headers of its own: that would take four times as long.
        request = httpx.Request(
            "GET", trail.here, headers=headers, stream=_NOTHING, extensions=extensions
        )
        response = await self._door.handle_async_request(request)
        exchange.status = response.status_code
        try:
            return await self._judge(response, trail, held, exchange)
        finally:
            await response.aclose()

    async def _judge(
        self, response: httpx.Response, trail: Trail, held: Validators | None, exchange: Exchange
    ) -> Answer | Moved:
        headers, status = response.headers.raw, response.status_code
        weigh(headers, self._policy)
        if status in REDIRECTS:
            return moved_by(headers, status, trail)
        hints = hints_of(headers, received=self._clock() if self._clock else None)
        if status != 200:
            return _without_body(headers, status, trail, held, hints)
        body = await read_body(response, self._policy.limits, trail.seat, exchange.count)
        if not body or body.isspace():
            return Failed(reason="empty body", status=200, hints=hints)
        return Fetched(
            url=trail.address,
            body=body,
            content_type=first_of(headers, b"content-type").decode("latin-1"),
            validators=validators_of(headers, trail.address),
            hints=hints,
            moved_to=trail.moved_to,
            links=in_headers(headers, trail.address),
        )

    def _headers(
        self, ask: Ask, trail: Trail, held: Validators | None
    ) -> list[tuple[bytes, bytes]]:
        """Put the head together: bytes, because a validator may hold any of them."""
        sent = {
            b"Host": trail.here.netloc,
            b"User-Agent": self._policy.user_agent.encode(),
            b"Accept": self._policy.accept.encode(),
            b"Accept-Encoding": ACCEPTED,
        }
        if origin_of(trail.here) == trail.origin:
            sent |= _own_headers(ask)
        if held is not None and held.etag is not None:
            sent[b"If-None-Match"] = held.etag
        if held is not None and held.last_modified is not None:
            sent[b"If-Modified-Since"] = held.last_modified
        sent[b"Connection"] = b"close"
        return list(sent.items())


def _own_headers(ask: Ask) -> dict[bytes, bytes]:
    own = {
        name.title().encode(): value.encode()
        for name, value in ask.headers
        if name.lower() not in _OURS
    }
    if ask.credentials is not None:
        own[b"Authorization"] = b"Basic " + b64encode(":".join(ask.credentials).encode())
    return own


def _without_body(
    headers: list[tuple[bytes, bytes]],
    status: int,
    trail: Trail,
    held: Validators | None,
    hints: Hints,
) -> Answer:
    if status == 304 and held is not None:
        return NotModified(
            validators=freshened(held, headers), hints=hints, moved_to=trail.moved_to
        )
    if status == 304:
        return Failed(reason="HTTP 304 to a request without conditions", status=304, hints=hints)
    if status == 410 and trail.permanent:  # the end of a temporary detour says nothing of its start
        return Gone()
    return Failed(reason=status_text(status), status=status, hints=hints)
