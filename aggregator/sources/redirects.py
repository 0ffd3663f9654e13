"""Where does an address lead?"""

from dataclasses import dataclass, field

import httpx
from msgspec import Struct

from aggregator.sources.answers import Headers, first_of
from aggregator.sources.guard import SCHEMES
from aggregator.sources.room import Seat
from aggregator.sources.troubles import FailedError, RefusedError

MAX_ADDRESS = 8192  # characters

PERMANENT = frozenset({301, 308})
REDIRECTS = PERMANENT | {302, 303, 307}

Origin = tuple[str, str, int | None]


class Moved(Struct, frozen=True, kw_only=True):
    """One redirect: where to, and whether for good (301, 308)."""

    to: httpx.URL
    permanent: bool


@dataclass(slots=True, kw_only=True)
class Trail:
    """The way from the address asked for, whose origin is ``origin``.

    ``permanent`` while every step of it was; ``moved_to`` is where such steps led. ``seat`` is for
    the body at its end.
    """

    origin: Origin
    here: httpx.URL
    permanent: bool = True
    moved_to: str | None = None
    seen: set[str] = field(default_factory=set)
    seat: Seat = field(default_factory=Seat)

    @property
    def address(self) -> str:
        """The effective address, in the form in which it is asked."""
        return str(self.here)

    def follow(self, moved: Moved, *, most: int) -> None:
        """Take a step; raises when it goes round, downgrades, or is one more than ``most``."""
        self.seen.add(self.address)
        if str(moved.to) in self.seen:
            raise FailedError("redirects go round in a circle")
        if len(self.seen) > most:
            raise FailedError(f"more than {most} redirects")
        if self.here.scheme == "https" and moved.to.scheme == "http":
            raise RefusedError(f"redirect from https to http at {moved.to.host}")
        self.here = moved.to
        self.permanent = self.permanent and moved.permanent
        if self.permanent:  # RFC 9110 section 15.4: what follows a temporary step may change
            self.moved_to = self.address


def moved_by(headers: Headers, status: int, trail: Trail) -> Moved:
    """Read the Location of a redirect that came from where ``trail`` is now."""
    location = first_of(headers, b"location")
    if not location:
        raise FailedError(f"HTTP {status} without a Location")
    try:
        text = location.decode()
    except UnicodeDecodeError:
        text = location.decode("latin-1")
    return Moved(to=address_of(text, base=trail.here), permanent=status in PERMANENT)


def address_of(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """Read an address into the form in which it is asked: no fragment, no user, host in ASCII.

    Raises `RefusedError` for other schemes than http and https, `httpx.InvalidURL` for nonsense.
    """
    if len(text) > MAX_ADDRESS:
        raise RefusedError("address is too long")
    if text.lower().startswith("feed:"):  # an old way to say "open this in a feed reader"
        rest = text[len("feed:") :]
        text = f"http:{rest}" if rest.startswith("//") else rest
    url = httpx.URL(text) if base is None else base.join(text)
    if url.scheme not in SCHEMES:
        raise RefusedError(f"scheme {url.scheme[:20]!r} is not http or https")
    if not url.host:
        raise RefusedError("address has no host")
    has_more = bool(url.userinfo or url.fragment)
    return url.copy_with(username="", password="", fragment=None) if has_more else url


def origin_of(url: httpx.URL) -> Origin:
    """Return what secrets are bound to: scheme, host and port (None: the scheme's own)."""
    return (url.scheme, url.host, url.port)
